// What several tests of this folder ask of the golden models.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/model.h"

namespace cajal::testing {

/// The golden model of that name; null where it is not there.
std::shared_ptr<const Model> golden_model(const std::string& name);

/// A folder of the golden set, to be run on "ref" or "cpu".
struct FolderOnBackend {
  std::filesystem::path folder;
  std::string backend;
};

/// Every folder of the set on both backends.
std::vector<FolderOnBackend> on_both_backends(const std::string& set);

/// For INSTANTIATE_TEST_SUITE_P: llama_cpu.
std::string name_of_case(const ::testing::TestParamInfo<FolderOnBackend>& info);

/// Whether the values of a point are [queries, keys], heads one after the other.
bool is_pattern(PointKind kind);

}  // namespace cajal::testing
