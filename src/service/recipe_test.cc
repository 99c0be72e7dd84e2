#include "service/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/yaml.h"
#include "service/grow_data.h"
#include "testing/files.h"
#include "text/train/train_bpe.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

constexpr const char* kWhole =
    "output: out\n"
    "data: [{text: a.txt}]\n"
    "training: {steps: 10}\n";

Recipe parse(const std::string& text) {
  return parse_recipe(parse_yaml(text, "r.yaml"), "folder/r.yaml");
}
std::string error_of(const std::string& text) {
  return testing::thrown_by([&] { parse(text); }).message;
}

TEST(Recipe, HasADefaultForEverythingButDataOutputAndLength) {
  const Recipe recipe = parse(kWhole);
  EXPECT_EQ(recipe.model.d_model, 192U);
  EXPECT_EQ(recipe.training.schedule, "cosine");
  EXPECT_EQ(recipe.data.at(0).text, "a.txt");
}

// A checkpoint keeps the recipe, and one from before a field was there must go on.
TEST(Recipe, DoesNotSayThatNothingIsHidden) {
  EXPECT_EQ(to_json(parse(kWhole)).at("training", "").find("hide_pieces"), nullptr);
  const std::string hides =
      "output: out\ndata: [{text: a.txt}]\ntraining: {steps: 10, hide_pieces: 0.5}\n";
  EXPECT_EQ(to_json(parse(hides)).at("training", "").at("hide_pieces", "").as_double(""), 0.5);
}

TEST(Recipe, SaysHowManyPromptsOnlyWhereDataAreIds) {
  std::vector<RecipeData> data(2);
  data[0] = {.text = "a.txt", .prompts = 5};
  data[1] = {.ids = "0-6"};
  EXPECT_EQ(data_to_json(data).dump(),
            R"([{"text":"a.txt","world":"","weight":1.0,"from":0.0,"until":1.0,"heldout":0.05},)"
            R"({"text":"","world":"","ids":"0-6","prompts":10000,"answer":64,"weight":1.0,)"
            R"("from":0.0,"until":1.0,"heldout":0.05}])");
}

TEST(Recipe, ReadsLargeCountsAsPeopleWriteThem) {
  const std::string text = "output: o\ndata: [{text: a}]\ntraining: {tokens: ";
  EXPECT_EQ(parse(text + "3e6}\n").training.tokens, 3000000U);
  EXPECT_THAT(error_of(text + "1.5}\n"), HasSubstr("training: tokens: must be an integer"));
}

TEST(Recipe, TakesPathsFromItsOwnFolderOn) {
  const Recipe recipe = parse(kWhole);
  EXPECT_EQ(recipe.resolve("a.txt"), "folder/a.txt");
  EXPECT_EQ(recipe.resolve("../a.txt"), "a.txt");
  EXPECT_EQ(recipe.resolve("/a.txt"), "/a.txt");
}

TEST(Recipe, NamesWhatIsWrongInOneSentence) {
  const std::string whole = kWhole;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {whole + "modle: {layers: 2}\n", "folder/r.yaml: a recipe has no 'modle'; it has output, "},
      {whole + "model: {d_modle: 2}\n",
       "model: there is no field 'd_modle'; did you mean 'd_model'?"},
      {whole + "model: {layers: 0}\n", "folder/r.yaml: model: layers: must be between 1 and 1000"},
      {whole + "model: {family: rwkv}\n", "family: must be one of llama, gpt2, qwen3, gemma2"},
      {whole + "model: {layers: two}\n", "model: layers"},
      {"output: o\ntraining: {steps: 1}\n", "names no data"},
      {"output: o\ndata: []\ntraining: {steps: 1}\n", "names no data"},
      {"output: o\ndata: [{weight: 2}]\ntraining: {steps: 1}\n", "data[0]: give text"},
      {"output: o\ndata: [{text: a, world: b}]\ntraining: {steps: 1}\n", "data[0]: give text"},
      {"data: [{text: a}]\ntraining: {steps: 1}\n", "names no output"},
      {"output: o\ndata: [{text: a}]\n", "give steps or tokens"},
      {"output: o\ndata: [{text: a}]\ntraining: {steps: 1, tokens: 1}\n", "one of the two"},
      {"output: o\ndata: [{text: a}]\ntraining: {steps: 1, batch_rows: 65536}\n"
       "model: {context: 257}\n",
       "training: 65536 rows of 257 tokens"},
      {"output: o\ndata: [{text: a}]\ntraining: {tokens: 9000000000000}\n",
       "training: 1098632813 steps are too many; at most 99999999"},
      {"output: o\ndata: [{text: a}]\ntraining: {steps: 1, learning_rate: 1e6}\n",
       "training: learning_rate: must be more than 0 and at most 1, not '1000000'"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(error_of(text), HasSubstr(message));
  }
}

TEST(Recipe, IsTheSameJsonForTheSameTraining) {
  EXPECT_EQ(to_json(parse(kWhole)),
            to_json(parse(std::string(kWhole) + "checkpoints: {every: 7}\n")));
  EXPECT_NE(to_json(parse(kWhole)), to_json(parse(std::string(kWhole) + "seed: 7\n")));
}

class Data : public ::testing::Test {
 protected:
  GrowData prepare(const std::string& data, const std::string& more = "") {
    const std::string text =
        "output: out\ntokenizer: {vocab: 500}\nmodel: {context: 16}\ntraining: "
        "{steps: 1}\ndata: " +
        data + "\n" + more;
    return prepare_data(parse_recipe(parse_yaml(text, "r"), folder_ / "r.yaml"));
  }
  std::string error(const std::string& data) {
    return testing::thrown_by([&] { prepare(data); }).message;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(Data, HoldsOutTheEndOfAText) {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += "line " + std::to_string(i) + "\n";
  }
  write_file(folder_ / "a.txt", text);
  const GrowData data = prepare("[{text: a.txt, heldout: 0.1}]");
  ASSERT_EQ(data.heldout.size(), 1U);
  std::vector<TokenId> ids;
  data.heldout[0]->read(0, ids);
  EXPECT_EQ(ids[0], data.bos);
  EXPECT_THAT(data.tokenizer->decode(ids), ::testing::MatchesRegex("line [89][0-9]\nline.*"));
}

TEST_F(Data, ReadsADocumentALineFromJsonl) {
  write_file(folder_ / "a.jsonl", "{\"text\": \"one two\"}\n{\"text\": \"three\"}\n");
  const GrowData data = prepare("[{text: a.jsonl, heldout: 0}]");
  EXPECT_EQ(data.parts.at(0).source->documents(), 2U);
  EXPECT_TRUE(data.heldout.empty());
  std::vector<TokenId> ids;
  data.parts[0].source->read(1, ids);
  EXPECT_EQ(data.tokenizer->decode(ids), "three");
  EXPECT_EQ(ids.back(), data.eos);
}

TEST_F(Data, ReadsTasksOfTheWorld) {
  const GrowData data = prepare("[{world: sums}]", "# nothing more\n");
  EXPECT_FALSE(data.parts.at(0).source->documents().has_value());
  EXPECT_EQ(data.tasks.size(), 1U);
  EXPECT_EQ(data.heldout.size(), 1U);
  EXPECT_THAT(error("[{world: magic}]"), HasSubstr("no task 'magic'"));
}

TEST_F(Data, GivesTheWorldsWordsTheTokensTheyAskFor) {
  const std::string text =
      "output: out\ntokenizer: {vocab: 3000, sample: 1500}\nmodel: {context: 128}\n"
      "training: {steps: 1}\ndata: [{world: all}]\n";
  const GrowData data = prepare_data(parse_recipe(parse_yaml(text, "r"), folder_ / "r.yaml"));
  const auto tokens = [&](const std::string& word) {
    return data.tokenizer->encode_ids(word, {.add_special_tokens = false}).size();
  };
  for (const Task* task : data.tasks) {
    for (const std::string& word : task->whole_words()) {
      EXPECT_TRUE(!is_one_word(word) || tokens(word) == 1) << task->name() << ": " << word;
    }
    for (const std::string& name : task->split_words()) {
      EXPECT_GE(tokens(" " + name), 2U) << task->name() << ": " << name;
    }
  }
}

TEST_F(Data, NamesAFileThatIsMissingOrEmpty) {
  EXPECT_THAT(error("[{text: none.txt}]"), HasSubstr("none.txt"));
  write_file(folder_ / "empty.txt", "");
  EXPECT_THAT(error("[{text: empty.txt}]"), HasSubstr("empty.txt"));
}

TEST_F(Data, SaysWhenTheVocabularyIsTooSmall) {
  write_file(folder_ / "a.txt", "some text\n");
  const std::string text =
      "output: out\ntokenizer: {vocab: 300}\ntraining: {steps: 1}\ndata: [{text: a.txt}]\n";
  const auto thrown = testing::thrown_by(
      [&] { prepare_data(parse_recipe(parse_yaml(text, "r"), folder_ / "r.yaml")); });
  EXPECT_THAT(thrown.message, HasSubstr("a vocabulary of 300 is too small"));
}

}  // namespace
}  // namespace cajal
