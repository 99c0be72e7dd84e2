// Every case, snippet and error of the reference's chat templates.
#include <set>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/utf8.h"
#include "testing/golden.h"
#include "text/chat_template.h"

namespace cajal {
namespace {

class ChatGolden : public ::testing::Test {
 protected:
  std::filesystem::path folder_ = testing::golden_core("tokenizers");
  Json golden_ = Json::load(folder_ / "chat.json");

  SpecialTokens special_tokens() const {
    SpecialTokens out;
    for (const auto& [name, text] : golden_.at("special_tokens", "chat.json").as_object("")) {
      out.emplace_back(name, text.as_string(""));
    }
    return out;
  }

  static std::tm now() {
    std::tm out{};  // "now" of chat.json: Thursday, 2026-03-05 14:07:09
    out.tm_year = 126;
    out.tm_mon = 2;
    out.tm_mday = 5;
    out.tm_hour = 14;
    out.tm_min = 7;
    out.tm_sec = 9;
    out.tm_wday = 4;
    out.tm_yday = 63;
    return out;
  }

  static bool flag(const Json& row, std::string_view name) {
    const Json* found = row.find(name);
    return found != nullptr && found->as_bool("");
  }

  ChatOptions options_of(const Json& row) const {
    ChatOptions options;
    options.now = now();
    options.add_generation_prompt = flag(row, "add_generation_prompt");
    options.continue_final_message = flag(row, "continue_final_message");
    if (flag(row, "tools")) {
      options.tools = golden_.at("tools", "");
    }
    if (flag(row, "documents")) {
      options.documents = golden_.at("documents", "");
    }
    options.variables = Json(Json::Object());
    for (const char* name : {"enable_thinking", "tools_in_user_message"}) {
      if (const Json* found = row.find(name); found != nullptr) {
        options.variables.set(name, *found);
      }
    }
    return options;
  }

  void check_error(const jinja::TemplateFailure& failure, const Json& error) {
    const std::string type = error.at("type", "").as_string("");
    if (failure.kind() == jinja::FailureKind::Unsupported) {
      EXPECT_EQ(type, "TypeError") << failure.what();  // only {% include %}, which needs a loader
      return;
    }
    const bool missing_test = failure.kind() == jinja::FailureKind::Assertion;
    EXPECT_TRUE(jinja::name_of(failure.kind()) == type || missing_test) << failure.what();
    if (type == "TemplateError") {
      EXPECT_EQ(failure.text(), error.at("message", "").as_string(""));
    }
    EXPECT_GT(failure.line(), 0);
  }

  void check_row(const std::string& source, const Json& messages, const ChatOptions& options,
                 const Json& row) {
    const Json* error = row.find("error");
    try {
      const ChatTemplate chat(source, special_tokens(), "chat.json");
      const RenderedChat out = chat.render(messages, options);
      ASSERT_EQ(error, nullptr) << source << "\ngave " << out.text << "\nnot " << error->dump();
      EXPECT_EQ(out.text, row.at("expected", "").as_string("")) << source;
      check_spans(out, row);
    } catch (const jinja::TemplateFailure& failure) {
      ASSERT_NE(error, nullptr) << source << "\n" << failure.what();
      check_error(failure, *error);
    }
  }

  static void check_spans(const RenderedChat& out, const Json& row) {
    const Json* wanted = row.find("assistant_spans_cp");
    if (wanted == nullptr) {
      return;
    }
    Json spans{Json::Array()};
    const std::string_view text = out.text;
    for (const auto& [begin, end] : out.assistant_spans) {
      const auto points = [&](std::size_t at) {
        return Json(static_cast<std::int64_t>(count_code_points(text.substr(0, at))));
      };
      spans.push_back(Json(Json::Array{points(begin), points(end)}));
    }
    EXPECT_EQ(spans, *wanted);
  }

  void check_snippets(const char* kind) {
    ChatOptions options;
    options.now = now();
    options.variables = golden_.at("variables", "");
    const Json messages = Json::parse(R"([{"role": "user", "content": "hi"}])", "messages");
    for (const Json& row : golden_.at(kind, "").as_array("")) {
      SCOPED_TRACE(row.at("source", "").as_string(""));
      check_row(row.at("source", "").as_string(""), messages, options, row);
    }
    if (!HasFailure()) {
      testing::count_golden_case("tokenizers", folder_);
    }
  }
};

TEST_F(ChatGolden, EveryTemplateGivesTheTextOfEveryChat) {
  for (const auto& [name, source] : golden_.at("templates", "").as_object("")) {
    for (const Json& row : golden_.at("cases", "").as_array("")) {
      if (row.at("template", "").as_string("") == name) {
        const std::string chat = row.at("chat", "").as_string("");
        SCOPED_TRACE(name + " " + chat);
        check_row(source.as_string(""), golden_.at("chats", "").at(chat, ""), options_of(row), row);
      }
    }
    if (!HasFailure()) {
      testing::count_golden_case("tokenizers", folder_);
    }
  }
}

TEST_F(ChatGolden, SnippetsGiveTheSameText) {
  check_snippets("snippets");
}

TEST_F(ChatGolden, ErrorsAreOfTheSameKind) {
  check_snippets("errors");
}

}  // namespace
}  // namespace cajal
