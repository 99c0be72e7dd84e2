// A chat as the text that its model was trained on: the chat template that a model ships, applied
// to messages. Behaves as transformers' apply_chat_template.
#pragma once

#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/json.h"
#include "text/jinja/template.h"

namespace cajal {

/// Names such as "bos_token" with their text.
using SpecialTokens = std::vector<std::pair<std::string, std::string>>;

struct NamedTemplate {
  std::string name;  // "default", "tool_use", "rag", ...
  std::string source;
};

struct ChatOptions {
  bool add_generation_prompt = false;   // end with the header of a new assistant message
  bool continue_final_message = false;  // end inside the last message, for the model to go on
  Json tools;                           // array of JSON schemas; null: none
  Json documents;                       // array of {"title", "text"}; null: none
  Json variables;                       // object: further names, such as enable_thinking
  std::string template_name;            // empty: "tool_use" if there are tools, else "default"
  std::optional<std::tm> now;           // what strftime_now sees; default: local time
  jinja::Limits limits;
};

struct RenderedChat {
  std::string text;
  /// What the assistant says, where the template marks it with {% generation %}: byte offsets into
  /// `text`. With continue_final_message they are cut at its end.
  std::vector<jinja::Span> assistant_spans;
};

class ChatTemplate {
 public:
  /// `origin` is what error messages call it, such as a path. Throws Error: CorruptData for a
  /// syntax error, Unsupported for what the template language here lacks, each with the line.
  ChatTemplate(std::vector<NamedTemplate> templates, SpecialTokens special_tokens,
               std::string origin);
  ChatTemplate(std::string source, SpecialTokens special_tokens, std::string origin);

  /// `messages` is an array of objects (role, content, tool_calls, ...); members that are null
  /// count as absent. Throws Error: InvalidArgument if the template refuses them (with its words)
  /// or the messages lack what it needs, ResourceExhausted for a template that runs away.
  RenderedChat render(const Json& messages, const ChatOptions& options = {}) const;

  const SpecialTokens& special_tokens() const noexcept { return special_tokens_; }
  /// The template that is used without tools.
  const std::string& source() const { return templates_.front().source; }

 private:
  const jinja::Template& choose(const ChatOptions& options) const;

  std::vector<NamedTemplate> templates_;  // the default one first
  std::vector<jinja::Template> compiled_;
  SpecialTokens special_tokens_;
  std::string origin_;
};

/// From a model folder (chat_template.jinja with additional_chat_templates/, else
/// tokenizer_config.json, else chat_template.json) or from one of these files. nullopt if there
/// is no template. Throws as the constructor, and CorruptData for JSON of another shape.
std::optional<ChatTemplate> load_chat_template(const std::filesystem::path& path);

/// Those that tokenizer_config.json or special_tokens_map.json names, as text or as an object with
/// "content".
SpecialTokens special_tokens_of(const Json& config, std::string_view where);

}  // namespace cajal
