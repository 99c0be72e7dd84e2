// Any bytes as a chat template: an error or a text, never a crash, a hang or a huge allocation.
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string_view>

#include "base/error.h"
#include "text/jinja/template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cajal::Json;
  using cajal::jinja::Value;
  static const Json chat = Json::parse(
      R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": " é <b> "},
          {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f",
           "arguments": {"x": [1, 2.5, null, true]}}}]}])",
      "chat");
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  try {
    const auto tmpl = cajal::jinja::Template::parse(source, "fuzz");
    tmpl.render({{"messages", Value::from_json(chat)},
                 {"tools", Value::from_json(chat)},
                 {"bos_token", Value::text("<s>")},
                 {"add_generation_prompt", Value::boolean(true)}},
                std::tm{}, {.steps = 100'000, .bytes = 1U << 22U, .one_value = 1U << 20U});
  } catch (const cajal::Error&) {
  }
  return 0;
}
