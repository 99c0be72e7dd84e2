// Models nobody here made: what they write is what their makers published.
#include <fstream>

#include <gtest/gtest.h>

#include "base/file.h"
#include "io/json.h"
#include "model/generate.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

fs::path shared_model(const std::string& name) {
  const fs::path folder = testing::shared_folder() / "models" / name;
  return testing::shared_folder().empty() || !fs::exists(folder) ? fs::path() : folder;
}

class Stories : public ::testing::TestWithParam<const char*> {};

TEST_P(Stories, TwoHundredGreedyTokensAreThePublishedText) {
  const fs::path folder = shared_model("stories260K");
  if (!testing::have_or_skip(!folder.empty(), "golden", "no models/stories260K")) {
    return;
  }
  const std::string want = read_file(folder / "expected_greedy200_llama2c_test.txt");
  const auto model = Model::load(folder / GetParam());
  const auto tokenizer = Tokenizer::load(folder / GetParam());
  // llama2.c starts with BOS alone and writes 200 tokens after it.
  const std::vector<std::vector<TokenId>> prompts = {{1}};
  for (const auto& backend : {make_reference_backend, make_cpu_backend}) {
    const auto device = backend();
    const auto out = generate(*device, *model, tokenizer, prompts, {.max_tokens = 200});
    EXPECT_EQ(out[0].text, want) << device->name();
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Stories, ::testing::Values("stories260K.gguf", "hf"),
                         [](const auto& test) { return fs::path(test.param).stem().string(); });

TEST(Capp, ContinuesAPartIntoAWellFormedPlan) {
  const fs::path folder = shared_model("capp-gpt2");
  if (!testing::have_or_skip(!folder.empty(), "golden", "no models/capp-gpt2")) {
    return;
  }
  const Json names = Json::load(folder / "token_mappings.json");
  std::vector<std::string> name_of_id(53);
  const auto id_of = [&](std::string_view name) {
    for (std::size_t i = 0; i < name_of_id.size(); ++i) {
      if (name_of_id[i] == name) {
        return static_cast<TokenId>(i);
      }
    }
    return TokenId{-1};
  };
  for (const auto& [name, id] : names.at("token2id", "tokens").as_object("token2id")) {
    name_of_id[static_cast<std::size_t>(id.as_int(name))] = name;
  }
  std::vector<TokenId> prompt;
  for (const char* token :
       {"geometry_prismatic", "holes_normal_threaded", "external_threads_no",
        "surface_finish_normal", "tolerance_medium", "batch_size_small", "<SOS>"}) {
    ASSERT_GE(id_of(token), 0) << token;
    prompt.push_back(id_of(token));
  }
  const auto model = Model::load(folder);
  const auto backend = make_cpu_backend();
  const std::vector<std::vector<TokenId>> prompts = {prompt};
  const auto out = generate(*backend, *model, nullptr, prompts,
                            {.max_tokens = 60, .stop_ids = {id_of("<EOS>")}});
  ASSERT_EQ(out[0].finish, Finish::StopToken);
  bool tapping = false;
  bool in_chain = false;
  for (std::size_t i = 0; i + 1 < out[0].ids.size(); ++i) {
    const std::string& name = name_of_id[static_cast<std::size_t>(out[0].ids[i])];
    tapping = tapping || name == "Tapping";
    if (name == "<EOC>") {
      EXPECT_TRUE(in_chain) << "an empty chain at " << i;
      in_chain = false;
    } else {
      EXPECT_TRUE(std::isupper(static_cast<unsigned char>(name[0]))) << name << " is no process";
      in_chain = true;
    }
  }
  EXPECT_TRUE(tapping) << "threaded holes are tapped in every one of 400 random parts";
}

}  // namespace
}  // namespace cajal
