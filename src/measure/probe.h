// Linear probes: at which layer and token can a hidden thing be read off the residual stream?
//
// A classifier (linear_classifier.h) is fitted on the questions whose surface form is even and
// tested on those whose form is odd, and the other way round, so that it cannot live on the
// wording. It may still know each word by heart: `new_words` is the same without the words that it
// was fitted on, where there are enough of them.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "measure/world_score.h"
#include "model/points.h"

namespace cajal {

enum class ProbePlace : std::uint8_t {
  End,   // the token that holds the last byte of the span
  Last,  // the last token of the prompt
};
/// "end", "last".
std::string_view name_of(ProbePlace place) noexcept;

struct ProbePoint {
  std::string point;      // "embeddings", "resid_post.3"
  double accuracy = 0.0;  // share of the tested questions, both ways together
  std::optional<double> new_words{};
};

/// How well a hidden thing can be read at one place, layer by layer.
struct ProbeCurve {
  std::string task;
  std::string question;  // kind of question; empty: of every kind
  std::string hidden;    // kind of span, or "answer": what the model is to say
  ProbePlace place = ProbePlace::End;
  std::size_t classes = 0;
  std::size_t n = 0;                 // questions tested
  std::size_t unseen = 0;            // left out: the other forms have no such value
  double majority = 0.0;             // accuracy of always naming the commonest value
  std::vector<ProbePoint> points{};  // embeddings first, then every layer
  // What the task aims at: at some layer, and at most at the embeddings.
  std::optional<double> at_least{};
  std::optional<double> at_most{};
  // Whether that is so. At the last token, second best: at_least is reached there in a layer before
  // the one where the answer can be read.
  std::optional<bool> passed{};

  double chance() const { return classes == 0 ? 0.0 : 1.0 / static_cast<double>(classes); }
  /// The best layer, as an index of `points`; embeddings do not count.
  std::size_t best() const;
  /// The first layer, as an index of `points`, with at least this accuracy.
  std::optional<std::size_t> first_reaching(double accuracy) const;
};

struct ProbeOptions {
  std::optional<Split> split;    // absent: both
  std::size_t questions = 1000;  // at most so many of each kind and split; 0: all
  std::uint64_t seed = 0;        // chooses them
  std::stop_token cancel;
  std::vector<Point> points;  // of the model's width, embeddings first; empty: they and resid_post
  std::function<void(std::string_view what)> progress;
};

/// Of a thing that is one of two, the commoner value is cut down to as many questions as the other,
/// so that guessing is right half the time. Things that the task aims to hide come first, then the
/// others. Throws Cancelled, and what forward throws.
std::vector<ProbeCurve> probe_task(const Asked& asked, const Task& task,
                                   const ProbeOptions& options = {});

/// The picture: layers from left to right, a row for each curve, the darker the better.
std::string to_svg(std::span<const ProbeCurve> curves, std::string_view title);

}  // namespace cajal
