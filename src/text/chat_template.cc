#include "text/chat_template.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/error.h"
#include "text/jinja/unicode.h"

namespace cajal {
namespace {

// As in the reference; a message that contains it would be cut there too.
constexpr std::string_view kContinueTag = "CONTINUE_FINAL_MESSAGE_TAG ";
constexpr auto kReasoningFields =
    std::to_array<std::string_view>({"reasoning_content", "thinking", "reasoning"});

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm out{};
  localtime_r(&now, &out);
  return out;
}

Json without_nulls(const Json& message, std::size_t index) {
  if (!message.is_object()) {
    fail(ErrorCode::InvalidArgument, "message {} must be an object with a role, but is {}", index,
         message.kind());
  }
  Json out{Json::Object()};
  for (const auto& [name, value] : message.as_object("message")) {
    if (!value.is_null()) {
      out.append_member(name, value);
    }
  }
  return out;
}

/// Reasoning is given under each name that templates read.
Json with_reasoning(Json message) {
  const auto field = std::ranges::find_if(
      kReasoningFields, [&](std::string_view name) { return message.find(name) != nullptr; });
  if (field == kReasoningFields.end()) {
    return message;
  }
  const Json reasoning = *message.find(*field);
  Json out{Json::Object()};
  if (message.find("thinking") == nullptr) {
    out.append_member("thinking", reasoning);
  }
  for (const auto& [name, value] : message.as_object("message")) {
    out.append_member(name, value);
  }
  out.set("reasoning_content", reasoning);
  return out;
}

/// Puts the tag behind the text to go on with, and returns that text.
std::string mark_end(Json& message) {
  const Json* content = message.find("content");
  if (content != nullptr && content->is_string()) {
    std::string text = content->as_string("content");
    message.set("content", text + std::string(kContinueTag));
    return text;
  }
  if (content != nullptr && content->is_array()) {
    Json parts = *content;
    auto& items = parts.mutable_array("content");
    const auto part = std::find_if(items.rbegin(), items.rend(), [](const Json& item) {
      return item.find("text") != nullptr && item.find("text")->is_string();
    });
    if (part != items.rend()) {
      std::string text = part->find("text")->as_string("text");
      part->set("text", text + std::string(kContinueTag));
      message.set("content", std::move(parts));
      return text;
    }
  }
  fail(ErrorCode::InvalidArgument,
       "the final message has no text content to continue; end the chat with such a message");
}

std::string_view stripped(std::string_view text) {
  return jinja::strip_right(jinja::strip_left(text));
}

/// Cuts the rendered chat at the tag.
void cut_at_tag(RenderedChat& chat, std::string_view final_text) {
  const std::string_view bare_tag = stripped(kContinueTag);
  const std::size_t at = chat.text.rfind(bare_tag);
  if (at == std::string::npos || chat.text.find(stripped(final_text)) == std::string::npos) {
    fail(ErrorCode::InvalidArgument,
         "the chat template does not show the final message as it is, so it cannot be continued");
  }
  const bool kept_spaces = chat.text.compare(at, kContinueTag.size(), kContinueTag) == 0;
  chat.text.resize(at);
  if (!kept_spaces) {
    chat.text.resize(jinja::strip_right(chat.text).size());
  }
  for (jinja::Span& span : chat.assistant_spans) {
    span.begin = std::min(span.begin, chat.text.size());
    span.end = std::min(span.end, chat.text.size());
  }
}

Json prepared(const Json& messages) {
  if (!messages.is_array()) {
    fail(ErrorCode::InvalidArgument, "messages must be an array, but are {}", messages.kind());
  }
  Json out{Json::Array()};
  std::size_t index = 0;
  for (const Json& message : messages.as_array("messages")) {
    out.push_back(with_reasoning(without_nulls(message, index++)));
  }
  return out;
}

}  // namespace

ChatTemplate::ChatTemplate(std::string source, SpecialTokens special_tokens, std::string origin)
    : ChatTemplate({NamedTemplate{"default", std::move(source)}}, std::move(special_tokens),
                   std::move(origin)) {}

ChatTemplate::ChatTemplate(std::vector<NamedTemplate> templates, SpecialTokens special_tokens,
                           std::string origin)
    : templates_(std::move(templates)),
      special_tokens_(std::move(special_tokens)),
      origin_(std::move(origin)) {
  check(!templates_.empty(), "{}: no chat template", origin_);
  const auto standard = std::ranges::find(templates_, "default", &NamedTemplate::name);
  if (standard != templates_.end()) {
    std::rotate(templates_.begin(), standard, standard + 1);
  }
  for (const NamedTemplate& one : templates_) {
    const std::string name = templates_.size() == 1
                                 ? fmt::format("{}: chat template", origin_)
                                 : fmt::format("{}: chat template \"{}\"", origin_, one.name);
    compiled_.push_back(jinja::Template::parse(one.source, name));
  }
}

const jinja::Template& ChatTemplate::choose(const ChatOptions& options) const {
  const auto index_of = [&](std::string_view name) {
    const auto it = std::ranges::find(templates_, name, &NamedTemplate::name);
    return static_cast<std::size_t>(it - templates_.begin());
  };
  if (!options.template_name.empty()) {
    const std::size_t i = index_of(options.template_name);
    if (i == templates_.size()) {
      std::string names;
      for (const NamedTemplate& one : templates_) {
        names += (names.empty() ? "" : ", ") + one.name;
      }
      fail(ErrorCode::NotFound, "{}: there is no chat template \"{}\"; there are: {}", origin_,
           options.template_name, names);
    }
    return compiled_[i];
  }
  const std::size_t tool_use = index_of("tool_use");
  return compiled_[!options.tools.is_null() && tool_use < templates_.size() ? tool_use : 0];
}

RenderedChat ChatTemplate::render(const Json& messages, const ChatOptions& options) const {
  check(!options.add_generation_prompt || !options.continue_final_message,
        "a chat either continues its final message or begins a new one, not both");
  Json chat = prepared(messages);
  std::string final_text;
  if (options.continue_final_message) {
    auto& items = chat.mutable_array("messages");
    check(!items.empty(), "there is no final message to continue");
    final_text = mark_end(items.back());
  }
  std::vector<std::pair<std::string, jinja::Value>> names;
  for (const auto& [name, text] : special_tokens_) {
    names.emplace_back(name, jinja::Value::text(text));
  }
  if (!options.variables.is_null()) {
    for (const auto& [name, value] : options.variables.as_object("template variables")) {
      names.emplace_back(name, jinja::Value::from_json(value));
    }
  }
  names.emplace_back("messages", jinja::Value::from_json(chat));
  names.emplace_back("tools", jinja::Value::from_json(options.tools));
  names.emplace_back("documents", jinja::Value::from_json(options.documents));
  names.emplace_back("add_generation_prompt", jinja::Value::boolean(options.add_generation_prompt));
  jinja::RenderResult result =
      choose(options).render(names, options.now.value_or(local_time()), options.limits);
  RenderedChat out{std::move(result.text), std::move(result.generated)};
  if (options.continue_final_message) {
    cut_at_tag(out, final_text);
  }
  return out;
}

}  // namespace cajal
