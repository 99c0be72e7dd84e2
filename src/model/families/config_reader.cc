#include "model/families/config_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/error.h"

namespace cajal {
namespace {

std::optional<double> default_of(NumberDefaults defaults, std::string_view key) {
  const auto it = std::find_if(defaults.begin(), defaults.end(),
                               [&](const auto& entry) { return entry.first == key; });
  return it == defaults.end() ? std::nullopt : std::optional(it->second);
}

std::size_t to_size(double value, const std::string& where) {
  if (!(value >= 0.0) || value > 1e15 || value != std::floor(value)) {
    fail(ErrorCode::CorruptData, "{} is {}, must be a whole number that is not negative", where,
         value);
  }
  return static_cast<std::size_t>(value);
}

}  // namespace

std::string ConfigReader::at(std::string_view key) const {
  return fmt::format("{}: {}", where_, key);
}

double ConfigReader::number(std::string_view key) const {
  if (const Json* x = find(key)) {
    return x->as_double(at(key));
  }
  const auto fallback = default_of(defaults_, key);
  if (!fallback) {
    fail(ErrorCode::CorruptData, "{}: \"{}\" is missing", where_, key);
  }
  return *fallback;
}

std::size_t ConfigReader::size(std::string_view key) const {
  return to_size(number(key), at(key));
}

std::size_t ConfigReader::size_or(std::string_view key, std::size_t fallback) const {
  return find(key) == nullptr && !default_of(defaults_, key) ? fallback : size(key);
}

double ConfigReader::number_or(std::string_view key, double fallback) const {
  return find(key) == nullptr && !default_of(defaults_, key) ? fallback : number(key);
}

bool ConfigReader::flag_or(std::string_view key, bool fallback) const {
  const Json* x = find(key);
  return x == nullptr ? fallback : x->as_bool(at(key));
}

std::string ConfigReader::text_or(std::string_view key, std::string_view fallback) const {
  const Json* x = find(key);
  return x == nullptr ? std::string(fallback) : x->as_string(at(key));
}

std::vector<double> ConfigReader::numbers(std::string_view key) const {
  std::vector<double> out;
  for (const Json& x : json_->at(key, where_).as_array(at(key))) {
    out.push_back(x.as_double(at(key)));
  }
  return out;
}

ConfigReader ConfigReader::inside(std::string_view key, NumberDefaults defaults) const {
  const Json& x = json_->at(key, where_);
  x.as_object(at(key));
  return {x, at(key), defaults};
}

Activation parse_activation(std::string_view name, std::string_view where) {
  struct Name {
    std::string_view name;
    Activation activation;
  };
  constexpr std::array<Name, 9> kNames = {{{"silu", Activation::Silu},
                                           {"swish", Activation::Silu},
                                           {"gelu", Activation::GeluErf},
                                           {"gelu_python", Activation::GeluErf},
                                           {"gelu_new", Activation::GeluTanh},
                                           {"gelu_fast", Activation::GeluTanh},
                                           {"gelu_pytorch_tanh", Activation::GeluTanh},
                                           {"relu", Activation::Relu},
                                           {"relu2", Activation::ReluSquared}}};
  for (const Name& entry : kNames) {
    if (entry.name == name) {
      return entry.activation;
    }
  }
  fail(ErrorCode::Unsupported,
       "{}: activation '{}' is not supported (silu, gelu, gelu_new, gelu_pytorch_tanh, relu and "
       "relu2 are)",
       where, name.substr(0, 60));
}

}  // namespace cajal
