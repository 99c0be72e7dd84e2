#include "service/provenance.h"

#include "base/version.h"

namespace cajal {
namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

}  // namespace

std::string version_text() {
  const std::string_view commit = git_commit();
  return commit == "unknown" ? std::string(version()) : fmt::format("{}+{}", version(), commit);
}

Json envelope(std::string_view command, const Provenance& provenance, Json result) {
  return Json::object({
      {"schema", 1},
      {"command", command},
      {"provenance", Json::object({
                         {"version", version_text()},
                         {"model", text_or_null(provenance.model)},
                         {"model_hash", text_or_null(provenance.model_hash)},
                         {"dictionary", text_or_null(provenance.dictionary)},
                         {"dictionary_hash", text_or_null(provenance.dictionary_hash)},
                         {"tokenizer", text_or_null(provenance.tokenizer)},
                         {"tokenizer_hash", text_or_null(provenance.tokenizer_hash)},
                         {"precision", text_or_null(provenance.precision)},
                         {"device", text_or_null(provenance.device)},
                         {"seed", provenance.seed ? Json(*provenance.seed) : Json()},
                     })},
      {"result", std::move(result)},
  });
}

std::string_view name_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return "invalid_argument";
    case ErrorCode::NotFound:
      return "not_found";
    case ErrorCode::CorruptData:
      return "corrupt_data";
    case ErrorCode::Unsupported:
      return "unsupported";
    case ErrorCode::ResourceExhausted:
      return "resource_exhausted";
    case ErrorCode::Cancelled:
      return "cancelled";
    case ErrorCode::Internal:
      break;
  }
  return "internal";
}

Json error_json(std::string_view code, std::string_view message) {
  return Json::object({{"error", Json::object({{"code", code}, {"message", message}})}});
}

}  // namespace cajal
