#include "corpus/world/form.h"

#include <algorithm>

#include "base/error.h"

namespace cajal {
namespace {

const Slot& find_slot(const std::vector<Slot>& slots, std::string_view name,
                      std::string_view form) {
  const auto found =
      std::find_if(slots.begin(), slots.end(), [&](const Slot& s) { return s.name == name; });
  if (found == slots.end()) {
    fail(ErrorCode::Internal, "the form '{}' wants '{}', which is not given", form, name);
  }
  return *found;
}

}  // namespace

Meaning asked(Meaning meaning) {
  return {meaning.first + ".asked", std::move(meaning.second)};
}
Meaning said(Meaning meaning) {
  return {meaning.first + ".said", std::move(meaning.second)};
}

void append(Document& document, std::string_view text, const std::vector<Meaning>& meanings) {
  const std::size_t begin = document.text.size();
  document.text += text;
  if (text.empty()) {
    return;
  }
  for (const auto& [kind, value] : meanings) {
    document.spans.push_back(
        {.begin = begin, .end = document.text.size(), .kind = kind, .value = value});
  }
}

std::size_t append_form(Document& document, std::string_view form, const std::vector<Slot>& slots) {
  std::size_t answer = std::string::npos;
  for (std::size_t at = 0; at < form.size();) {
    const std::size_t open = std::min(form.find('{', at), form.size());
    document.text += form.substr(at, open - at);
    if (open == form.size()) {
      break;
    }
    const std::size_t close = form.find('}', open);
    const std::string_view name = form.substr(open + 1, close - open - 1);
    if (name == "answer") {
      answer = document.text.size();
    }
    const Slot& slot = find_slot(slots, name, form);
    document.text += slot.before;
    append(document, slot.text, slot.meanings);
    document.text += slot.after;
    at = close + 1;
  }
  return answer;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') {
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  }
  return text;
}

}  // namespace cajal
