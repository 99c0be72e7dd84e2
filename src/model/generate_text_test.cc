// Text as it is written: stop strings, what is held back for them, and what the sink receives. The
// model is a golden one whose logits are edited so that it writes what a test wants.
#include <gtest/gtest.h>

#include "base/file.h"
#include "io/json.h"
#include "model/generate.h"
#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

constexpr TokenId kEnd = 0;                         // "</s>"
constexpr const char* kBrokenOff = "\xEF\xBF\xBD";  // U+FFFD, for a character that stays incomplete

/// Byte-level BPE: one token for each character of ASCII, "th", and the two bytes of "é" (0xC3 and
/// 0xA9, which this format spells as the characters of those numbers).
std::string tokenizer_json() {
  Json::Object vocab;
  vocab.emplace_back("</s>", kEnd);
  const auto add = [&](const std::string& piece) {
    vocab.emplace_back(piece, static_cast<int>(vocab.size()));
  };
  for (char c = '!'; c <= '~'; ++c) {
    add(std::string(1, c));
  }
  for (const char* piece : {"\u0120", "\u010A", "\u00C3", "\u00A9", "th"}) {
    add(piece);
  }
  const Json merge(Json::Array{Json("t"), Json("h")});
  const Json end = Json::object({{"id", kEnd},
                                 {"content", "</s>"},
                                 {"single_word", false},
                                 {"lstrip", false},
                                 {"rstrip", false},
                                 {"normalized", false},
                                 {"special", true}});
  return Json::object({{"version", "1.0"},
                       {"added_tokens", Json(Json::Array{end})},
                       {"pre_tokenizer", Json::object({{"type", "ByteLevel"},
                                                       {"add_prefix_space", false},
                                                       {"use_regex", true}})},
                       {"decoder", Json::object({{"type", "ByteLevel"}})},
                       {"model", Json::object({{"type", "BPE"},
                                               {"vocab", Json(std::move(vocab))},
                                               {"merges", Json(Json::Array{merge})}})}})
      .dump();
}

std::shared_ptr<const Tokenizer> make_tokenizer() {
  const testing::TemporaryFolder folder;
  write_file(folder / "tokenizer.json", tokenizer_json());
  return Tokenizer::load(folder / "tokenizer.json");
}

class GeneratedText : public ::testing::TestWithParam<std::string> {
 protected:
  /// What the model writes in each sequence, then "</s>" without end; prompts are one token each.
  void script(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      scripts_.push_back(tokenizer_->encode_ids(text));
    }
  }

  std::vector<Generation> run(std::vector<std::string> stops, std::size_t max_tokens = 100) {
    PointSet points;
    points.edit({PointKind::Logits, 0}, [this](MatRef value, const PointContext& context) {
      for (std::size_t r = 0; r < value.rows; ++r) {
        const auto& ids = scripts_[static_cast<std::size_t>(context.sequences[r])];
        const auto at = static_cast<std::size_t>(context.positions[r]);
        const auto id = static_cast<std::size_t>(at < ids.size() ? ids[at] : kEnd);
        put(value, r, id);
      }
    });
    received_.assign(scripts_.size(), {});
    const std::vector<std::vector<TokenId>> prompts(scripts_.size(), {1});
    return generate(*backend_, *model_, tokenizer_, prompts,
                    {.max_tokens = max_tokens,
                     .stop_ids = {kEnd},
                     .stop_strings = std::move(stops),
                     .points = &points},
                    [this](std::size_t sequence, std::string_view text) {
                      received_[sequence].emplace_back(text);
                    });
  }
  std::string received(std::size_t sequence = 0) const {
    std::string out;
    for (const std::string& piece : received_[sequence]) {
      out += piece;
    }
    return out;
  }

  const std::shared_ptr<const Tokenizer> tokenizer_ = make_tokenizer();
  const std::shared_ptr<const Model> model_ = Model::load(testing::golden_core("models") / "llama");
  const std::unique_ptr<Backend> backend_ =
      GetParam() == "ref" ? make_reference_backend() : make_cpu_backend();
  std::vector<std::vector<TokenId>> scripts_;
  std::vector<std::vector<std::string>> received_;  // what the sink got, piece by piece

 private:
  static void put(MatRef logits, std::size_t row, std::size_t id) {
    Matrix one = Matrix::host(1, 1, DType::F64);
    one.as<double>().at(0, 0) = 1e6;
    convert(one.ref(), logits.row_range(row, 1).col_range(id, 1));
  }
};

using Pieces = std::vector<std::string>;

TEST_P(GeneratedText, IsWhatTheTokensSay) {
  script({"the caf\u00E9"});
  const auto out = run({});
  EXPECT_EQ(out[0].text, "the caf\u00E9");
  EXPECT_EQ(received_[0], (Pieces{"th", "e", " ", "c", "a", "f", "\u00E9"}));
  EXPECT_EQ(out[0].finish, Finish::StopToken);
}

TEST_P(GeneratedText, EndsBeforeAStopStringOfSeveralTokens) {
  script({"go on. STOP here"});
  const auto out = run({"STOP"});
  EXPECT_EQ(out[0].text, "go on. ");
  EXPECT_EQ(received(), "go on. ");
  EXPECT_EQ(out[0].finish, Finish::StopString);
  EXPECT_EQ(out[0].ids.size(), std::string("go on. STOP").size());  // nothing after it was run
}

TEST_P(GeneratedText, EndsBeforeAStopStringInsideAToken) {
  script({"oath"});
  const auto out = run({"h"});
  EXPECT_EQ(out[0].text, "oat");
  EXPECT_EQ(received(), "oat");
  EXPECT_EQ(out[0].finish, Finish::StopString);
}

TEST_P(GeneratedText, IsHeldBackWhileAStopStringMayHaveBegun) {
  script({"a STONE"});
  const auto out = run({"STOP"});
  EXPECT_EQ(out[0].text, "a STONE");
  EXPECT_EQ(received_[0], (Pieces{"a", " ", "STON", "E"}));
}

TEST_P(GeneratedText, ThatWasHeldBackIsShownAtTheEnd) {
  script({"a STO"});
  const auto ended = run({"STOP"});
  EXPECT_EQ(ended[0].finish, Finish::StopToken);
  EXPECT_EQ(received_[0], (Pieces{"a", " ", "STO"}));
  const auto cut = run({"STOP"}, 4);
  EXPECT_EQ(cut[0].finish, Finish::Length);
  EXPECT_EQ(received_[0], (Pieces{"a", " ", "ST"}));
  EXPECT_EQ(cut[0].text, "a ST");
}

TEST_P(GeneratedText, ABeginningWithinABeginningIsNotLost) {
  script({"xaabb"});
  const auto out = run({"aab", "never"});
  EXPECT_EQ(out[0].text, "x");
  scripts_.clear();
  script({"xababac"});
  EXPECT_EQ(run({"abac"})[0].text, "xab");
}

TEST_P(GeneratedText, EndsBeforeTheStopStringThatBeginsFirst) {
  script({"abcde"});
  EXPECT_EQ(run({"cd", "bcd"})[0].text, "a");
  EXPECT_EQ(received(), "a");
  EXPECT_EQ(run({"bcx", "c"})[0].text, "ab");
  EXPECT_EQ(received(), "ab");
}

TEST_P(GeneratedText, OfEachSequenceGoesToTheSinkUnderItsNumber) {
  script({"one STOP", "another one", "x"});
  const auto out = run({"STOP"});
  EXPECT_EQ(out[0].finish, Finish::StopString);
  const Pieces want = {"one ", "another one", "x"};
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(out[i].text, want[i]);
    EXPECT_EQ(received(i), want[i]);
  }
}

TEST_P(GeneratedText, ShowsAnIncompleteCharacterAtTheEnd) {
  script({"caf\u00E9"});
  const auto out = run({}, 4);
  EXPECT_EQ(out[0].text, std::string("caf") + kBrokenOff);
  EXPECT_EQ(received(), out[0].text);
  EXPECT_EQ(out[0].finish, Finish::Length);
}

TEST_P(GeneratedText, EndsBeforeAStopStringThatTheLastOfTheTextCompletes) {
  script({"caf\u00E9"});
  const auto out = run({std::string("f") + kBrokenOff}, 4);
  EXPECT_EQ(out[0].text, "ca");
  EXPECT_EQ(received(), "ca");
  EXPECT_EQ(out[0].finish, Finish::StopString);
}

TEST_P(GeneratedText, StopStringsNeedATokenizerAndOneCharacter) {
  script({"a"});
  EXPECT_THROW(run({""}), Error);
  const std::vector<std::vector<TokenId>> prompts = {{1}};
  EXPECT_THROW(generate(*backend_, *model_, nullptr, prompts, {.stop_strings = {"a"}}), Error);
}

INSTANTIATE_TEST_SUITE_P(Backends, GeneratedText, ::testing::Values("ref", "cpu"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace cajal
