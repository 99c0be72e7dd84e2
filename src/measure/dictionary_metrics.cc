#include "measure/dictionary_metrics.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"

namespace cajal {
namespace {

constexpr std::size_t kChunk = 128;  // rows

/// |x| below which a ratio to it says nothing; as SAELens has it, the ratio is then to 1.
constexpr double kNoLength = 1e-4;

void read_row(ConstMatRef m, std::size_t r, std::vector<double>& out) {
  if (m.dtype == DType::F64) {
    const auto row = m.as<const double>().row(r);
    out.assign(row.begin(), row.end());
  } else {
    const auto row = m.as<const float>().row(r);
    out.assign(row.begin(), row.end());
  }
}

double share(double part, double whole) {
  return whole == 0.0 ? 0.0 : part / whole;
}

/// Calls body(chunk, begin, end) for ranges of rows, in parallel.
template <typename Body>
void for_chunks(std::size_t rows, const Body& body) {
  parallel_for((rows + kChunk - 1) / kChunk, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t c = begin; c < end; ++c) {
      body(c, c * kChunk, std::min(rows, (c + 1) * kChunk));
    }
  });
}

}  // namespace

struct DictionaryMetrics::Chunk {
  Sums sums;
  Moments target;
  Moments error;
  std::vector<double> squared_errors;
};

void DictionaryMetrics::Moments::merge(double before, const Moments& other, double added) {
  if (before == 0.0) {
    *this = other;
    return;
  }
  const double total = before + added;
  for (std::size_t c = 0; c < mean.size(); ++c) {
    const double apart = other.mean[c] - mean[c];
    squares[c] += other.squares[c] + apart * apart * before * added / total;
    mean[c] += apart * added / total;
  }
}

void DictionaryMetrics::Sums::add(const Sums& other) {
  tokens += other.tokens;
  elements += other.elements;
  error += other.error;
  in += other.in;
  out += other.out;
  product += other.product;
  cosine += other.cosine;
  norm_in += other.norm_in;
  norm_out += other.norm_out;
  norm_ratio += other.norm_ratio;
}

void DictionaryMetrics::Legacy::add(const Legacy& other) {
  sum += other.sum;
  tokens += other.tokens;
}

std::optional<double> DictionaryMetrics::Legacy::mean() const {
  return tokens == 0 ? std::nullopt : std::optional(sum / static_cast<double>(tokens));
}

namespace {

/// What one row adds to the sums; `Sums` is private to the class.
template <typename Sums>
void add_row(std::span<const double> x, std::span<const double> r, Sums& sums) {
  double in = 0.0;
  double out = 0.0;
  double product = 0.0;
  double error = 0.0;
  for (std::size_t c = 0; c < x.size(); ++c) {
    in += x[c] * x[c];
    out += r[c] * r[c];
    product += x[c] * r[c];
    error += (x[c] - r[c]) * (x[c] - r[c]);
  }
  const double norm_in = std::sqrt(in);
  const double norm_out = std::sqrt(out);
  sums.add({.tokens = 1,
            .elements = static_cast<double>(x.size()),
            .error = error,
            .in = in,
            .out = out,
            .product = product,
            .cosine = share(product, norm_in * norm_out),
            .norm_in = norm_in,
            .norm_out = norm_out,
            .norm_ratio = norm_in < kNoLength ? norm_out : norm_out / norm_in});
}

/// Column means, then summed squared distances from them, of rows of `cols` numbers.
template <typename Moments>
Moments moments_of(const std::vector<double>& rows, std::size_t cols) {
  Moments out{.mean = std::vector<double>(cols), .squares = std::vector<double>(cols)};
  const std::size_t count = rows.size() / cols;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.mean[i % cols] += rows[i];
  }
  for (double& mean : out.mean) {
    mean /= static_cast<double>(count);
  }
  for (std::size_t r = 0; r < count; ++r) {
    for (std::size_t c = 0; c < cols; ++c) {
      const double apart = rows[r * cols + c] - out.mean[c];
      out.squares[c] += apart * apart;
    }
  }
  return out;
}

}  // namespace

void DictionaryMetrics::check_shapes(ConstMatRef target, ConstMatRef reconstruction) const {
  check(target.rows == reconstruction.rows && target.cols == reconstruction.cols,
        "a reconstruction of {} x {} for activations of {} x {}", reconstruction.rows,
        reconstruction.cols, target.rows, target.cols);
  check(target_.mean.empty() || target_.mean.size() == target.cols,
        "activations of {} columns after some of {}", target.cols, target_.mean.size());
}

DictionaryMetrics::Legacy DictionaryMetrics::legacy_of(ConstMatRef target,
                                                       ConstMatRef reconstruction,
                                                       std::span<const double> mean) {
  std::vector<Legacy> chunks((target.rows + kChunk - 1) / kChunk);
  for_chunks(target.rows, [&](std::size_t chunk, std::size_t begin, std::size_t end) {
    std::vector<double> x;
    std::vector<double> r;
    for (std::size_t t = begin; t < end; ++t) {
      read_row(target, t, x);
      read_row(reconstruction, t, r);
      double error = 0.0;
      double apart = 0.0;
      for (std::size_t c = 0; c < x.size(); ++c) {
        error += (x[c] - r[c]) * (x[c] - r[c]);
        apart += (x[c] - mean[c]) * (x[c] - mean[c]);
      }
      if (apart > 0.0) {
        chunks[chunk].add({1.0 - error / apart, 1});
      }
    }
  });
  Legacy out;
  for (const Legacy& chunk : chunks) {
    out.add(chunk);
  }
  return out;
}

DictionaryMetrics::Chunk DictionaryMetrics::chunk_of(ConstMatRef target,
                                                     ConstMatRef reconstruction) {
  const std::size_t cols = target.cols;
  Chunk out;
  out.squared_errors.resize(cols);
  std::vector<double> x;
  std::vector<double> r;
  std::vector<double> targets;
  std::vector<double> errors;
  for (std::size_t t = 0; t < target.rows; ++t) {
    read_row(target, t, x);
    read_row(reconstruction, t, r);
    add_row(x, r, out.sums);
    targets.insert(targets.end(), x.begin(), x.end());
    for (std::size_t c = 0; c < cols; ++c) {
      errors.push_back(x[c] - r[c]);
      out.squared_errors[c] += errors.back() * errors.back();
    }
  }
  out.target = moments_of<Moments>(targets, cols);
  out.error = moments_of<Moments>(errors, cols);
  return out;
}

void DictionaryMetrics::add(ConstMatRef target, ConstMatRef reconstruction,
                            const SparseRows& fired) {
  check_shapes(target, reconstruction);
  check(fired.rows() == target.rows && fired.cols == fires_.size(),
        "activations of {} tokens and {} features for {} rows and a dictionary of {} features",
        fired.rows(), fired.cols, target.rows, fires_.size());
  if (target.rows == 0) {
    return;
  }
  std::vector<Chunk> chunks((target.rows + kChunk - 1) / kChunk);
  for_chunks(target.rows, [&](std::size_t chunk, std::size_t begin, std::size_t end) {
    chunks[chunk] = chunk_of(target.row_range(begin, end - begin),
                             reconstruction.row_range(begin, end - begin));
  });
  Sums batch;
  Moments batch_target;
  for (const Chunk& chunk : chunks) {
    batch_target.merge(static_cast<double>(batch.tokens), chunk.target,
                       static_cast<double>(chunk.sums.tokens));
    batch.add(chunk.sums);
    merge(chunk);
  }
  legacy_.add(legacy_of(target, reconstruction, batch_target.mean));
  bias_ += share(batch.out, batch.product);
  ++batches_;
  count(fired);
}

void DictionaryMetrics::merge(const Chunk& chunk) {
  const auto before = static_cast<double>(sums_.tokens);
  const auto added = static_cast<double>(chunk.sums.tokens);
  target_.merge(before, chunk.target, added);
  error_.merge(before, chunk.error, added);
  sums_.add(chunk.sums);
  squared_errors_.resize(chunk.squared_errors.size());
  for (std::size_t c = 0; c < squared_errors_.size(); ++c) {
    squared_errors_[c] += chunk.squared_errors[c];
  }
}

void DictionaryMetrics::add_again(ConstMatRef target, ConstMatRef reconstruction) {
  check_shapes(target, reconstruction);
  one_batch_.add(legacy_of(target, reconstruction, target_.mean));
}

void DictionaryMetrics::count(const SparseRows& fired) {
  for (std::size_t t = 0; t < fired.rows(); ++t) {
    ++l0_[fired.starts[t + 1] - fired.starts[t]];
  }
  for (std::size_t i = 0; i < fired.stored(); ++i) {
    ++fires_[fired.columns[i]];
    l1_ += std::abs(static_cast<double>(fired.values[i]));
  }
}

void DictionaryMetrics::set_decoder_cosines(std::span<const double> largest,
                                            std::span<const double> absolute) {
  cosines_ = largest.size();
  cosine_largest_ = 0.0;
  cosine_absolute_ = 0.0;
  for (std::size_t i = 0; i < largest.size(); ++i) {
    cosine_largest_ += largest[i];
    cosine_absolute_ += absolute[i];
  }
}

void DictionaryMetrics::pool(const DictionaryMetrics& other) {
  check(other.tokens() * dictionaries_ == tokens() * other.dictionaries_,
        "layers were measured on {} and on {} tokens", tokens(), other.tokens());
  const auto append = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  sums_.add(other.sums_);
  append(target_.mean, other.target_.mean);
  append(target_.squares, other.target_.squares);
  append(error_.mean, other.error_.mean);
  append(error_.squares, other.error_.squares);
  append(squared_errors_, other.squared_errors_);
  append(fires_, other.fires_);
  l1_ += other.l1_;
  legacy_.add(other.legacy_);
  one_batch_.add(other.one_batch_);
  bias_ += other.bias_;
  batches_ += other.batches_;
  dictionaries_ += other.dictionaries_;
  for (const auto& [l0, tokens] : other.l0_) {
    l0_[l0] += tokens;
  }
  cosine_largest_ += other.cosine_largest_;
  cosine_absolute_ += other.cosine_absolute_;
  cosines_ += other.cosines_;
}

double DictionaryMetrics::per_token(double sum) const {
  return share(sum, static_cast<double>(sums_.tokens));
}

std::optional<double> DictionaryMetrics::fvu() const {
  double variance = 0.0;
  for (const double squares : target_.squares) {
    variance += squares;
  }
  return variance == 0.0 ? std::nullopt : std::optional(sums_.error / variance);
}

double DictionaryMetrics::l0_mean() const {
  double fired = 0.0;
  for (const auto& [l0, tokens] : l0_) {
    fired += static_cast<double>(l0) * static_cast<double>(tokens);
  }
  return per_token(fired);
}

double DictionaryMetrics::density(std::size_t feature) const {
  return per_token(static_cast<double>(fires_[feature]) * static_cast<double>(dictionaries_));
}

double DictionaryMetrics::percentile(double part) const {
  if (sums_.tokens == 0) {
    return 0.0;
  }
  const double place = part * static_cast<double>(sums_.tokens - 1);
  const auto lower = static_cast<std::uint64_t>(place);
  const auto at = [&](std::uint64_t rank) {
    std::uint64_t seen = 0;
    for (const auto& [l0, tokens] : l0_) {
      seen += tokens;
      if (rank < seen) {
        return static_cast<double>(l0);
      }
    }
    return l0_.empty() ? 0.0 : static_cast<double>(l0_.rbegin()->first);
  };
  const double below = at(lower);
  return below + (place - static_cast<double>(lower)) * (at(lower + 1) - below);
}

void DictionaryMetrics::add_shares(std::vector<Metric>& out) const {
  double by_column = 0.0;
  std::size_t columns = 0;
  double target = 0.0;
  double error = 0.0;
  for (std::size_t c = 0; c < target_.squares.size(); ++c) {
    target += target_.squares[c];
    error += error_.squares[c];
    if (target_.squares[c] > 0.0) {
      by_column += 1.0 - squared_errors_[c] / target_.squares[c];
      ++columns;
    }
  }
  const std::optional<double> legacy = legacy_.mean();
  const std::optional<double> one =
      batches_ == dictionaries_ ? legacy : one_batch_.mean();  // one batch each
  const double uncentred = share(sums_.error, sums_.in);
  const auto centred = [&](double value) {
    return columns == 0 ? std::nullopt : std::optional(value);
  };
  out.insert(out.end(),
             {{"fvu", fvu()},
              {"explained_variance", centred(1.0 - fvu().value_or(0.0))},
              {"ev_per_dim_mean", centred(share(by_column, static_cast<double>(columns)))},
              {"nmse_uncentred", uncentred},
              {"explained_variance_uncentred", 1.0 - uncentred},
              {"explained_variance_legacy_batched", legacy},
              {"explained_variance_legacy_one_batch", one},
              {"residual_variance_ev", centred(1.0 - share(error, target))}});
}

void DictionaryMetrics::add_lengths(std::vector<Metric>& out) const {
  out.insert(out.end(), {{"cosine_mean", per_token(sums_.cosine)},
                         {"l2_norm_in_mean", per_token(sums_.norm_in)},
                         {"l2_norm_out_mean", per_token(sums_.norm_out)},
                         {"l2_ratio_mean_of_ratios", per_token(sums_.norm_ratio)},
                         {"l2_ratio_of_means", share(sums_.norm_out, sums_.norm_in)},
                         {"relative_reconstruction_bias", share(sums_.out, sums_.product)},
                         {"relative_reconstruction_bias_mean_of_batches",
                          share(bias_, static_cast<double>(batches_))}});
}

void DictionaryMetrics::add_features(std::vector<Metric>& out) const {
  double dead = 0.0;
  double dense = 0.0;
  for (std::size_t i = 0; i < fires_.size(); ++i) {
    dead += fires_[i] == 0 ? 1.0 : 0.0;
    dense += density(i) > 0.1 ? 1.0 : 0.0;
  }
  const auto cosine = [&](double sum) {
    return cosines_ == 0 ? std::nullopt : std::optional(sum / static_cast<double>(cosines_));
  };
  out.insert(out.end(), {{"dead_features", dead},
                         {"features_density_above_0.1", dense},
                         {"max_decoder_cosine_signed_mean", cosine(cosine_largest_)},
                         {"max_decoder_cosine_abs_mean", cosine(cosine_absolute_)}});
}

std::vector<Metric> DictionaryMetrics::metrics() const {
  std::vector<Metric> out = {{"l0_mean", l0_mean()},
                             {"l0_median", percentile(0.5)},
                             {"l0_p05", percentile(0.05)},
                             {"l0_p95", percentile(0.95)},
                             {"l1_mean", per_token(l1_)},
                             {"mse_sum_over_dims", per_token(sums_.error)},
                             {"mse_mean_over_dims", share(sums_.error, sums_.elements)}};
  add_shares(out);
  add_lengths(out);
  add_features(out);
  return out;
}

}  // namespace cajal
