#include "trace/golden_case_test.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cajal::testing {

OwnedRows rows_of_square(const NodeCounts& counts, ConstMatRef square) {
  OwnedRows out = {counts,
                   Matrix::host(counts.features + counts.targets, counts.sources(), square.dtype)};
  const std::vector<std::uint32_t> nodes = row_nodes(counts);
  for (std::size_t r = 0; r < nodes.size(); ++r) {
    convert(square.row_range(nodes[r], 1).col_range(0, counts.sources()),
            out.values.ref().row_range(r, 1));
  }
  return out;
}

CircuitCase::CircuitCase(std::filesystem::path folder)
    : folder_(std::move(folder)),
      notes_(Json::load(folder_ / "expected.json")),
      file_(Safetensors::open(folder_ / "expected.safetensors")) {}

std::vector<double> CircuitCase::numbers(const std::string& name) const {
  const ConstMatRef m = tensor(name);
  std::vector<double> out;
  for (std::size_t r = 0; r < m.rows; ++r) {
    for (std::size_t c = 0; c < m.cols; ++c) {
      out.push_back(element(m, r, c));
    }
  }
  return out;
}

std::vector<std::uint32_t> CircuitCase::indices(const std::string& name) const {
  std::vector<std::uint32_t> out;
  for (const double x : numbers(name)) {
    out.push_back(static_cast<std::uint32_t>(x));
  }
  return out;
}

double CircuitCase::tolerance(const std::string& name) const {
  double largest = 0.0;
  for (const double x : numbers(name)) {
    largest = std::max(largest, std::abs(x));
  }
  const Json* error = notes_.at("f32_error", "expected.json").find_value(name);
  return std::max(error == nullptr ? 0.0 : 10.0 * error->as_double(name), 1e-5 * largest);
}

double CircuitCase::number(std::initializer_list<std::string> path) const {
  const Json* at = &notes_;
  for (const std::string& name : path) {
    at = &at->at(name, "expected.json");
  }
  return at->as_double("expected.json");
}

std::size_t CircuitCase::layers() const {
  return file_->at("error_vectors").shape[0];
}
std::size_t CircuitCase::positions() const {
  return file_->at("error_vectors").shape[1];
}

NodeCounts CircuitCase::counts(std::size_t features, std::size_t targets) const {
  return {features, layers(), positions(), targets};
}

NodeCounts CircuitCase::counts(const std::string& which) const {
  return counts(indices(which + "/selected_features").size(),
                numbers(which + "/logit_probabilities").size());
}

OwnedRows CircuitCase::rows(const std::string& which) const {
  return rows_of_square(counts(which), tensor(which + "/adjacency"));
}

double largest_difference(std::span<const double> a, std::span<const double> b) {
  double out = a.size() == b.size() ? 0.0 : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    out = difference <= out ? out : difference;  // NaN ends up there
  }
  return out;
}

}  // namespace cajal::testing
