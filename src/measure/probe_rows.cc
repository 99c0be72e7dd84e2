#include "measure/probe_rows.h"

#include <algorithm>
#include <map>

#include "base/cancel.h"

namespace cajal {
namespace {

constexpr std::size_t kAtATime = 64;  // questions in a forward pass

/// The last span of each kind, and the answer.
std::vector<ProbeExample> examples_of(const Question& question, std::size_t index,
                                      const Encoding& encoding) {
  const std::size_t last = encoding.ids.size() - 1;
  std::map<std::string, const Span*> kinds;
  for (const Span& span : question.hidden) {
    kinds[span.kind] = &span;
  }
  std::vector<ProbeExample> out;
  out.reserve(kinds.size());
  for (const auto& [kind, span] : kinds) {
    out.push_back({.question = index,
                   .hidden = kind,
                   .value = span->value,
                   .word = std::string(covered(question.prompt, *span)),
                   .tokens = {token_at(encoding, span->end), last}});
  }
  out.push_back({.question = index,
                 .hidden = "answer",
                 .value = question.answer,
                 .word = "",
                 .tokens = {last, last}});
  return out;
}

/// Those that hide something, by "task/kind/split".
std::map<std::string, std::vector<Question>> hiding_questions(const Task& task,
                                                              const ProbeOptions& options) {
  std::map<std::string, std::vector<Question>> kinds;
  for (const Split split : {Split::Train, Split::Heldout}) {
    if (options.split.value_or(split) != split) {
      continue;
    }
    for (Question& question : task.questions(split)) {
      if (!question.hidden.empty()) {
        kinds[fmt::format("{}/{}/{}", task.name(), question.kind, name_of(split))].push_back(
            std::move(question));
      }
    }
  }
  return kinds;
}

}  // namespace

std::size_t token_at(const Encoding& encoding, std::size_t end) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    if (encoding.offsets[i].begin < end && encoding.offsets[i].begin < encoding.offsets[i].end) {
      out = i;
    }
  }
  return out;
}

ProbeRows::ProbeRows(const Asked& asked, const Task& task, const ProbeOptions& options)
    : asked_(asked), points_(options.points) {
  if (points_.empty()) {
    points_.push_back({.kind = PointKind::Embeddings});
    for (std::size_t layer = 0; layer < asked.model.config().layers; ++layer) {
      points_.push_back({PointKind::ResidPost, layer});
    }
  }
  choose(task, options);
  for (std::size_t i = 0; i < points_.size() * kProbePlaces.size(); ++i) {
    values_.push_back(Matrix::host(examples_.size(), asked.model.config().d_model,
                                   asked.backend.activation_dtype()));
  }
  for (std::size_t begin = 0; begin < questions_.size(); begin += kAtATime) {
    check_cancelled(options.cancel);
    read(begin, std::min(questions_.size(), begin + kAtATime));
  }
}

void ProbeRows::choose(const Task& task, const ProbeOptions& options) {
  auto kinds = hiding_questions(task, options);
  for (auto& [name, questions] : kinds) {
    for (const std::size_t i : chosen(questions.size(), options.questions, options.seed, name)) {
      const Encoding encoding = asked_.tokenizer.encode(questions[i].prompt);
      if (encoding.ids.empty() || encoding.ids.size() > asked_.model.config().context) {
        continue;
      }
      for (ProbeExample& example : examples_of(questions[i], questions_.size(), encoding)) {
        examples_.push_back(std::move(example));
      }
      questions_.push_back(std::move(questions[i]));
      prompts_.push_back(encoding.ids);
      firsts_.push_back(examples_.size());
    }
  }
}

void ProbeRows::read(std::size_t begin, std::size_t end) {
  std::vector<TokenId> tokens;
  std::vector<std::int32_t> starts = {0};
  for (std::size_t i = begin; i < end; ++i) {
    tokens.insert(tokens.end(), prompts_[i].begin(), prompts_[i].end());
    starts.push_back(static_cast<std::int32_t>(tokens.size()));
  }
  PointSet readers;
  for (std::size_t p = 0; p < points_.size(); ++p) {
    readers.read(points_[p], [&, p](ConstMatRef value, const PointContext&) {
      take(p, begin, end, starts, value);
    });
  }
  KvCache cache(asked_.model.config(), asked_.backend, end - begin);
  asked_.model.forward(asked_.backend, {tokens, starts}, cache,
                       {.precision = asked_.precision,
                        .logits = LogitRows::None,
                        .points = &readers,
                        .keep = false});
}

void ProbeRows::take(std::size_t point, std::size_t begin, std::size_t end,
                     const std::vector<std::int32_t>& starts, ConstMatRef value) {
  for (std::size_t e = firsts_[begin]; e < firsts_[end]; ++e) {
    const auto first = static_cast<std::size_t>(starts[examples_[e].question - begin]);
    for (std::size_t place = 0; place < kProbePlaces.size(); ++place) {
      convert(value.row_range(first + examples_[e].tokens[place], 1),
              values_[point * kProbePlaces.size() + place].ref().row_range(e, 1));
    }
  }
}

Matrix ProbeRows::rows(const std::vector<std::size_t>& which, std::size_t point,
                       std::size_t place) const {
  const Matrix& from = values_[point * kProbePlaces.size() + place];
  Matrix out = Matrix::host(which.size(), from.cols(), DType::F64);
  for (std::size_t i = 0; i < which.size(); ++i) {
    convert(from.ref().row_range(which[i], 1), out.ref().row_range(i, 1));
  }
  return out;
}

}  // namespace cajal
