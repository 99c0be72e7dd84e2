#include "text/unicode_properties.h"

#include <array>
#include <string>

#include "text/unicode.h"

namespace cajal {
namespace {

constexpr std::array<std::string_view, kCategoryCount> kNames = {
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co"};

struct LongName {
  std::string_view name;
  std::string_view category;
};
constexpr std::array<LongName, 14> kLongNames = {{{"letter", "L"},
                                                  {"mark", "M"},
                                                  {"number", "N"},
                                                  {"punctuation", "P"},
                                                  {"punct", "P"},
                                                  {"symbol", "S"},
                                                  {"separator", "Z"},
                                                  {"other", "C"},
                                                  {"digit", "Nd"},
                                                  {"uppercaseletter", "Lu"},
                                                  {"lowercaseletter", "Ll"},
                                                  {"titlecaseletter", "Lt"},
                                                  {"modifierletter", "Lm"},
                                                  {"otherletter", "Lo"}}};

/// Lower case, without spaces, hyphens and underscores: how property names are compared.
std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c != '_' && c != '-' && c != ' ') {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
  }
  return out;
}

/// `name` is one letter (all categories that begin with it) or two.
std::optional<CodePointSet> category_set(const std::string& name) {
  std::array<bool, kCategoryCount> wanted{};
  bool any = false;
  for (std::size_t i = 0; i < kCategoryCount; ++i) {
    const std::string category = plain(kNames[i]);
    wanted[i] = category == name || (name.size() == 1 && category.front() == name.front());
    any = any || wanted[i];
  }
  if (!any) {
    return std::nullopt;
  }
  const auto table = category_table();
  return CodePointSet::where(
      [&](char32_t c) { return wanted[static_cast<std::size_t>(table[c])]; });
}

CodePointSet han_set() {
  return CodePointSet(
      {{0x2E80, 0x2E99},   {0x2E9B, 0x2EF3},   {0x2F00, 0x2FD5},   {0x3005, 0x3005},
       {0x3007, 0x3007},   {0x3021, 0x3029},   {0x3038, 0x303B},   {0x3400, 0x4DBF},
       {0x4E00, 0x9FFF},   {0xF900, 0xFA6D},   {0xFA70, 0xFAD9},   {0x16FE2, 0x16FE3},
       {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B739}, {0x2B740, 0x2B81D},
       {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0}, {0x2EBF0, 0x2EE5D}, {0x2F800, 0x2FA1D},
       {0x30000, 0x3134A}, {0x31350, 0x323AF}});
}

}  // namespace

std::optional<CodePointSet> property_set(std::string_view name) {
  std::string key = plain(name);
  for (const LongName& known : kLongNames) {
    if (key == known.name) {
      key = plain(known.category);
    }
  }
  if (key == "han" || key == "hani") {
    return han_set();
  }
  if (key == "any") {
    return CodePointSet({{0, 0x10FFFF}});
  }
  if (key == "space" || key == "whitespace") {
    return space_set();
  }
  if (key == "word") {
    return regex_word_set();
  }
  return category_set(key);
}

std::optional<CodePointSet> posix_set(std::string_view name) {
  if (name == "space" || name == "word" || name == "punct" || name == "digit") {
    return property_set(name);
  }
  if (name == "ascii") {
    return CodePointSet({{0, 0x7F}});
  }
  if (name == "xdigit") {
    return CodePointSet({{'0', '9'}, {'A', 'F'}, {'a', 'f'}});
  }
  return std::nullopt;
}

const CodePointSet& regex_word_set() {
  static const CodePointSet set = CodePointSet::where(is_regex_word);
  return set;
}

const CodePointSet& space_set() {
  static const CodePointSet set = CodePointSet::where(is_space);
  return set;
}

}  // namespace cajal
