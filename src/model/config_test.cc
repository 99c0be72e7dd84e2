// Configurations that no model can have end in one sentence that names file and key.
#include "model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "io/json.h"
#include "model/families/family.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

Json llama() {
  return Json::parse(R"({"model_type": "llama", "hidden_size": 32, "intermediate_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 160,
    "max_position_embeddings": 128})",
                     "test");
}

ModelConfig configured(const Json& json) {
  const std::string& type = json.at("model_type", "c.json").as_string("c.json");
  const Family& family = family_of(type, "c.json");
  ModelConfig config;
  config.family = family.name;
  family.configure(ConfigReader(json, "c.json", family.defaults), config);
  validate(config, "c.json");
  return config;
}

struct Bad {
  const char* key;
  const char* value;
  const char* said;  // what the sentence must contain
};

TEST(Config, RefusesSizesAndTypesThatMakeNoSense) {
  EXPECT_NO_THROW(configured(llama()));
  const Bad cases[] = {
      {"num_attention_heads", "0", "heads"},
      {"num_hidden_layers", "1000000000", "layers"},
      {"num_hidden_layers", "-1", "num_hidden_layers"},
      {"hidden_size", "\"32\"", "hidden_size"},
      {"hidden_size", "32.5", "hidden_size"},
      {"vocab_size", "0", "vocabulary"},
      {"num_key_value_heads", "3", "key/value heads"},
      {"max_position_embeddings", "0", "context"},
      {"rms_norm_eps", "-1", "epsilon"},
      {"hidden_act", "\"sine\"", "sine"},
      {"rope_theta", "0", "rope_theta"},
      {"rope_scaling", R"({"rope_type": "linear"})", "factor"},
      {"rope_scaling", R"({"rope_type": "linear", "factor": 0})", "factor"},
      {"rope_scaling", R"({"rope_type": "cubic", "factor": 2})", "cubic"},
      {"rope_scaling", R"({"rope_type": "llama3", "factor": 8})", "low_freq_factor"},
      {"rope_scaling",
       R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4})",
       "high_freq_factor"},
      {"rope_scaling", R"({"rope_type": "yarn", "factor": 4, "attention_factor": 1e300})",
       "attention_factor"},
      {"rope_scaling", R"({"rope_type": "longrope", "short_factor": [1], "long_factor": [1]})",
       "short_factor"},
      {"rope_scaling", "[]", "object"},
  };
  for (const Bad& bad : cases) {
    Json json = llama();
    json.set(bad.key, Json::parse(bad.value, "test"));
    try {
      configured(json);
      ADD_FAILURE() << bad.key << " = " << bad.value << " was taken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("c.json")) << bad.key;
      EXPECT_THAT(error.what(), HasSubstr(bad.said)) << bad.key;
    }
  }
}

TEST(Config, AnUnknownFamilyIsAnErrorThatListsTheKnownOnes) {
  try {
    family_of("mamba", "c.json");
    ADD_FAILURE() << "mamba is no family here";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Unsupported);
    for (const Family& family : families()) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(family.name)));
    }
  }
}

TEST(Config, AbsentKeysHaveTheDefaultsOfTheFamily) {
  EXPECT_NO_THROW(configured(Json::parse(R"({"model_type": "gpt2"})", "test")));  // all defaults
  EXPECT_EQ(configured(Json::parse(R"({"model_type": "gpt2"})", "test")).d_model, 768U);
}

}  // namespace
}  // namespace cajal
