#include "model/golden_model_test.h"

#include "testing/golden.h"

namespace cajal::testing {

std::shared_ptr<const Model> golden_model(const std::string& name) {
  for (const auto& folder : golden_folders("models")) {
    if (folder.filename() == name) {
      return Model::load(folder);
    }
  }
  return nullptr;
}

std::vector<FolderOnBackend> on_both_backends(const std::string& set) {
  std::vector<FolderOnBackend> out;
  for (const auto& folder : golden_folders(set)) {
    for (const char* backend : {"ref", "cpu"}) {
      out.push_back({folder, backend});
    }
  }
  return out;
}

std::string name_of_case(const ::testing::TestParamInfo<FolderOnBackend>& info) {
  return info.param.folder.filename().string() + "_" + info.param.backend;
}

bool is_pattern(PointKind kind) {
  return kind == PointKind::AttnScores || kind == PointKind::AttnProbs;
}

}  // namespace cajal::testing
