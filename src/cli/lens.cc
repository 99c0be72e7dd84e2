#include "service/lens.h"

#include <cmath>

#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

constexpr std::size_t kShown = 1;  // tokens in a cell, unless -n says more

std::string cell(const std::vector<TokenChance>& best, const Session& session, std::size_t shown) {
  std::string out;
  for (std::size_t i = 0; i < std::min(shown, best.size()); ++i) {
    out += fmt::format("{}{} {:.0f}%", out.empty() ? "" : " | ", token_label(session, best[i].id),
                       100.0 * std::exp(best[i].logprob));
  }
  return out;
}

/// A row for each position, a column for each point.
std::string table(const LensResult& result, const Session& session, std::size_t shown) {
  std::vector<TableRow> rows = {{"", "token"}};
  for (const LensPoint& point : result.points) {
    rows.front().push_back(point.name);
  }
  for (std::size_t t = 0; t < result.ids.size(); ++t) {
    TableRow row = {fmt::format("{}", t), token_label(session, result.ids[t])};
    for (const LensPoint& point : result.points) {
      row.push_back(cell(point.best[t], session, shown));
    }
    rows.push_back(std::move(row));
  }
  return format_table(rows, {true});
}

class LensCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(lens_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override { require_input(request_); }

  int run(Surroundings around) override {
    Console& console = around.console;
    console.open_output();
    Session session = open_model(request_, console);
    const LensResult result = lens(session, request_, around.interrupt.token());
    print_notes(session, console);
    if (console.json()) {
      console.write_result("lens", session.provenance(), to_json(result, session));
    } else {
      console.write(table(result, session, request_.top.value_or(kShown)));
    }
    return 0;
  }

 private:
  LensRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_lens_command() {
  return std::make_unique<LensCommand>();
}

}  // namespace cajal
