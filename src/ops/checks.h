// What the checked functions of namespace ops have in common. Private to this folder.
#pragma once

#include <string_view>

#include "ops/backend.h"

namespace cajal::ops {

/// Throws InvalidArgument unless `m` is on the backend's device, its stride covers its columns, and
/// it has data if it has elements. `what` names it in the message: "gemm: a".
void check_matrix(const Backend& backend, ConstMatRef m, std::string_view what);
/// check_matrix, and the type must be the backend's activation type.
void check_activations(const Backend& backend, ConstMatRef m, std::string_view what);
/// check_activations, but a backend that computes on F32 also takes BF16.
void check_stored(const Backend& backend, ConstMatRef m, std::string_view what);
/// check_matrix, and the type must be BF16.
void check_bf16(const Backend& backend, ConstMatRef m, std::string_view what);
/// check_matrix, and the type must be a float type.
void check_floats(const Backend& backend, ConstMatRef m, std::string_view what);
/// Throws InvalidArgument unless `m` is [rows, cols].
void check_shape(ConstMatRef m, std::size_t rows, std::size_t cols, std::string_view what);

}  // namespace cajal::ops
