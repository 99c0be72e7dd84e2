// Several sources as one stream of documents, in proportions of tokens.
//
// Which source comes next depends on what each has given so far, not on chance: the one that is
// furthest behind its share. So a short run already has the mix it asks for, and where a stream
// stands is a few numbers, which a checkpoint keeps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "corpus/token_source.h"

namespace cajal {

struct MixturePart {
  std::string name;  // for messages
  std::shared_ptr<const TokenSource> source;
  double weight = 1.0;  // share of the tokens, next to the other parts in use at the time
  double from = 0.0;    // of the whole training, as a fraction: used from here
  double until = 1.0;   // ... to here
};

/// Where a stream stands in one part.
struct PartPosition {
  std::uint64_t next = 0;  // documents given so far, over all epochs
  double behind = 0.0;     // tokens that the part is behind its share
  friend bool operator==(const PartPosition&, const PartPosition&) = default;
};

class Mixture {
 public:
  /// Epoch e of a part goes through its documents in the order that (seed, part, e) gives. Throws
  /// InvalidArgument naming a part that has no documents, or whose numbers make no sense, and if at
  /// some time of the training no part is in use.
  Mixture(std::vector<MixturePart> parts, std::uint64_t seed);

  /// The next document when `progress` (0 to 1) of the training is over, without taking it. It
  /// follows from the positions and `progress` alone, not from what was looked at before, so that
  /// a restored stream goes on as this one does. Valid until the next call.
  const std::vector<TokenId>& peek(double progress);
  void take();

  std::vector<PartPosition> positions() const { return positions_; }
  /// Throws InvalidArgument unless there is one position for each part.
  void restore(std::vector<PartPosition> positions);
  const std::vector<MixturePart>& parts() const noexcept { return parts_; }

 private:
  std::size_t furthest_behind(double progress) const;
  void read(std::size_t part);

  std::vector<MixturePart> parts_;
  std::uint64_t seed_;
  std::vector<PartPosition> positions_;
  struct Order {
    std::uint64_t epoch = ~std::uint64_t{0};
    std::vector<std::uint32_t> documents;
  };
  std::vector<Order> orders_;  // of the epoch that each part is in
  std::vector<TokenId> document_;
  std::size_t chosen_ = 0;
  double chosen_at_ = 0.0;
  bool peeked_ = false;
};

}  // namespace cajal
