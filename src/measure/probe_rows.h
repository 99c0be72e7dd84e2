// What a model holds where questions hide something: rows of the residual stream.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "measure/probe.h"
#include "model/points.h"
#include "tensor/matrix.h"

namespace cajal {

inline constexpr std::array<ProbePlace, 2> kProbePlaces = {ProbePlace::End, ProbePlace::Last};

/// The token that holds byte `end - 1`; the last one before it, where the tokenizer dropped it.
std::size_t token_at(const Encoding& encoding, std::size_t end);

/// One hidden thing of one question.
struct ProbeExample {
  std::size_t question = 0;  // index
  std::string hidden;
  std::string value;
  std::string word;                                       // the text that hides it
  std::array<std::size_t, kProbePlaces.size()> tokens{};  // of the prompt, at each place
};

class ProbeRows {
 public:
  /// Asks the model. Questions beyond its context are left out.
  ProbeRows(const Asked& asked, const Task& task, const ProbeOptions& options);

  const std::vector<Point>& points() const noexcept { return points_; }
  const std::vector<Question>& questions() const noexcept { return questions_; }
  const std::vector<ProbeExample>& examples() const noexcept { return examples_; }
  /// [which, d_model] of F64: the rows of these examples.
  Matrix rows(const std::vector<std::size_t>& which, std::size_t point, std::size_t place) const;

 private:
  void choose(const Task& task, const ProbeOptions& options);
  void read(std::size_t begin, std::size_t end);
  void take(std::size_t point, std::size_t begin, std::size_t end,
            const std::vector<std::int32_t>& starts, ConstMatRef value);

  Asked asked_;
  std::vector<Point> points_;
  std::vector<Question> questions_;
  std::vector<std::vector<TokenId>> prompts_;  // [questions]
  std::vector<ProbeExample> examples_;         // by question
  std::vector<std::size_t> firsts_ = {0};      // [questions + 1] where its examples begin
  std::vector<Matrix> values_;                 // [points * places] of [examples, d_model]
};

}  // namespace cajal
