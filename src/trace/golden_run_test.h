// For tests: a golden circuit with its model and dictionary, ready to be traced.
#pragma once

#include <gtest/gtest.h>

#include "dictionary/load.h"
#include "model/model.h"
#include "testing/compare.h"
#include "testing/golden.h"
#include "trace/golden_case_test.h"
#include "trace/rows.h"

namespace cajal::testing {

/// A golden case with the replacement that is made of it.
struct CircuitRun {
  CircuitRun(Backend& device, const std::filesystem::path& folder)
      : backend(device),
        golden(folder),
        replacement(device, Model::load(folder / "model"), load_dictionary(folder / "transcoders"),
                    tokens(golden)) {}
  static std::vector<TokenId> tokens(const CircuitCase& golden) {
    std::vector<TokenId> out;
    for (const double id : golden.numbers("tokens")) {
      out.push_back(static_cast<TokenId>(id));
    }
    return out;
  }
  std::size_t last() const { return replacement.tokens().size() - 1; }
  std::vector<double> probabilities(const std::string& which) const {
    return golden.numbers(which + "/logit_probabilities");
  }
  std::vector<TokenId> target_tokens() const {
    std::vector<TokenId> out;
    for (const Json& target : golden.notes().at("logit_targets", "").as_array("")) {
      out.push_back(static_cast<TokenId>(target.as_array("")[1].as_int("")));
    }
    return out;
  }
  /// Features, then the golden logits.
  std::vector<RowTarget> targets() {
    std::vector<RowTarget> out;
    for (std::size_t i = 0; i < replacement.features().size(); ++i) {
      out.push_back(replacement.feature_target(i));
    }
    for (const TokenId token : target_tokens()) {
      out.push_back(replacement.logit_target(token, last()));
    }
    return out;
  }
  Matrix rows(std::span<const RowTarget> of, std::size_t batch = 256) {
    Matrix out = make_matrix(backend, of.size(), row_columns(replacement));
    compute_rows(backend, replacement, of, out.ref(), {.batch = batch});
    return out;
  }
  /// The columns that the package has.
  std::vector<double> sources(const Matrix& rows) const {
    std::vector<double> out;
    for (std::size_t r = 0; r < rows.rows(); ++r) {
      for (std::size_t c = 0; c < replacement.counts().sources(); ++c) {
        out.push_back(element(rows.ref(), r, c));
      }
    }
    return out;
  }
  void expect(const std::vector<double>& got, const std::string& name) const {
    EXPECT_LE(largest_difference(got, golden.numbers(name)), golden.tolerance(name)) << name;
  }

  Backend& backend;
  CircuitCase golden;
  LocalReplacement replacement;
};

/// Every golden circuit, on `ref` or on `cpu`; skips the test where there is none.
template <typename Body>
void each_circuit(bool on_ref, const Body& body) {
  const auto backend = on_ref ? make_reference_backend() : make_cpu_backend();
  each_circuit_folder([&](const std::filesystem::path& folder) {
    CircuitRun run(*backend, folder);
    body(run);
  });
}

}  // namespace cajal::testing
