#include "corpus/mixture.h"

#include <algorithm>

#include "base/error.h"
#include "corpus/shuffle.h"

namespace cajal {
namespace {

bool in_use(const MixturePart& part, double progress) {
  return progress >= part.from && (progress < part.until || part.until >= 1.0);
}

void check_part(const MixturePart& part) {
  check(part.source->documents() != std::size_t{0}, "{}: has no documents to train on", part.name);
  check(part.weight > 0.0, "{}: weight must be more than 0, not {}", part.name, part.weight);
  check(
      part.from >= 0.0 && part.from < part.until && part.until <= 1.0,
      "{}: must be used from and until fractions of the training with 0 <= from < until <= 1, not "
      "{} and {}",
      part.name, part.from, part.until);
}

void check_covered(const std::vector<MixturePart>& parts) {
  std::vector<double> starts = {0.0};
  for (const MixturePart& part : parts) {
    starts.push_back(part.until);
  }
  for (const double start : starts) {
    const bool used =
        start >= 1.0 || std::any_of(parts.begin(), parts.end(),
                                    [&](const auto& part) { return in_use(part, start); });
    check(used, "no data is used after {} of the training; let some part begin there", start);
  }
}

}  // namespace

Mixture::Mixture(std::vector<MixturePart> parts, std::uint64_t seed)
    : parts_(std::move(parts)), seed_(seed), positions_(parts_.size()), orders_(parts_.size()) {
  check(!parts_.empty(), "there is no data to train on");
  std::for_each(parts_.begin(), parts_.end(), check_part);
  check_covered(parts_);
}

std::size_t Mixture::furthest_behind(double progress) const {
  std::size_t best = parts_.size();
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (in_use(parts_[i], progress) &&
        (best == parts_.size() || positions_[i].behind > positions_[best].behind)) {
      best = i;
    }
  }
  return best;
}

void Mixture::read(std::size_t part) {
  const std::uint64_t next = positions_[part].next;
  const std::optional<std::size_t> count = parts_[part].source->documents();
  if (!count) {
    parts_[part].source->read(next, document_);
    return;
  }
  Order& order = orders_[part];
  if (order.epoch != next / *count) {
    order.epoch = next / *count;
    order.documents = shuffled(*count, seed_, part << 32U | order.epoch);
  }
  parts_[part].source->read(order.documents[next % *count], document_);
}

const std::vector<TokenId>& Mixture::peek(double progress) {
  if (!peeked_ || progress != chosen_at_) {
    chosen_ = furthest_behind(progress);
    chosen_at_ = progress;
    read(chosen_);
    peeked_ = true;
  }
  return document_;
}

void Mixture::take() {
  double total = 0.0;
  for (const MixturePart& part : parts_) {
    total += in_use(part, chosen_at_) ? part.weight : 0.0;
  }
  const auto tokens = static_cast<double>(document_.size());
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (in_use(parts_[i], chosen_at_)) {
      positions_[i].behind += tokens * parts_[i].weight / total;
    }
  }
  positions_[chosen_].behind -= tokens;
  ++positions_[chosen_].next;
  peeked_ = false;
}

void Mixture::restore(std::vector<PartPosition> positions) {
  check(positions.size() == parts_.size(),
        "a stream of {} parts cannot go on from where one of {} was", parts_.size(),
        positions.size());
  positions_ = std::move(positions);
  peeked_ = false;
}

}  // namespace cajal
