#include "corpus/reader.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"

namespace cajal {
namespace {

std::vector<Document> read_lines(std::string_view text, const std::string& path) {
  std::vector<Document> out;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
      continue;
    }
    out.push_back(document_from_line(line, path, number));
  }
  return out;
}

/// ["a text", "another"], or objects as the lines of a .jsonl are.
std::vector<Document> read_list(std::string_view text, const std::string& path) {
  const Json json = Json::parse(text, path);
  std::vector<Document> out;
  for (const Json& one : json.as_array(path)) {
    const std::string where = fmt::format("{}: entry {}", path, out.size() + 1);
    out.push_back(one.is_string() ? Document{.text = one.as_string(where), .spans = {}}
                                  : document_from_json(one, where));
  }
  return out;
}

}  // namespace

std::vector<Document> read_documents(const std::filesystem::path& path) {
  std::string text = read_file(path);
  std::vector<Document> out;
  if (path.extension() == ".jsonl") {
    out = read_lines(text, path.string());
  } else if (path.extension() == ".json") {
    out = read_list(text, path.string());
  } else if (!is_valid_utf8(text)) {
    fail(ErrorCode::CorruptData, "{}: not UTF-8 text; convert it first", path.string());
  } else if (!text.empty()) {
    out.push_back({.text = std::move(text), .spans = {}});
  }
  if (out.empty()) {
    fail(ErrorCode::CorruptData, "{}: holds no text to read", path.string());
  }
  return out;
}

Document document_from_line(std::string_view line, std::string_view path, std::size_t number) {
  const std::string where = fmt::format("{}: line {}", path, number);
  return document_from_json(Json::parse(line, where), where);
}

std::string to_line(const Document& document) {
  return to_json(document).dump() + "\n";
}

}  // namespace cajal
