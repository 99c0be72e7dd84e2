#include "cli/flags.h"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "base/error.h"

namespace cajal {
namespace {

std::string spelled(const FieldInfo& info) {
  if (info.positional) {
    return std::string(info.name);
  }
  const std::string name = flag_name(info.name);
  return info.letter == 0 ? name : fmt::format("-{},{}", info.letter, name);
}

std::string help_of(const BoundField& field) {
  const std::string value = text_of(field);
  std::string help(field.info.help);
  return value.empty() || help.find("default") != std::string::npos
             ? help
             : fmt::format("{} (default: {})", help, value);
}

bool is_list(const BoundField& field) {
  return std::holds_alternative<std::vector<std::string>*>(field.target) ||
         std::holds_alternative<std::vector<TokenId>*>(field.target);
}

/// Sets the field; what is wrong with the text is wrong usage, told with the flag's name.
void set_named(const BoundField& field, const std::string& text) {
  const std::string shown =
      field.info.positional ? std::string(field.info.value) : flag_name(field.info.name);
  BoundField named = field;
  named.info.name = shown;
  try {
    set_from_text(named, text);
  } catch (const Error& error) {
    throw CLI::ValidationError(error.what());
  }
}

void add_flag(CLI::App& command, const BoundField& field) {
  if (std::holds_alternative<bool*>(field.target)) {
    command.add_flag_callback(
        spelled(field.info), [field] { set_from_text(field, ""); }, std::string(field.info.help));
    return;
  }
  const auto set = [field](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      set_named(field, text);
    }
    return true;
  };
  CLI::Option* option = command.add_option(spelled(field.info), set, help_of(field));
  option->type_name(std::string(field.info.value));
  option->expected(field.info.bare ? 0 : 1, 1);
  option->multi_option_policy(is_list(field) ? CLI::MultiOptionPolicy::TakeAll
                                             : CLI::MultiOptionPolicy::TakeLast);
}

}  // namespace

std::string flag_name(std::string_view field) {
  std::string out = fmt::format("--{}", field);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

void add_flags(CLI::App& command, const std::vector<BoundField>& fields) {
  for (const BoundField& field : fields) {
    add_flag(command, field);
  }
}

}  // namespace cajal
