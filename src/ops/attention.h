// Causal attention of one sequence, as a whole and in its three steps.
//
// attend() gives bit for bit what scores(), probabilities() and mix() give one after the other, so
// that reading a pattern never changes a result.
#pragma once

#include "tensor/matrix.h"

namespace cajal {

class Backend;

/// Head h reads key head h / (heads / kv_heads). Query i is key number first + i, and sees keys
/// first + i - window + 1 .. first + i (window 0: from key 0).
struct AttentionShape {
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t d_head = 0;
  std::size_t first = 0;   // keys before the first query
  std::size_t window = 0;  // keys each query sees, itself included; 0: all
  double scale = 1.0;      // score = scale * q . k
  double soft_cap = 0.0;   // then cap * tanh(score / cap); 0: none
  ConstMatRef sinks = {};  // [1, heads], any float type: one more score per head that takes
                           // probability and gives nothing; absent: none
};

class AttentionOps {
 public:
  virtual ~AttentionOps() = default;
  virtual void attend(const AttentionShape& shape, ConstMatRef q, ConstMatRef k, ConstMatRef v,
                      MatRef z) = 0;
  virtual void attention_scores(const AttentionShape& shape, ConstMatRef q, ConstMatRef k,
                                MatRef scores) = 0;
  virtual void attention_probabilities(const AttentionShape& shape, ConstMatRef scores,
                                       MatRef probabilities) = 0;
  virtual void attention_mix(const AttentionShape& shape, ConstMatRef probabilities, ConstMatRef v,
                             MatRef z) = 0;
};

/// q, z: [queries, heads * d_head]; k, v: [keys, kv_heads * d_head] with keys = first + queries;
/// scores, probabilities: [heads * queries, keys], row = head * queries + query, masked entries 0.
/// All of the backend's activation type. All throw InvalidArgument.
namespace ops {

void attend(Backend& backend, const AttentionShape& shape, ConstMatRef q, ConstMatRef k,
            ConstMatRef v, MatRef z);
void attention_scores(Backend& backend, const AttentionShape& shape, ConstMatRef q, ConstMatRef k,
                      MatRef scores);
/// In and out may be the same.
void attention_probabilities(Backend& backend, const AttentionShape& shape, ConstMatRef scores,
                             MatRef probabilities);
void attention_mix(Backend& backend, const AttentionShape& shape, ConstMatRef probabilities,
                   ConstMatRef v, MatRef z);

}  // namespace ops
}  // namespace cajal
