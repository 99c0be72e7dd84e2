// Where chat templates are found; what they give is chat_template_golden_test.cc's.
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "testing/files.h"
#include "text/chat_template.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class LoadChatTemplate : public ::testing::Test {
 protected:
  void write(const std::string& file, const std::string& text) {
    fs::create_directories((folder_ / file).parent_path());
    write_file(folder_ / file, text);
  }
  std::string rendered(const ChatOptions& options = {}) const {
    return load_chat_template(folder_)
        .value()
        .render(Json::parse(R"([{"role":"user","content":"hi"}])", "messages"), options)
        .text;
  }
  std::string error() const {
    try {
      load_chat_template(folder_);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  static ChatOptions named(const std::string& name) {
    ChatOptions out;
    out.template_name = name;
    return out;
  }

  testing::TemporaryFolder temporary_;
  const fs::path& folder_ = temporary_.path();
};

TEST_F(LoadChatTemplate, OfTokenizerConfigAsText) {
  write("tokenizer_config.json",
        R"({"chat_template":"{{ bos_token }}{{ messages[0].content }}","bos_token":"<s>"})");
  EXPECT_EQ(rendered(), "<s>hi");
}

TEST_F(LoadChatTemplate, OfTokenizerConfigAsNamedTemplates) {
  write("tokenizer_config.json",
        R"({"chat_template":[{"name":"tool_use","template":"T"},{"name":"default","template":"D"},
            {"name":"rag","template":"R"}]})");
  EXPECT_EQ(rendered(), "D");
  EXPECT_EQ(rendered(named("rag")), "R");
  ChatOptions with_tools;
  with_tools.tools = Json(Json::Array());
  EXPECT_EQ(rendered(with_tools), "T");
  EXPECT_EQ(load_chat_template(folder_)->source(), "D");
  try {
    rendered(named("odd"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::NotFound);
    EXPECT_THAT(error.what(), HasSubstr("\"odd\"; there are: default, tool_use, rag"));
  }
}

TEST_F(LoadChatTemplate, JinjaFileComesBeforeTokenizerConfig) {
  write("tokenizer_config.json", R"({"chat_template":"config","eos_token":{"content":"</s>"}})");
  write("chat_template.jinja", "file{{ eos_token }}");
  write("additional_chat_templates/tool_use.jinja", "tools");
  EXPECT_EQ(rendered(), "file</s>");
  EXPECT_EQ(rendered(named("tool_use")), "tools");
}

TEST_F(LoadChatTemplate, ChatTemplateJsonComesLast) {
  write("chat_template.json", R"({"chat_template":"json"})");
  EXPECT_EQ(rendered(), "json");
  write("tokenizer_config.json", R"({"bos_token":"<s>"})");
  EXPECT_EQ(rendered(), "json");
  write("tokenizer_config.json", R"({"chat_template":"config"})");
  EXPECT_EQ(rendered(), "config");
}

TEST_F(LoadChatTemplate, NothingThereIsNoError) {
  EXPECT_FALSE(load_chat_template(folder_).has_value());
  write("tokenizer_config.json", R"({"chat_template":null})");
  EXPECT_FALSE(load_chat_template(folder_).has_value());
  EXPECT_THROW(load_chat_template(folder_ / "absent"), Error);
}

TEST_F(LoadChatTemplate, OtherShapesAreNamed) {
  write("tokenizer_config.json", R"({"chat_template":5})");
  EXPECT_THAT(error(), HasSubstr("tokenizer_config.json: chat_template"));
  write("tokenizer_config.json", R"({"chat_template":[{"name":"default"}]})");
  EXPECT_THAT(error(), HasSubstr("template"));
  write("tokenizer_config.json", R"({"chat_template":[]})");
  EXPECT_FALSE(load_chat_template(folder_).has_value());
  write("tokenizer_config.json", R"({"chat_template":"a\n{% if %}"})");
  EXPECT_THAT(error(), HasSubstr("line 2"));
}

TEST(SpecialTokensOf, TextsAndObjectsWithContent) {
  const Json config = Json::parse(
      R"({"eos_token":{"content":"</s>","lstrip":false},"bos_token":"<s>","unk_token":null,
          "other_token":"x"})",
      "config");
  EXPECT_THAT(special_tokens_of(config, "config"),
              ElementsAre(Pair("bos_token", "<s>"), Pair("eos_token", "</s>")));
}

TEST(SpecialTokensOf, OtherShapesAreNamed) {
  for (const char* text : {R"({"pad_token":5})", R"({"pad_token":{"lstrip":true}})"}) {
    try {
      special_tokens_of(Json::parse(text, "config"), "config.json");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("config.json: pad_token"));
    }
  }
}

std::string error_of_continuing(const std::string& source, const std::string& messages,
                                bool add_generation_prompt = false) {
  const ChatTemplate chat(source, {}, "test");
  ChatOptions options;
  options.continue_final_message = true;
  options.add_generation_prompt = add_generation_prompt;
  try {
    return chat.render(Json::parse(messages, "messages"), options).text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    return error.what();
  }
}

TEST(ContinueFinalMessage, SaysWhyItCannot) {
  const std::string shows = "{% for m in messages %}[{{ m.content }}]{% endfor %}";
  const std::string chat = R"([{"role":"assistant","content":"so"}])";
  EXPECT_EQ(error_of_continuing(shows, chat), "[so");
  EXPECT_THAT(error_of_continuing(shows, "[]"), HasSubstr("no final message"));
  EXPECT_THAT(error_of_continuing(shows, chat, true), HasSubstr("not both"));
  EXPECT_THAT(error_of_continuing(shows, R"([{"role":"assistant"}])"), HasSubstr("no text"));
  EXPECT_THAT(error_of_continuing(shows, R"([{"role":"assistant","content":[{"type":"image"}]}])"),
              HasSubstr("no text"));
  EXPECT_THAT(error_of_continuing("{{ messages|length }}", chat), HasSubstr("does not show"));
  EXPECT_THAT(error_of_continuing("{{ messages[0].content|upper }}", chat),
              HasSubstr("does not show"));
  EXPECT_THAT(error_of_continuing(shows, R"({"role":"user"})"), HasSubstr("must be an array"));
  EXPECT_THAT(error_of_continuing(shows, R"(["hi"])"), HasSubstr("message 0 must be an object"));
}

}  // namespace
}  // namespace cajal
