// Reading one component of a tokenizer.json: an object with a "type" and fields of its own.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/utf8.h"
#include "io/json.h"

namespace cajal {

/// The json must outlive it. All accessors throw CorruptData naming the path in the document.
class Component {
 public:
  Component(const Json& json, std::string where) : json_(&json), where_(std::move(where)) {}

  const Json& json() const noexcept { return *json_; }
  const std::string& where() const noexcept { return where_; }
  std::string where(std::string_view field) const { return fmt::format("{}.{}", where_, field); }

  const Json& at(std::string_view field) const { return json_->at(field, where_); }
  bool flag(std::string_view field, bool otherwise) const {
    const Json* const found = json_->find_value(field);
    return found == nullptr ? otherwise : found->as_bool(where(field));
  }
  /// Valid UTF-8, as all text from JSON.
  std::string text(std::string_view field) const {
    return sanitize_utf8(at(field).as_string(where(field)));
  }
  std::string text(std::string_view field, std::string_view otherwise) const {
    return json_->find_value(field) == nullptr ? std::string(otherwise) : text(field);
  }
  /// The components in a list.
  std::vector<Component> parts(std::string_view field) const {
    std::vector<Component> out;
    const Json::Array& list = at(field).as_array(where(field));
    for (std::size_t i = 0; i < list.size(); ++i) {
      out.emplace_back(list[i], fmt::format("{}.{}[{}]", where_, field, i));
    }
    return out;
  }

 private:
  const Json* json_;
  std::string where_;
};

/// Looks up the maker for json["type"] in `known`. A null JSON makes an empty Made. Throws
/// Unsupported listing what is known.
template <typename Made, typename Table>
Made make_component(const Json& json, std::string_view where, const Table& known,
                    std::string_view what) {
  if (json.is_null()) {
    return {};
  }
  const Component component(json, std::string(where));
  const std::string type = component.text("type");
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const auto& entry) { return entry.type == type; });
  if (found == known.end()) {
    std::string names;
    for (const auto& entry : known) {
      names += (names.empty() ? "" : ", ") + std::string(entry.type);
    }
    fail(ErrorCode::Unsupported, "{}: the {} '{}' is not supported; known are {}", where, what,
         type.substr(0, 100), names);
  }
  return found->make(component);
}

}  // namespace cajal
