// GGUF files give the logits of the folders they were converted from, and block types those of the
// weights that the format's own package decodes.
#include <gtest/gtest.h>

#include "io/json.h"
#include "io/safetensors.h"
#include "model/model.h"
#include "testing/compare.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

struct GgufCase {
  Json json;
  std::string backend;
};

std::vector<GgufCase> gguf_cases() {
  std::vector<GgufCase> out;
  const Json all = Json::load(testing::golden_core("gguf") / "cases.json");
  for (const Json& json : all.at("cases", "").as_array("")) {
    for (const char* backend : {"ref", "cpu"}) {
      out.push_back({json, backend});
    }
  }
  return out;
}

std::string text(const Json& json, std::string_view key) {
  const Json* x = json.find_value(key);
  return x == nullptr ? "" : x->as_string("");
}

/// The folder of the model set, in the core or in the shared set.
fs::path model_folder(const std::string& name) {
  for (const fs::path& folder : testing::golden_folders("models")) {
    if (folder.filename() == name) {
      return folder;
    }
  }
  return {};
}

class GgufModelTest : public ::testing::TestWithParam<GgufCase> {};

TEST_P(GgufModelTest, GivesTheLogitsOfItsSource) {
  const Json& c = GetParam().json;
  const bool exact = GetParam().backend == "ref";
  const auto backend = exact ? make_reference_backend() : make_cpu_backend();
  const auto model = Model::load(testing::golden_core("gguf") / text(c, "file"));
  std::shared_ptr<const Safetensors> expected;
  Json notes;
  std::string prefix;
  if (const std::string golden = text(c, "golden"); !golden.empty()) {
    const fs::path folder = model_folder(golden);
    if (!testing::have_or_skip(!folder.empty(), "golden", "no golden model " + golden)) {
      return;
    }
    expected = Safetensors::open(folder / "expected.safetensors");
    notes = Json::load(folder / "expected.json");
  } else {
    expected = Safetensors::open(testing::golden_core("gguf") / "expected.safetensors");
    notes = c;
    prefix = text(c, "name") + "/";
  }
  for (const auto& [sequence, ids] : c.at("tokens", "").as_object("")) {
    std::vector<TokenId> tokens;
    for (const Json& id : ids.as_array("")) {
      tokens.push_back(static_cast<TokenId>(id.as_int("")));
    }
    const std::string name = sequence + "/logits";
    const ConstMatRef want = as_matrix(expected->at(prefix + name));
    const Json& note = notes.at("tensors", "").at(name, "");
    const double allowed = 1e-6 * note.at("max_abs", "").as_double("") +
                           (exact ? 0.0 : 8.0 * note.at("f32_error", "").as_double(""));
    KvCache cache(model->config(), *backend, 1);
    const std::int32_t starts[] = {0, static_cast<std::int32_t>(tokens.size())};
    const Matrix got =
        model->forward(*backend, {tokens, starts}, cache, {.logits = LogitRows::All});
    ASSERT_EQ(got.rows(), want.rows);
    ASSERT_EQ(got.cols(), want.cols);
    EXPECT_LE(testing::largest_error(got.ref(), want), allowed) << name;
  }
  if (!HasFailure() && exact) {
    testing::count_golden_case("gguf", testing::golden_core("gguf") / text(c, "name"));
  }
}

INSTANTIATE_TEST_SUITE_P(Files, GgufModelTest, ::testing::ValuesIn(gguf_cases()),
                         [](const auto& test) {
                           return text(test.param.json, "name") + "_" + test.param.backend;
                         });

}  // namespace
}  // namespace cajal
