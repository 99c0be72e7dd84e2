// What a device must be able to do: memory, and the small interfaces of the headers beside this.
//
// Implementations: ops/ref (plain loops in double, the truth for tests), ops/cpu (oneDNN and SIMD
// kernels) and ops/cuda (optional). Callers use the free functions in namespace ops, which check
// shapes once; an implementation may assume that they hold.
//
// Calls on one Backend are made from one thread at a time and take effect in call order; a GPU may
// still be working when a call returns. An implementation throws Error{Unsupported} for a
// combination of types it lacks: it never falls back to another device in silence.
#pragma once

#include <memory>
#include <string_view>

#include "ops/attention.h"
#include "ops/attention_vjp.h"
#include "ops/dense.h"
#include "ops/loss.h"
#include "ops/optimiser.h"
#include "ops/rows.h"
#include "ops/rows_vjp.h"
#include "ops/sparse.h"
#include "tensor/matrix.h"

namespace cajal {

class Backend : public DenseOps,
                public RowOps,
                public RowVjpOps,
                public AttentionOps,
                public AttentionVjpOps,
                public LossOps,
                public OptimiserOps,
                public SparseOps {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  ~Backend() override = default;

  virtual Device device() const noexcept = 0;
  virtual std::string_view name() const noexcept = 0;
  /// What activations, caches and outputs are stored as: F64 on `ref`, F32 elsewhere.
  virtual DType activation_dtype() const noexcept = 0;

  virtual Buffer allocate(std::size_t bytes) = 0;
  virtual void copy(ConstMatRef from, MatRef to) = 0;  // any device pair; same shape and type
  virtual void synchronize() = 0;
};

/// [rows, cols] of the backend's activation type, not initialised.
Matrix make_matrix(Backend& backend, std::size_t rows, std::size_t cols);

/// nullptr where this build or this machine has no CUDA.
std::unique_ptr<Backend> make_cuda_backend(int device_index);
std::unique_ptr<Backend> make_cpu_backend();
std::unique_ptr<Backend> make_reference_backend();

}  // namespace cajal
