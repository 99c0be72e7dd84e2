#include "corpus/document.h"

#include "base/error.h"
#include "base/utf8.h"

namespace cajal {
namespace {

Json to_json(const Span& span) {
  return Json::object({{"begin", std::uint64_t{span.begin}},
                       {"end", std::uint64_t{span.end}},
                       {"kind", span.kind},
                       {"value", span.value}});
}

Span span_from_json(const Json& json, std::size_t text_size, std::string_view where) {
  const std::int64_t begin = json.at("begin", where).as_int(fmt::format("{}.begin", where));
  const std::int64_t end = json.at("end", where).as_int(fmt::format("{}.end", where));
  if (begin < 0 || end <= begin || static_cast<std::uint64_t>(end) > text_size) {
    fail(ErrorCode::CorruptData,
         "{}: bytes {} to {} are no range of a text of {} bytes; begin must be below end", where,
         begin, end, text_size);
  }
  return {.begin = static_cast<std::size_t>(begin),
          .end = static_cast<std::size_t>(end),
          .kind = json.at("kind", where).as_string(fmt::format("{}.kind", where)),
          .value = json.at("value", where).as_string(fmt::format("{}.value", where))};
}

}  // namespace

Json to_json(const Document& document) {
  Json::Array spans;
  for (const Span& span : document.spans) {
    spans.push_back(to_json(span));
  }
  return Json::object({{"text", document.text}, {"spans", std::move(spans)}});
}

Document document_from_json(const Json& json, std::string_view where) {
  Document out;
  out.text = json.at("text", where).as_string(fmt::format("{}: text", where));
  if (!is_valid_utf8(out.text)) {
    fail(ErrorCode::CorruptData, "{}: text is not UTF-8", where);
  }
  if (const Json* spans = json.find_value("spans")) {
    for (const Json& span : spans->as_array(fmt::format("{}: spans", where))) {
      out.spans.push_back(span_from_json(span, out.text.size(),
                                         fmt::format("{}: spans[{}]", where, out.spans.size())));
    }
  }
  return out;
}

}  // namespace cajal
