#include "train/dictionary/reconstruction.h"

#include <algorithm>
#include <utility>

namespace cajal {

double summed_variance(Backend& backend, ConstMatRef m) {
  double of_mean = 0.0;
  for (const double sum : column_sums(backend, m)) {
    of_mean += sum * sum / static_cast<double>(m.rows);
  }
  return std::max(0.0, ops::sum_of_squares(backend, m) - of_mean);
}

Reconstruction::Reconstruction(Backend& backend, const DictionaryShape& shape,
                               const ErrorOptions& options, const LearningBatch& batch)
    : backend_(backend),
      shape_(shape),
      options_(options),
      batch_(batch),
      prefixes_(options.prefixes.empty() ? std::vector{shape.features} : options.prefixes) {
  for (std::size_t m = 0; m < shape.layers; ++m) {
    errors_.push_back(make_matrix(backend, batch.tokens() * prefixes(), shape.d_out));
    variances_.push_back(summed_variance(backend, batch.y[m]));
  }
}

SparsePattern Reconstruction::split(const SparsePattern& pattern) const {
  SparsePattern out{.cols = pattern.cols, .starts = {0}, .columns = pattern.columns};
  out.starts.reserve(pattern.rows() * prefixes() + 1);
  for (std::size_t r = 0; r < pattern.rows(); ++r) {
    std::size_t e = pattern.starts[r];
    for (const std::size_t end : prefixes_) {
      while (e < pattern.starts[r + 1] && pattern.columns[e] < end) {
        ++e;
      }
      out.starts.push_back(e);
    }
  }
  return out;
}

MatRef Reconstruction::place(std::size_t m, std::size_t g) {
  MatRef all = errors_[m].ref();
  MatRef out = all.row_range(g, all.rows == 0 ? 0 : 1);
  out.rows = batch_.tokens();
  out.stride = prefixes() * all.cols;
  return out;
}

ConstMatRef Reconstruction::error(std::size_t m, std::size_t g) const {
  ConstMatRef all = errors_[m].ref();
  ConstMatRef out = all.row_range(g, all.rows == 0 ? 0 : 1);
  out.rows = batch_.tokens();
  out.stride = prefixes() * all.cols;
  return out;
}

void Reconstruction::forward(const Parameters& values, std::span<const LayerCode> codes) {
  squares_.clear();
  for (std::size_t m = 0; m < shape_.layers; ++m) {
    for (std::size_t l = 0; l <= m; ++l) {
      ops::sparse_product(backend_, {.pattern = &codes[l].split,
                                     .values = codes[l].a,
                                     .table = layer_of(values, shape_, l).decoder(m - l),
                                     .out = errors_[m].ref(),
                                     .accumulate = l == 0 ? Accumulate::No : Accumulate::Yes});
    }
    const auto own = layer_of(values, shape_, m);
    add_to_rows(backend_, 1.0, own.b_dec, place(m, 0));
    if (shape_.skip) {
      ops::gemm(backend_, {.a = batch_.x[m],
                           .b = own.w_skip,
                           .out = place(m, 0),
                           .transpose_b = Transpose::Yes,
                           .beta = 1.0});
    }
    ops::add_scaled(backend_, error(m, 0), batch_.y[m], -1.0, place(m, 0));
    for (std::size_t g = 0; g < prefixes(); ++g) {
      if (g != 0) {
        ops::add_scaled(backend_, error(m, g), error(m, g - 1), 1.0, place(m, g));
      }
      squares_.push_back(ops::sum_of_squares(backend_, error(m, g)));
    }
  }
}

double Reconstruction::weight(std::size_t m, std::size_t g) const {
  const double share = options_.weights.empty() ? 1.0 : options_.weights[g];
  const double scale = options_.kind == ErrorKind::Fvu ? 1.0 / std::max(variances_[m], 1e-30)
                                                       : 1.0 / static_cast<double>(batch_.tokens());
  return options_.scale * share * scale;
}

void Reconstruction::turn_to_gradients() {
  for (std::size_t m = 0; m < shape_.layers; ++m) {
    for (std::size_t g = prefixes(); g-- > 0;) {
      ops::scale(backend_, error(m, g), 2.0 * weight(m, g), place(m, g));
      if (g + 1 < prefixes()) {
        ops::add_scaled(backend_, error(m, g), error(m, g + 1), 1.0, place(m, g));
      }
    }
  }
}

}  // namespace cajal
