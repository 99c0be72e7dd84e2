#include "dictionary/selection.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"

namespace cajal {
namespace {

struct Fired {
  std::uint32_t feature = 0;
  float value = 0.0F;
};

SparseRows gather(std::vector<std::vector<Fired>>& rows, std::size_t features) {
  SparseRows out;
  out.cols = features;
  for (const std::vector<Fired>& row : rows) {
    for (const Fired& fired : row) {
      out.append(fired.feature, fired.value);
    }
    out.end_row();
  }
  return out;
}

void sort_by_feature(std::vector<Fired>& row) {
  std::sort(row.begin(), row.end(),
            [](const Fired& a, const Fired& b) { return a.feature < b.feature; });
}

/// Calls take(row, h of the row) for each row of a block, in parallel.
template <typename Take>
void for_each_row(ConstMatRef h, const Take& take) {
  constexpr std::size_t kRows = 4;
  parallel_for(h.rows, kRows, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      if (h.dtype == DType::F64) {
        take(r, h.as<const double>().row(r));
      } else {
        take(r, h.as<const float>().row(r));
      }
    }
  });
}

/// Functions that look at one feature at a time: value(feature, h) is what it fires with, or 0.
template <typename Value>
class Pointwise final : public FeatureSelection {
 public:
  Pointwise(std::size_t rows, std::size_t features, Value value)
      : features_(features), value_(std::move(value)), fired_(rows) {}

  void take(ConstMatRef h, std::size_t first_row, std::size_t first_feature) override {
    for_each_row(h, [&](std::size_t r, auto row) {
      std::vector<Fired>& fired = fired_[first_row + r];
      for (std::size_t i = 0; i < row.size(); ++i) {
        const auto value = static_cast<float>(value_(first_feature + i, row[i]));
        if (value != 0.0F) {
          fired.push_back({static_cast<std::uint32_t>(first_feature + i), value});
        }
      }
    });
  }
  SparseRows finish() override { return gather(fired_, features_); }

 private:
  std::size_t features_;
  Value value_;
  std::vector<std::vector<Fired>> fired_;
};

template <typename Value>
std::unique_ptr<FeatureSelection> pointwise(std::size_t rows, std::size_t features, Value value) {
  return std::make_unique<Pointwise<Value>>(rows, features, std::move(value));
}

/// A value that may be among the largest. Ranked in double, so that `ref` selects by its own sums.
struct Candidate {
  double rank = 0.0;
  std::uint32_t feature = 0;
  std::uint32_t row = 0;
  float value = 0.0F;
};

bool before(const Candidate& a, const Candidate& b) {
  if (a.rank != b.rank) {
    return a.rank > b.rank;
  }
  return a.row != b.row ? a.row < b.row : a.feature < b.feature;
}

/// The best of what was offered, in any order.
class Best {
 public:
  explicit Best(std::size_t count) : count_(count) {}

  void offer(const Candidate& candidate) {
    if (full_ && !before(candidate, worst_)) {
      return;
    }
    kept_.push_back(candidate);
    if (kept_.size() >= 2 * count_ + kSlack) {
      prune();
    }
  }
  std::vector<Candidate>& finish() {
    prune();
    return kept_;
  }

 private:
  // Candidates gather until pruning costs little for each; with a k of 0 all are pruned.
  static constexpr std::size_t kSlack = 64;

  void prune() {
    if (kept_.size() <= count_) {
      return;
    }
    if (count_ != 0) {
      const auto last = kept_.begin() + static_cast<std::ptrdiff_t>(count_ - 1);
      std::nth_element(kept_.begin(), last, kept_.end(), before);
      worst_ = *last;
      full_ = true;
    }
    kept_.resize(count_);
  }

  std::size_t count_;
  std::vector<Candidate> kept_;
  Candidate worst_;
  bool full_ = false;
};

/// TopK and AbsTopK.
class PerToken final : public FeatureSelection {
 public:
  PerToken(const ActivationFunction& function, std::size_t rows, std::size_t features)
      : features_(features),
        magnitude_(function.kind == ActivationKind::AbsTopK),
        keeps_negative_(magnitude_ || function.keeps_negative),
        best_(rows, Best(static_cast<std::size_t>(function.k))) {}

  void take(ConstMatRef h, std::size_t first_row, std::size_t first_feature) override {
    for_each_row(h, [&](std::size_t r, auto row) {
      Best& best = best_[first_row + r];
      for (std::size_t i = 0; i < row.size(); ++i) {
        const auto value = static_cast<double>(row[i]);
        if (keeps_negative_ || value > 0) {
          best.offer({.rank = magnitude_ ? std::abs(value) : value,
                      .feature = static_cast<std::uint32_t>(first_feature + i),
                      .value = static_cast<float>(value)});
        }
      }
    });
  }

  SparseRows finish() override {
    std::vector<std::vector<Fired>> rows(best_.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (const Candidate& one : best_[r].finish()) {
        if (one.value != 0.0F) {
          rows[r].push_back({one.feature, one.value});
        }
      }
      sort_by_feature(rows[r]);
    }
    return gather(rows, features_);
  }

 private:
  std::size_t features_;
  bool magnitude_;
  bool keeps_negative_;
  std::vector<Best> best_;
};

class PerBatch final : public FeatureSelection {
 public:
  PerBatch(double k, std::size_t rows, std::size_t features)
      : rows_(rows),
        features_(features),
        best_(static_cast<std::size_t>(k * static_cast<double>(rows))) {}

  void take(ConstMatRef h, std::size_t first_row, std::size_t first_feature) override {
    for (std::size_t r = 0; r < h.rows; ++r) {
      if (h.dtype == DType::F64) {
        offer(h.as<const double>().row(r), first_row + r, first_feature);
      } else {
        offer(h.as<const float>().row(r), first_row + r, first_feature);
      }
    }
  }

  SparseRows finish() override {
    std::vector<std::vector<Fired>> rows(rows_);
    for (const Candidate& one : best_.finish()) {
      rows[one.row].push_back({one.feature, one.value});
    }
    for (std::vector<Fired>& row : rows) {
      sort_by_feature(row);
    }
    return gather(rows, features_);
  }

 private:
  template <typename T>
  void offer(std::span<const T> h, std::size_t row, std::size_t first_feature) {
    for (std::size_t i = 0; i < h.size(); ++i) {
      if (h[i] > 0) {
        best_.offer({.rank = static_cast<double>(h[i]),
                     .feature = static_cast<std::uint32_t>(first_feature + i),
                     .row = static_cast<std::uint32_t>(row),
                     .value = static_cast<float>(h[i])});
      }
    }
  }

  std::size_t rows_;
  std::size_t features_;
  Best best_;
};

class PerGroup final : public FeatureSelection {
 public:
  PerGroup(std::size_t groups, std::size_t rows, std::size_t features)
      : features_(features), groups_(groups), size_(features / groups), best_(rows * groups) {}

  void take(ConstMatRef h, std::size_t first_row, std::size_t first_feature) override {
    for_each_row(h, [&](std::size_t r, auto row) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::size_t feature = first_feature + i;
        Candidate& best = best_[(first_row + r) * groups_ + feature / size_];
        if (static_cast<double>(row[i]) > best.rank) {
          best = {.rank = static_cast<double>(row[i]),
                  .feature = static_cast<std::uint32_t>(feature),
                  .value = static_cast<float>(row[i])};
        }
      }
    });
  }

  SparseRows finish() override {
    SparseRows out;
    out.cols = features_;
    for (std::size_t i = 0; i < best_.size(); ++i) {
      if (best_[i].value != 0.0F) {
        out.append(best_[i].feature, best_[i].value);
      }
      if ((i + 1) % groups_ == 0) {
        out.end_row();
      }
    }
    return out;
  }

 private:
  std::size_t features_;
  std::size_t groups_;
  std::size_t size_;
  std::vector<Candidate> best_;  // [rows, groups]
};

std::unique_ptr<FeatureSelection> jump_relu(const ActivationFunction& f, std::size_t rows,
                                            std::size_t features) {
  const float* threshold = f.threshold.data();
  if (f.keeps_negative) {
    return pointwise(rows, features, [=](std::size_t i, auto h) {
      return h > static_cast<decltype(h)>(threshold[i]) ? h : 0;
    });
  }
  return pointwise(rows, features, [=](std::size_t i, auto h) {
    return h > static_cast<decltype(h)>(threshold[i]) && h > 0 ? h : 0;
  });
}

std::unique_ptr<FeatureSelection> gated(const ActivationFunction& f, std::span<const float> b_gate,
                                        std::size_t rows, std::size_t features) {
  const float* gate = b_gate.data();
  const float* scale = f.magnitude_scale.data();
  const float* bias = f.magnitude_bias.data();
  return pointwise(rows, features, [=](std::size_t i, auto h) -> decltype(h) {
    using T = decltype(h);
    const bool open = h + static_cast<T>(gate[i]) > 0;
    return open ? std::max(T{0}, h * static_cast<T>(scale[i]) + static_cast<T>(bias[i])) : T{0};
  });
}

}  // namespace

std::unique_ptr<FeatureSelection> make_selection(const ActivationFunction& f,
                                                 std::span<const float> b_enc, std::size_t rows,
                                                 std::size_t features) {
  switch (f.kind) {
    case ActivationKind::Relu:
      return pointwise(rows, features, [](std::size_t, auto h) { return h > 0 ? h : 0; });
    case ActivationKind::TopK:
    case ActivationKind::AbsTopK:
      return std::make_unique<PerToken>(f, rows, features);
    case ActivationKind::BatchTopK:
      return std::make_unique<PerBatch>(f.k, rows, features);
    case ActivationKind::GroupMax:
      return std::make_unique<PerGroup>(static_cast<std::size_t>(f.k), rows, features);
    case ActivationKind::JumpRelu:
      return jump_relu(f, rows, features);
    case ActivationKind::Gated:
      break;
  }
  return gated(f, b_enc, rows, features);
}

}  // namespace cajal
