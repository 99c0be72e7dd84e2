#include "corpus/world/task.h"

#include <algorithm>

#include "base/error.h"

namespace cajal {

std::string_view name_of(Split split) noexcept {
  return split == Split::Train ? "train" : "heldout";
}

Document document_of(const Question& question) {
  return {.text = question.prompt + question.answer, .spans = question.hidden};
}

Question question_of(std::string_view form, const std::vector<Slot>& slots, std::string_view kind,
                     std::initializer_list<std::string_view> hidden) {
  Document document;
  std::size_t cut = append_form(document, form, slots);
  if (cut == std::string::npos) {
    fail(ErrorCode::Internal, "the form '{}' has no answer to ask for", form);
  }
  if (cut > 0 && document.text[cut - 1] == ' ') {
    --cut;
  }
  Question out;
  out.prompt = document.text.substr(0, cut);
  out.answer = document.text.substr(cut);
  out.kind = kind;
  for (Span& span : document.spans) {
    if (span.end <= cut && std::find(hidden.begin(), hidden.end(), span.kind) != hidden.end()) {
      out.hidden.push_back(std::move(span));
    }
  }
  return out;
}

}  // namespace cajal
