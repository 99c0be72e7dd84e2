// One table of fields per use case: command line flags, JSON requests, recipes and the recorded
// options all come from it.
//
// A table belongs to an options struct; bind_fields() ties it to one object, after which nothing
// depends on the struct's type any more.
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "io/json.h"
#include "text/token.h"

namespace cajal {

struct FieldInfo {
  std::string_view name;  // in JSON and YAML: "top_k"; as a flag "--top-k"
  std::string_view help;
  char letter = 0;               // short flag; 0: none
  std::string_view value = "N";  // what help calls the value
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;                      // `min` itself is too small
  char separator = 0;                          // lists: between entries of a text; 0: it is one
  bool positional = false;                     // on the command line without a flag
  bool bare = false;                           // the flag may stand alone: an empty text
  std::vector<std::string_view> choices = {};  // texts: the only ones; empty: any
  // JSON leaves it out where the field of this name, often its own, has its usual value: a field
  // that came later, so that what was recorded before it is still the same. Empty: never.
  std::string_view left_out_with = {};
};

/// Where a value goes; optional ones differ between absent and given.
using FieldTarget =
    std::variant<bool*, std::size_t*, std::optional<std::size_t>*, double*, std::string*,
                 std::optional<std::string>*, std::vector<std::string>*, std::vector<TokenId>*>;

struct BoundField {
  FieldInfo info;
  FieldTarget target;
};

template <typename Options>
struct Field {
  FieldInfo info;
  std::variant<bool Options::*, std::size_t Options::*, std::optional<std::size_t> Options::*,
               double Options::*, std::string Options::*, std::optional<std::string> Options::*,
               std::vector<std::string> Options::*, std::vector<TokenId> Options::*>
      member;
};

template <typename Options>
using FieldTable = std::vector<Field<Options>>;

template <typename Options>
void append(FieldTable<Options>& table, FieldTable<Options> more) {
  table.insert(table.end(), more.begin(), more.end());
}

/// The fields point into `options`, which must outlive them.
template <typename Options>
std::vector<BoundField> bind_fields(const FieldTable<Options>& table, Options& options) {
  std::vector<BoundField> out;
  for (const Field<Options>& field : table) {
    out.push_back(
        {field.info,
         std::visit([&](auto member) -> FieldTarget { return &(options.*member); }, field.member)});
  }
  return out;
}

/// Sets a field from text, as on a command line; a list grows by it. Empty text is only right for
/// an optional one. Throws InvalidArgument saying what would be right.
void set_from_text(const BoundField& field, std::string_view text);

/// Sets what the request names; null: as if absent. Throws InvalidArgument naming `where` and the
/// field for an unknown name (suggesting the nearest), a value of the wrong kind or out of range.
void apply(std::span<const BoundField> fields, const Json& request, std::string_view where);

/// Every field that is not left out, absent ones as null. `usual`: the same fields of an object
/// that nobody changed.
Json to_json(std::span<const BoundField> fields, std::span<const BoundField> usual);
template <typename Options>
Json to_json(const FieldTable<Options>& table, Options options) {
  Options usual;
  return to_json(bind_fields(table, options), bind_fields(table, usual));
}

/// The present value as help shows it; empty for absent, false and empty ones.
std::string text_of(const BoundField& field);

}  // namespace cajal
