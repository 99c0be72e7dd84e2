// For tests: the golden cases of circuits, and graphs stored as square matrices.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "io/json.h"
#include "io/safetensors.h"
#include "trace/graph_rows.h"

namespace cajal::testing {

/// The rows that a square matrix [nodes, nodes] has for features and targets.
struct OwnedRows {
  NodeCounts counts;
  Matrix values;
  GraphRows graph() const { return {counts, values.ref()}; }
};
OwnedRows rows_of_square(const NodeCounts& counts, ConstMatRef square);

/// One folder of golden/circuits.
class CircuitCase {
 public:
  explicit CircuitCase(std::filesystem::path folder);

  const std::filesystem::path& folder() const { return folder_; }
  const Json& notes() const { return notes_; }
  ConstMatRef tensor(const std::string& name) const { return as_matrix(file_->at(name)); }
  bool has(const std::string& name) const { return file_->find(name) != nullptr; }
  /// All elements of a tensor, of any type.
  std::vector<double> numbers(const std::string& name) const;
  std::vector<std::uint32_t> indices(const std::string& name) const;
  /// max(10 * the package's own f32 error, 1e-5 * the largest value), as the README has it.
  double tolerance(const std::string& name) const;
  double number(std::initializer_list<std::string> path) const;

  std::size_t layers() const;
  std::size_t positions() const;
  NodeCounts counts(std::size_t features, std::size_t targets) const;
  /// "full" or "half".
  NodeCounts counts(const std::string& which) const;
  OwnedRows rows(const std::string& which) const;

 private:
  std::filesystem::path folder_;
  Json notes_;
  std::shared_ptr<const Safetensors> file_;
};

/// The largest difference of two lists; infinity if they are not as long.
double largest_difference(std::span<const double> a, std::span<const double> b);

}  // namespace cajal::testing
