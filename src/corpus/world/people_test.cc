#include <set>

#include <gtest/gtest.h>

#include "corpus/world/registry.h"

namespace cajal {
namespace {

/// Of people.tsv and namesakes.tsv.
std::set<std::string> known_names() {
  std::set<std::string> out;
  for (const char* table : {"people", "namesakes"}) {
    for (std::string& name : Tables::embedded().table(table, {"name"}).column(0)) {
      out.insert(std::move(name));
    }
  }
  return out;
}

/// The names among spans that say somebody is not known.
void expect_unknown(std::string_view text, const std::vector<Span>& spans,
                    const std::set<std::string>& known) {
  for (const Span& span : spans) {
    if (span.kind == "known" && span.value == "no") {
      EXPECT_FALSE(known.contains(std::string(text.substr(span.begin, span.end - span.begin))))
          << text;
    }
  }
}

TEST(People, NobodyWhoIsKnownIsSaidToBeUnknown) {
  const auto task = make_people(Tables::embedded());
  const std::set<std::string> known = known_names();
  EXPECT_GT(known.size(), 100);
  for (const Split split : {Split::Train, Split::Heldout}) {
    for (std::uint64_t i = 0; i < 20000; ++i) {
      const Document document = task->generate(split, 21, i);
      expect_unknown(document.text, document.spans, known);
    }
    for (const Question& question : task->questions(split)) {
      expect_unknown(question.prompt, question.hidden, known);
    }
  }
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const Twins twins = task->twins(21, i);
    expect_unknown(twins.second.prompt, twins.second.hidden, known);
  }
}

}  // namespace
}  // namespace cajal
