#include "service/edit.h"

#include <cmath>

#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

/// What is likely to come next, both ways.
std::string next_table(const EditOutcome& outcome, const Session& session) {
  std::vector<TableRow> rows = {{"next", "unchanged", "changed"}};
  for (const TokenId id : outcome.next) {
    const auto at = static_cast<std::size_t>(id);
    rows.push_back({token_label(session, id), percent(outcome.unchanged.next[at]),
                    percent(outcome.changed.next[at])});
  }
  return format_table(rows, {false, true, true});
}

void add_token(const Generation& generation, std::size_t i, const Session& session, TableRow& row) {
  const bool there = i < generation.tokens.size();
  row.push_back(there ? token_label(session, generation.tokens[i].id) : "");
  row.push_back(there ? percent(std::exp(generation.tokens[i].logprob)) : "");
}

/// What was written, token by token, both ways; > marks the first difference.
std::string written_table(const EditOutcome& outcome, const Session& session) {
  const Generation& a = outcome.unchanged.generation;
  const Generation& b = outcome.changed.generation;
  std::vector<TableRow> rows = {{"", "unchanged", "", "changed", ""}};
  for (std::size_t i = 0; i < std::max(a.tokens.size(), b.tokens.size()); ++i) {
    TableRow row = {outcome.first_difference == i ? ">" : ""};
    add_token(a, i, session, row);
    add_token(b, i, session, row);
    rows.push_back(std::move(row));
  }
  return format_table(rows, {false, false, true, false, true});
}

std::string texts(const EditOutcome& outcome, const Session& session) {
  if (session.tokenizer == nullptr) {
    return "";
  }
  return fmt::format("\nunchanged  {}\nchanged    {}\n",
                     visible(outcome.unchanged.generation.text, 1000),
                     visible(outcome.changed.generation.text, 1000));
}

class EditCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(edit_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override {
    require_input(request_);
    as_usage([&] { check_edit(request_); });
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    if (!request_.raw.empty()) {
      check_free(request_.raw, console.flags().force);
    }
    console.open_output();
    Session session = open_model(request_, console);
    EditOutcome outcome = edit_prompt(session, request_, around.interrupt.token());
    print_notes(session, console);
    if (outcome.dictionary) {
      for (const std::string& note : outcome.dictionary->notes) {
        console.note(note);
      }
    }
    const bool cancelled = outcome.changed.generation.finish == Finish::Cancelled ||
                           outcome.unchanged.generation.finish == Finish::Cancelled;
    if (!request_.raw.empty() && !cancelled) {
      save_logits(session, outcome, request_.raw);
    }
    if (console.json()) {
      console.write_result("edit", provenance_of(session, outcome), to_json(outcome, session));
    } else {
      console.write(next_table(outcome, session) + "\n" + written_table(outcome, session) +
                    texts(outcome, session));
    }
    return cancelled ? kInterrupted : 0;
  }

 private:
  EditRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_edit_command() {
  return std::make_unique<EditCommand>();
}

}  // namespace cajal
