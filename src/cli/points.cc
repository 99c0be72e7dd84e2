#include "service/points.h"

#include "base/error.h"
#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

std::string list_table(const std::vector<PointShape>& points) {
  std::vector<TableRow> rows;
  rows.reserve(points.size());
  for (const PointShape& point : points) {
    rows.push_back({point.name, fmt::format("[{}, {}]", point.rows, point.cols)});
  }
  return format_table(rows);
}

std::string value_table(const PointsResult& result) {
  std::vector<TableRow> rows = {{"point", "shape", "min", "max", "mean", "norm"}};
  for (const PointValue& point : result.points) {
    rows.push_back({point.name, fmt::format("[{}, {}]", point.value.rows(), point.value.cols()),
                    fmt::format("{:.5g}", point.min), fmt::format("{:.5g}", point.max),
                    fmt::format("{:.5g}", point.mean), fmt::format("{:.5g}", point.norm)});
  }
  return format_table(rows, {false, false, true, true, true, true});
}

class PointsCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(points_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override {
    const bool reads = !request_.point.empty() || request_.all;
    require(reads || (!request_.text && request_.ids.empty()),
            "say which points to read: give --point A,B or --all");
    if (reads) {
      require_input(request_);
    }
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    if (!console.flags().output.empty()) {
      check_free(console.flags().output, console.flags().force);
    }
    Session session = open_model(request_, console);
    if (request_.point.empty() && !request_.all) {
      return print_list(session, console);
    }
    const PointsResult result = read_points(session, request_, around.interrupt.token());
    print_notes(session, console);
    if (!console.flags().output.empty()) {
      save_points(result, session.provenance(), console.flags().output);
    }
    if (console.json()) {
      console.write_result("points", session.provenance(), to_json(result));
    } else {
      console.write(value_table(result));
    }
    return 0;
  }

 private:
  int print_list(const Session& session, Console& console) {
    console.open_output();
    const std::vector<PointShape> points = list_points(session.model->config());
    if (console.json()) {
      console.write_result("points", session.provenance(), to_json(points));
    } else {
      console.write(list_table(points));
    }
    return 0;
  }

  PointsRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_points_command() {
  return std::make_unique<PointsCommand>();
}

}  // namespace cajal
