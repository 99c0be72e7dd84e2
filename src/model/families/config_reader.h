// Typed access to a model's configuration: defaults for absent keys, ranges checked, and every
// complaint names the file and the key.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/json.h"
#include "model/config.h"

namespace cajal {

/// What a family assumes where its configuration file is silent.
using NumberDefaults = std::span<const std::pair<std::string_view, double>>;

class ConfigReader {
 public:
  /// `json` and `defaults` must outlive the reader. `where` is the file's name.
  ConfigReader(const Json& json, std::string where, NumberDefaults defaults = {})
      : json_(&json), where_(std::move(where)), defaults_(defaults) {}

  /// nullptr if absent or null.
  const Json* find(std::string_view key) const noexcept { return json_->find_value(key); }
  /// True if the key is there, even if it is null.
  bool mentions(std::string_view key) const noexcept { return json_->find(key) != nullptr; }

  // A required key that is absent and has no default is CorruptData, as is a value of another kind
  // or out of range.
  std::size_t size(std::string_view key) const;
  double number(std::string_view key) const;
  std::size_t size_or(std::string_view key, std::size_t fallback) const;
  double number_or(std::string_view key, double fallback) const;
  bool flag_or(std::string_view key, bool fallback) const;
  std::string text_or(std::string_view key, std::string_view fallback) const;
  std::vector<double> numbers(std::string_view key) const;

  /// "config.json: rope_scaling.factor".
  std::string at(std::string_view key) const;
  const std::string& where() const noexcept { return where_; }
  /// A reader of the object under `key`, which must be there.
  ConfigReader inside(std::string_view key, NumberDefaults defaults = {}) const;

 private:
  const Json* json_;
  std::string where_;
  NumberDefaults defaults_;
};

/// Throws Unsupported with the known names if `name` is no activation.
Activation parse_activation(std::string_view name, std::string_view where);

}  // namespace cajal
