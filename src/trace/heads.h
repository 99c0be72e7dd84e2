// Which attention heads carried a direct effect from one set of nodes to another.
//
// In the frozen model of a prompt an effect goes from what its sources write to what its targets
// read by the residual stream, by skip paths, and by attention: each head moves, from the positions
// it reads to the one that reads, what its values take up of the stream. Every way from a source to
// a target either passes no head or has a first one, so the parts of heads, each with the ways that
// it is the first head of, and what passed none add up to the effect (Ameisen et al. 2025, "Circuit
// Tracing"; the split of Kamath et al. 2025, "Tracing Attention Computation", by the first head):
//
//   part(l, h, to, from) = pattern(l, h, to, from) * (W_V norm(u))_h . gradient at z(l, to)_h
//
// with u what the sources wrote up to layer l at `from`, and the gradient all that follows.
#pragma once

#include <span>
#include <vector>

#include "trace/local_replacement.h"

namespace cajal {

/// What an effect comes from.
struct HeadSource {
  std::vector<std::uint32_t> features = {};   // into LocalReplacement::features()
  std::vector<std::uint32_t> positions = {};  // of tokens whose embeddings belong to it
};

struct GainedTarget {
  std::size_t target = 0;  // into the list of targets
  double gain = 1.0;
};

/// The effect of a source on targets: the sum over them of gain times what the target's row has for
/// the source.
struct HeadEdge {
  std::size_t source = 0;             // into the list of sources
  std::vector<GainedTarget> targets;  // none twice
};

struct HeadPart {
  std::uint32_t layer = 0;
  std::uint32_t head = 0;
  std::uint32_t to = 0;    // the position that reads
  std::uint32_t from = 0;  // the position that is read
  double effect = 0.0;
};

/// Everything together is the edge's effect.
struct HeadSplit {
  std::vector<HeadPart> parts;  // that are not 0, by layer, head, to, from
  double bypass = 0.0;          // what passed no attention
};

/// By edges. Throws InvalidArgument for features, positions, sources and targets that are not
/// there. Runs the model once and walks back once for each target.
std::vector<HeadSplit> split_by_heads(Backend& backend, LocalReplacement& replacement,
                                      std::span<const HeadSource> sources,
                                      std::span<const RowTarget> targets,
                                      std::span<const HeadEdge> edges);

}  // namespace cajal
