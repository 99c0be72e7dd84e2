// What a task's questions hide, collected from a model point by point.
#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"
#include "measure/probe.h"
#include "model/points.h"

namespace cajal {
namespace {

constexpr std::size_t kAtATime = 64;  // questions in a forward pass
constexpr std::array<const char*, 2> kPlaces = {"end", "last"};

/// One hidden thing of one question: which token tells it, what it is.
struct Example {
  std::size_t question = 0;
  std::string kind;
  std::string value;
  std::array<std::size_t, kPlaces.size()> tokens = {};
};

struct Prompt {
  std::vector<TokenId> ids;
  std::vector<TokenSpan> offsets;
};

/// The token that holds byte `end - 1` of the text.
std::size_t token_at(const Prompt& prompt, std::size_t end) {
  for (std::size_t i = 0; i < prompt.ids.size(); ++i) {
    if (prompt.offsets[i].begin < end && end <= prompt.offsets[i].end) {
      return i;
    }
  }
  return prompt.ids.size() - 1;
}

std::vector<Example> examples_of(const Question& question, std::size_t index,
                                 const Prompt& prompt) {
  std::map<std::string, const Span*> by_kind;  // the last of each
  for (const Span& span : question.hidden) {
    by_kind[span.kind] = &span;
  }
  std::vector<Example> out;
  for (const auto& [kind, span] : by_kind) {
    out.push_back({index, kind, span->value, {token_at(prompt, span->end), prompt.ids.size() - 1}});
  }
  return out;
}

std::vector<Point> probed_points(const ModelConfig& config) {
  std::vector<Point> out = {{PointKind::Embeddings, 0}};
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    out.push_back({PointKind::ResidPost, layer});
  }
  return out;
}

/// Of both splits, at most `most` of each kind and split.
std::vector<Question> hiding_questions(const Task& task, std::size_t most) {
  std::vector<Question> out;
  for (const Split split : {Split::Train, Split::Heldout}) {
    std::map<std::string, std::vector<Question>> by_kind;
    for (Question& question : task.questions(split)) {
      if (!question.hidden.empty()) {
        by_kind[question.kind].push_back(std::move(question));
      }
    }
    for (auto& [kind, questions] : by_kind) {
      for (const std::size_t i : chosen(questions.size(), most, 0, kind)) {
        out.push_back(std::move(questions[i]));
      }
    }
  }
  return out;
}

class Collector {
 public:
  Collector(const Asked& asked, const Task& task, std::size_t most)
      : asked_(asked),
        points_(probed_points(asked.model.config())),
        questions_(hiding_questions(task, most)) {
    for (std::size_t i = 0; i < questions_.size(); ++i) {
      const Encoding encoding = asked.tokenizer.encode(questions_[i].prompt);
      prompts_.push_back({encoding.ids, encoding.offsets});
      for (Example& example : examples_of(questions_[i], i, prompts_.back())) {
        examples_.push_back(std::move(example));
      }
    }
  }

  void collect(const std::stop_token& cancel) {
    for (std::size_t p = 0; p < points_.size() * kPlaces.size(); ++p) {
      vectors_.push_back(Matrix::host(examples_.size(), asked_.model.config().d_model, DType::F64));
    }
    for (std::size_t begin = 0; begin < questions_.size(); begin += kAtATime) {
      if (cancel.stop_requested()) {
        fail(ErrorCode::Cancelled, "interrupted");
      }
      read(begin, std::min(questions_.size(), begin + kAtATime));
    }
  }

  const std::vector<Point>& points() const noexcept { return points_; }
  const Question& question_of(std::size_t example) const {
    return questions_[examples_[example].question];
  }
  const std::vector<Example>& examples() const noexcept { return examples_; }

  /// The vectors of these examples at a point and a place.
  ProbeData data(const std::vector<std::size_t>& which, std::size_t point,
                 std::size_t place) const {
    const Matrix& from = vectors_[point * kPlaces.size() + place];
    ProbeData out{Matrix::host(which.size(), from.cols(), DType::F64), {}};
    for (std::size_t i = 0; i < which.size(); ++i) {
      convert(from.ref().row_range(which[i], 1), out.vectors.ref().row_range(i, 1));
      out.labels.push_back(examples_[which[i]].value);
    }
    return out;
  }

 private:
  void read(std::size_t begin, std::size_t end) {
    std::vector<TokenId> tokens;
    std::vector<std::int32_t> starts = {0};
    for (std::size_t i = begin; i < end; ++i) {
      tokens.insert(tokens.end(), prompts_[i].ids.begin(), prompts_[i].ids.end());
      starts.push_back(static_cast<std::int32_t>(tokens.size()));
    }
    PointSet points;
    for (std::size_t p = 0; p < points_.size(); ++p) {
      points.read(points_[p], [&, p](ConstMatRef value, const PointContext&) {
        take(p, begin, end, starts, value);
      });
    }
    KvCache cache(asked_.model.config(), asked_.backend, end - begin);
    asked_.model.forward(
        asked_.backend, {tokens, starts}, cache,
        {.precision = asked_.precision, .logits = LogitRows::Last, .points = &points});
  }

  void take(std::size_t point, std::size_t begin, std::size_t end,
            std::span<const std::int32_t> starts, ConstMatRef value) {
    for (std::size_t e = 0; e < examples_.size(); ++e) {
      const Example& example = examples_[e];
      if (example.question < begin || example.question >= end) {
        continue;
      }
      const auto first = static_cast<std::size_t>(starts[example.question - begin]);
      for (std::size_t place = 0; place < kPlaces.size(); ++place) {
        convert(value.row_range(first + example.tokens[place], 1),
                vectors_[point * kPlaces.size() + place].ref().row_range(e, 1));
      }
    }
  }

  Asked asked_;
  std::vector<Point> points_;
  std::vector<Question> questions_;
  std::vector<Prompt> prompts_;
  std::vector<Example> examples_;
  std::vector<Matrix> vectors_;  // [points * places] of [examples, d_model]
};

/// Examples of one kind of hidden thing in one kind of question, by the parity of their form.
struct Group {
  std::vector<std::size_t> train;
  std::vector<std::size_t> test;
};

std::map<std::pair<std::string, std::string>, Group> groups_of(const Collector& collector) {
  std::map<std::pair<std::string, std::string>, Group> out;
  for (std::size_t e = 0; e < collector.examples().size(); ++e) {
    const Question& question = collector.question_of(e);
    Group& group = out[{question.kind, collector.examples()[e].kind}];
    (question.form % 2 == 0 ? group.train : group.test).push_back(e);
  }
  return out;
}

void set_aim(const Task& task, bool embeddings, ProbeResult& result) {
  for (const ProbeAim& aim : task.probe_aims()) {
    if (aim.kind != result.hidden || aim.question != result.question) {
      continue;
    }
    (embeddings ? result.at_most : result.at_least) =
        embeddings ? aim.at_most_in_embeddings : aim.at_least;
  }
}

}  // namespace

std::vector<ProbeResult> probe_task(const Asked& asked, const Task& task, std::size_t most,
                                    const std::stop_token& cancel) {
  Collector collector(asked, task, most);
  collector.collect(cancel);
  std::vector<ProbeResult> out;
  for (const auto& [kinds, group] : groups_of(collector)) {
    for (std::size_t place = 0; place < kPlaces.size(); ++place) {
      for (std::size_t p = 0; p < collector.points().size(); ++p) {
        if (cancel.stop_requested()) {
          fail(ErrorCode::Cancelled, "interrupted");
        }
        ProbeResult& result = out.emplace_back();
        result.task = task.name();
        result.question = kinds.first;
        result.hidden = kinds.second;
        result.place = kPlaces[place];
        result.point = name_of(collector.points()[p]);
        result.train = group.train.size();
        result.test = group.test.size();
        result.accuracy = probe_accuracy(collector.data(group.train, p, place),
                                         collector.data(group.test, p, place));
        set_aim(task, p == 0, result);
      }
    }
  }
  return out;
}

}  // namespace cajal
