// What a result says about how it came to be, and the envelope it is printed in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/json.h"

namespace cajal {

struct Provenance {
  std::string model;       // as it was given; empty: none was used
  std::string model_hash;  // of its content (service/identity.h); so with the others
  std::string dictionary;
  std::string dictionary_hash;
  std::string tokenizer;
  std::string tokenizer_hash;
  std::string precision;  // "f32", ...; "f64" on ref
  std::string device;
  std::optional<std::uint64_t> seed;
};

/// "0.1.0+079c31d", the commit left out where it is not known.
std::string version_text();

/// {"schema":1,"command":...,"provenance":{...},"result":...}; what is empty becomes null.
Json envelope(std::string_view command, const Provenance& provenance, Json result);

/// "invalid_argument", "not_found", "corrupt_data", "unsupported", "resource_exhausted",
/// "cancelled", "internal".
std::string_view name_of(ErrorCode code) noexcept;

/// {"error":{"code":...,"message":...}}
Json error_json(std::string_view code, std::string_view message);

}  // namespace cajal
