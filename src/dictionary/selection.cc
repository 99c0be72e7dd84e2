#include "dictionary/selection.h"

#include <cmath>
#include <limits>
#include <optional>

#include "base/parallel.h"

namespace cajal {
namespace {

constexpr double kAny = -std::numeric_limits<double>::infinity();

/// Adds the rows of `entries`, without those that fire with nothing.
void append(const SparseEntries& entries, SparseRows& out) {
  const SparsePattern& pattern = entries.pattern;
  for (std::size_t r = 0; r < pattern.rows(); ++r) {
    for (std::size_t i = pattern.starts[r]; i < pattern.starts[r + 1]; ++i) {
      if (const auto value = static_cast<float>(entries.values[i]); value != 0.0F) {
        out.append(pattern.columns[i], value);
      }
    }
    out.end_row();
  }
}

/// What chooses among `rows` tokens; `floors` gets the thresholds, and must outlive the rule.
SelectionRule rule_of(const ActivationFunction& f, std::size_t rows, std::vector<double>& floors) {
  const auto k = static_cast<std::size_t>(f.k);
  switch (f.kind) {
    case ActivationKind::TopK:
      return {.kind = SelectionKind::TopK, .count = k, .floor = f.keeps_negative ? kAny : 0.0};
    case ActivationKind::AbsTopK:
      return {.kind = SelectionKind::TopK, .count = k};
    case ActivationKind::BatchTopK:
      return {.kind = SelectionKind::BatchTopK,
              .count = static_cast<std::size_t>(f.k * static_cast<double>(rows))};
    case ActivationKind::GroupMax:
      return {.kind = SelectionKind::GroupMax, .count = k};
    case ActivationKind::JumpRelu:
      floors.assign(f.threshold.begin(), f.threshold.end());
      return {
          .kind = SelectionKind::Above, .floor = f.keeps_negative ? kAny : 0.0, .floors = floors};
    case ActivationKind::Relu:
    case ActivationKind::Gated:  // has a selection of its own
      break;
  }
  return {.kind = SelectionKind::Above};
}

/// Which of some numbers were negative: |h| is what AbsTopK compares, and h what fires.
class Signs {
 public:
  Signs(std::size_t rows, std::size_t cols) : cols_(cols), negative_(rows * cols) {}

  /// Makes `h`, columns first_column on, positive.
  template <typename T>
  void take_off(MatrixView<T> h, std::size_t first_column) {
    for (std::size_t r = 0; r < h.rows; ++r) {
      for (std::size_t c = 0; c < h.cols; ++c) {
        negative_[r * cols_ + first_column + c] = h.at(r, c) < 0;
        h.at(r, c) = std::abs(h.at(r, c));
      }
    }
  }
  void put_back(SparseEntries& entries) const {
    for (std::size_t r = 0; r < entries.pattern.rows(); ++r) {
      for (std::size_t i = entries.pattern.starts[r]; i < entries.pattern.starts[r + 1]; ++i) {
        if (negative_[r * cols_ + entries.pattern.columns[i]]) {
          entries.values[i] = -entries.values[i];
        }
      }
    }
  }

 private:
  std::size_t cols_;
  std::vector<bool> negative_;  // [rows, cols]
};

/// Block of tokens by block.
class Ranked final : public FeatureSelection {
 public:
  Ranked(Backend& backend, const ActivationFunction& function, std::size_t features)
      : backend_(backend), function_(function), features_(features) {
    out_.cols = features;
  }

  void take(MatRef h, std::size_t, std::size_t first_feature) override {
    if (first_feature == 0) {
      end_block();
      block_.emplace(backend_, rule_of(function_, h.rows, floors_), h.rows, features_);
      signs_ = Signs(function_.kind == ActivationKind::AbsTopK ? h.rows : 0, features_);
    }
    if (function_.kind == ActivationKind::AbsTopK) {
      if (h.dtype == DType::F64) {
        signs_.take_off(h.as<double>(), first_feature);
      } else {
        signs_.take_off(h.as<float>(), first_feature);
      }
    }
    block_->add(h, first_feature);
  }
  SparseRows finish() override {
    end_block();
    return std::move(out_);
  }

 private:
  void end_block() {
    if (!block_) {
      return;
    }
    SparseEntries entries = block_->finish();
    if (function_.kind == ActivationKind::AbsTopK) {
      signs_.put_back(entries);
    }
    append(entries, out_);
  }

  Backend& backend_;
  const ActivationFunction& function_;
  std::size_t features_;
  std::vector<double> floors_;  // what the block's rule looks at
  std::optional<Selection> block_;
  Signs signs_{0, 0};
  SparseRows out_;
};

/// No rank of one number: a gate opens by one, and another comes through.
class Gates final : public FeatureSelection {
 public:
  Gates(const ActivationFunction& function, std::span<const float> b_gate, std::size_t rows,
        std::size_t features)
      : function_(function), b_gate_(b_gate), features_(features), fired_(rows) {}

  void take(MatRef h, std::size_t first_row, std::size_t first_feature) override {
    constexpr std::size_t kRows = 4;
    parallel_for(h.rows, kRows, [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) {
        if (h.dtype == DType::F64) {
          take_row<double>(h.as<double>().row(r), first_feature, fired_[first_row + r]);
        } else {
          take_row<float>(h.as<float>().row(r), first_feature, fired_[first_row + r]);
        }
      }
    });
  }

  SparseRows finish() override {
    SparseRows out;
    out.cols = features_;
    for (const std::vector<Fired>& row : fired_) {
      for (const Fired& fired : row) {
        out.append(fired.feature, fired.value);
      }
      out.end_row();
    }
    return out;
  }

 private:
  struct Fired {
    std::uint32_t feature = 0;
    float value = 0.0F;
  };

  template <typename T>
  void take_row(std::span<const T> h, std::size_t first_feature, std::vector<Fired>& out) const {
    for (std::size_t c = 0; c < h.size(); ++c) {
      const std::size_t i = first_feature + c;
      const bool open = h[c] + static_cast<T>(b_gate_[i]) > 0;
      const T magnitude = h[c] * static_cast<T>(function_.magnitude_scale[i]) +
                          static_cast<T>(function_.magnitude_bias[i]);
      if (const auto value = static_cast<float>(magnitude); open && value > 0.0F) {
        out.push_back({static_cast<std::uint32_t>(i), value});
      }
    }
  }

  const ActivationFunction& function_;
  std::span<const float> b_gate_;
  std::size_t features_;
  std::vector<std::vector<Fired>> fired_;
};

}  // namespace

bool chooses_among_tokens(const ActivationFunction& function) noexcept {
  return function.kind == ActivationKind::BatchTopK;
}

std::unique_ptr<FeatureSelection> make_selection(Backend& backend, const ActivationFunction& f,
                                                 std::span<const float> b_enc, std::size_t rows,
                                                 std::size_t features) {
  if (f.kind == ActivationKind::Gated) {
    return std::make_unique<Gates>(f, b_enc, rows, features);
  }
  return std::make_unique<Ranked>(backend, f, features);
}

}  // namespace cajal
