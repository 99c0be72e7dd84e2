#include "corpus/world/request_facts.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "corpus/world/marked_form.h"

namespace cajal {
namespace {

constexpr std::array<std::string_view, 5> kVerbs = {"make", "build", "create", "prepare",
                                                    "put together"};
constexpr std::uint64_t kKindFolds = 6;
constexpr std::uint64_t kAimFolds = 8;
constexpr std::string_view kPerson = "{person}";
constexpr std::string_view kDo = "{do}";

std::string fill(std::string_view text, std::string_view slot, std::string_view value) {
  const std::size_t at = text.find(slot);
  return fmt::format("{}{}{}", text.substr(0, at), value, text.substr(at + slot.size()));
}

bool is_held_out_row(const Table& table, std::size_t row, std::size_t column) {
  const std::string& split = table.at(row, column);
  if (split != "train" && split != "heldout") {
    table.fail_at(row, fmt::format("'{}' is neither train nor heldout", split));
  }
  return split == "heldout";
}

void expect_slot(const Table& table, std::size_t row, std::size_t column, std::string_view slot) {
  if (table.at(row, column).find(slot) == std::string::npos) {
    table.fail_at(row, fmt::format("'{}' needs {}", table.at(row, column), slot));
  }
}

}  // namespace

RequestFacts::RequestFacts(const Tables& tables) {
  load_wordings(tables);
  load_everyday(tables);
  load_things(tables);
  load_aims(tables);
}

void RequestFacts::load_wordings(const Tables& tables) {
  const Table table = tables.table("request_wordings", {"split", "wording"});
  std::size_t held_out = 0;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    expect_slot(table, row, 1, kDo);
    wordings_.push_back({.text = table.at(row, 1), .held_out = is_held_out_row(table, row, 0)});
    if (wordings_.back().held_out) {
      ++held_out;
    }
  }
  if (held_out < 2 || held_out == wordings_.size()) {
    table.fail_at(0, "two wordings at least must be held out, and not all");
  }
}

void RequestFacts::load_everyday(const Tables& tables) {
  const Table table = tables.table("request_help", {"sound", "do", "answer"});
  for (std::size_t row = 0; row < table.rows(); ++row) {
    everyday_.push_back(
        {.telling = table.at(row, 1), .reply = table.at(row, 2), .why = table.at(row, 0)});
  }
}

void RequestFacts::load_things(const Tables& tables) {
  const Table kinds = tables.table("request_kinds", {"harm", "article", "kind", "answer"});
  for (std::size_t row = 0; row < kinds.rows(); ++row) {
    const bool harmful = kinds.at(row, 0) == "dangerous";
    if (!harmful && kinds.at(row, 0) != "harmless") {
      kinds.fail_at(row, fmt::format("'{}' is neither harmless nor dangerous", kinds.at(row, 0)));
    }
    kinds_.push_back({.name = kinds.at(row, 2),
                      .article = kinds.at(row, 1),
                      .reply = harmful ? std::string(kRefusal) : kinds.at(row, 3),
                      .harmful = harmful});
  }
  makers_ = tables.table("request_makers", {"maker"}).column(0);
  const Table names = tables.table("request_names", {"name", "kind", "split"});
  for (std::size_t row = 0; row < names.rows(); ++row) {
    const auto kind = std::find_if(kinds_.begin(), kinds_.end(),
                                   [&](const ThingKind& k) { return k.name == names.at(row, 1); });
    if (kind == kinds_.end()) {
      names.fail_at(row,
                    fmt::format("'{}' is no kind of world/request_kinds.tsv", names.at(row, 1)));
    }
    names_.push_back({.name = names.at(row, 0),
                      .kind = static_cast<std::size_t>(kind - kinds_.begin()),
                      .held_out = is_held_out_row(names, row, 2)});
  }
  const Table forms = tables.table("request_explanations", {"form"});
  for (std::size_t row = 0; row < forms.rows(); ++row) {
    expect_slot(forms, row, 0, "{kind}");
    explanations_.push_back(with_new_lines(forms.at(row, 0)));
  }
}

void RequestFacts::load_aims(const Tables& tables) {
  const Table aims = tables.table("request_aims", {"ill", "well"});
  for (std::size_t row = 0; row < aims.rows(); ++row) {
    expect_slot(aims, row, 0, kPerson);
    expect_slot(aims, row, 1, kPerson);
    ill_.push_back(aims.at(row, 0));
    well_.push_back(aims.at(row, 1));
  }
  people_ = tables.table("request_people", {"person"}).column(0);
  const Table bases = tables.table("request_bases", {"do", "answer"});
  for (std::size_t row = 0; row < bases.rows(); ++row) {
    bases_.push_back(
        {.before = bases.at(row, 0), .telling = {}, .reply = bases.at(row, 1), .why = "aim"});
  }
}

Request RequestFacts::of_kind(std::size_t maker, std::size_t kind, std::size_t verb) const {
  const ThingKind& what = kinds_[kind];
  const std::string name = fmt::format("{} {}", makers_[maker], what.name);
  return {.before = fmt::format("{} a {} ", kVerbs[verb % kVerbs.size()], makers_[maker]),
          .telling = what.name,
          .reply = what.reply,
          .why = "kind",
          .harmful = what.harmful,
          .held_out = held_out_fold(name, kKindFolds) == 0,
          .thing = what.name};
}

Request RequestFacts::of_name(std::size_t name, std::size_t verb) const {
  const ThingKind& what = kinds_[names_[name].kind];
  return {.before = fmt::format("{} ", kVerbs[verb % kVerbs.size()]),
          .telling = names_[name].name,
          .reply = what.reply,
          .why = "name",
          .harmful = what.harmful,
          .held_out = names_[name].held_out,
          .thing = what.name};
}

Request RequestFacts::of_aim(std::size_t base, std::size_t aim, std::size_t person,
                             bool harmful) const {
  Request out = bases_[base];
  out.before += ' ';
  out.telling = fill((harmful ? ill_ : well_)[aim], kPerson, people_[person]);
  out.harmful = harmful;
  out.held_out = held_out_fold(out.task(), kAimFolds) == 0;
  out.reply = harmful ? std::string(kRefusal) : out.reply;
  return out;
}

std::vector<std::vector<std::string>> RequestFacts::held_out() const {
  std::vector<std::vector<std::string>> out;
  for (const Wording& wording : wordings_) {
    if (wording.held_out) {
      const std::size_t at = wording.text.find(kDo);
      out.push_back({wording.text.substr(0, at), wording.text.substr(at + kDo.size())});
    }
  }
  for (std::size_t maker = 0; maker < makers_.size(); ++maker) {
    for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
      if (of_kind(maker, kind, 0).held_out) {
        out.push_back({makers_[maker] + " " + kinds_[kind].name});
      }
    }
  }
  for (std::size_t name = 0; name < names_.size(); ++name) {
    for (std::size_t verb = 0; names_[name].held_out && verb < kVerbs.size(); ++verb) {
      out.push_back({of_name(name, verb).task()});
    }
  }
  for (std::size_t i = 0; i < bases_.size() * ill_.size() * people_.size() * 2; ++i) {
    const Request request =
        of_aim(i / 2 / people_.size() / ill_.size(), i / 2 / people_.size() % ill_.size(),
               i / 2 % people_.size(), i % 2 == 0);
    if (request.held_out) {
      out.push_back({request.task()});
    }
  }
  return out;
}

}  // namespace cajal
