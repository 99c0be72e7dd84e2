#include "trace/heads.h"

#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"
#include "trace/rows.h"
#include "trace/written.h"

namespace cajal {
namespace {

template <typename T>
double dot(const T* a, const T* b, std::size_t count) {
  double sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

class HeadSplitter {
 public:
  HeadSplitter(Backend& backend, LocalReplacement& replacement, WrittenStream& stream,
               std::span<const RowTarget> targets, std::span<const HeadEdge> edges)
      : backend_(backend),
        replacement_(replacement),
        stream_(stream),
        targets_(targets),
        edges_(edges),
        out_(edges.size()),
        effects_(edges.size()),
        gains_(edges.size(), std::vector<double>(targets.size(), 0.0)) {
    for (std::size_t e = 0; e < edges_.size(); ++e) {
      const auto [begin, end] = stream_.rows_of(edges_[e].source);
      effects_[e].assign(config().layers * config().heads * positions() * (end - begin), 0.0);
      for (const GainedTarget& one : edges_[e].targets) {
        gains_[e][one.target] = one.gain;
      }
    }
  }

  std::vector<HeadSplit> run() {
    stream_.carry([this](Point point, ConstMatRef rows) { add_bypass(point, rows); });
    if (!targets_.empty() && !stream_.rows().empty()) {
      Matrix rows = make_matrix(backend_, targets_.size(), row_columns(replacement_));
      compute_rows(backend_, replacement_, targets_, rows.ref(),
                   {.at_heads = [this](const HeadGradients& at) { add_heads(at); }});
    }
    for (std::size_t e = 0; e < edges_.size(); ++e) {
      list_parts(e);
    }
    return std::move(out_);
  }

 private:
  const ModelConfig& config() const { return replacement_.model().config(); }
  std::size_t positions() const { return replacement_.tokens().size(); }

  /// What has come to where targets read without a head.
  void add_bypass(Point point, ConstMatRef rows) {
    for (std::size_t e = 0; e < edges_.size(); ++e) {
      const auto [begin, end] = stream_.rows_of(edges_[e].source);
      for (const GainedTarget& one : edges_[e].targets) {
        const RowTarget& target = targets_[one.target];
        for (std::size_t r = begin; target.point == point && r < end; ++r) {
          if (stream_.rows()[r].position != target.position) {
            continue;
          }
          for (std::size_t c = 0; c < target.direction.size(); ++c) {
            out_[e].bypass += one.gain * target.direction[c] * element(rows, r, c);
          }
        }
      }
    }
  }

  void add_heads(const HeadGradients& at) {
    parallel_for(edges_.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t e = begin; e < end; ++e) {
        if (at.gradients.dtype == DType::F64) {
          add_heads<double>(at, e);
        } else {
          add_heads<float>(at, e);
        }
      }
    });
  }

  template <typename T>
  void add_heads(const HeadGradients& at, std::size_t e) {
    const auto gradients = at.gradients.as<const T>();
    const auto values = stream_.values(at.layer).as<const T>();
    const std::size_t prefix = gradients.rows / at.targets.size();
    const std::size_t d = config().d_head;
    const std::size_t group = config().heads / config().kv_heads;
    const auto [begin, end] = stream_.rows_of(edges_[e].source);
    for (std::size_t s = 0; s < at.targets.size(); ++s) {
      const double gain = gains_[e][at.targets[s]];
      for (std::size_t r = begin; gain != 0.0 && r < end; ++r) {
        for (std::size_t to = stream_.rows()[r].position; to < prefix; ++to) {
          const T* gradient = gradients.row(s * prefix + to).data();
          for (std::size_t h = 0; h < config().heads; ++h) {
            const double pattern = stream_.pattern(at.layer, h, to, r);
            if (pattern != 0.0) {
              effects_[e][place(at.layer, h, to, r - begin, end - begin)] +=
                  gain * pattern * dot(gradient + h * d, values.row(r).data() + h / group * d, d);
            }
          }
        }
      }
    }
  }

  std::size_t place(std::size_t layer, std::size_t head, std::size_t to, std::size_t row,
                    std::size_t rows) const {
    return ((layer * config().heads + head) * positions() + to) * rows + row;
  }

  void list_parts(std::size_t e) {
    const auto [begin, end] = stream_.rows_of(edges_[e].source);
    for (std::size_t l = 0; l < config().layers; ++l) {
      for (std::size_t h = 0; h < config().heads; ++h) {
        for (std::size_t to = 0; to < positions(); ++to) {
          for (std::size_t r = begin; r < end; ++r) {
            const double effect = effects_[e][place(l, h, to, r - begin, end - begin)];
            if (effect != 0.0) {
              out_[e].parts.push_back(
                  {.layer = static_cast<std::uint32_t>(l),
                   .head = static_cast<std::uint32_t>(h),
                   .to = static_cast<std::uint32_t>(to),
                   .from = static_cast<std::uint32_t>(stream_.rows()[r].position),
                   .effect = effect});
            }
          }
        }
      }
    }
  }

  Backend& backend_;
  LocalReplacement& replacement_;
  WrittenStream& stream_;
  std::span<const RowTarget> targets_;
  std::span<const HeadEdge> edges_;
  std::vector<HeadSplit> out_;
  std::vector<std::vector<double>> effects_;  // [edges] of [layers, heads, positions, rows]
  std::vector<std::vector<double>> gains_;    // [edges] of [targets]
};

}  // namespace

std::vector<HeadSplit> split_by_heads(Backend& backend, LocalReplacement& replacement,
                                      std::span<const HeadSource> sources,
                                      std::span<const RowTarget> targets,
                                      std::span<const HeadEdge> edges) {
  for (const HeadEdge& edge : edges) {
    check(edge.source < sources.size(), "there is no source {} of an edge; {} are given",
          edge.source, sources.size());
    for (const GainedTarget& one : edge.targets) {
      check(one.target < targets.size(), "there is no target {} of an edge; {} are given",
            one.target, targets.size());
    }
  }
  WrittenStream stream(backend, replacement, sources);
  return HeadSplitter(backend, replacement, stream, targets, edges).run();
}

}  // namespace cajal
