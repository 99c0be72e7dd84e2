// For tests: a golden model by its name.
#pragma once

#include <memory>
#include <string>

#include "model/model.h"
#include "testing/golden.h"

namespace cajal::testing {

/// nullptr if there is none of that name, or no golden data.
inline std::shared_ptr<const Model> golden_model(const std::string& name) {
  for (const auto& folder : golden_folders("models")) {
    if (folder.filename() == name) {
      return Model::load(folder);
    }
  }
  return nullptr;
}

}  // namespace cajal::testing
