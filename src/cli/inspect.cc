#include "service/inspect.h"

#include "base/error.h"
#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

constexpr std::size_t kWide = 200;  // characters of a value on one line
constexpr std::size_t kMany = 12;   // entries of a list that are shown without --verbose

/// A value on one line.
std::string line_of(const Json& value) {
  if (value.is_string()) {
    return visible(value.as_string(""), kWide);
  }
  if (value.is_double()) {
    return fmt::format("{:.4g}", value.as_double(""));
  }
  return value.is_null() ? "none" : visible(value.dump(), kWide);
}

bool is_list_of_objects(const Json& value) {
  return value.is_array() && !value.as_array("").empty() && value.as_array("").front().is_object();
}

/// "a 1, b 2": an entry of a list.
std::string entry_of(const Json& object) {
  std::string out;
  for (const auto& [name, value] : object.as_object("")) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, line_of(value));
  }
  return out;
}

void add_entries(std::vector<TableRow>& rows, const std::string& indent, const Json::Array& list,
                 std::size_t most) {
  for (std::size_t i = 0; i < list.size() && i < most; ++i) {
    rows.push_back({indent, entry_of(list[i])});
  }
  if (list.size() > most) {
    rows.push_back({indent, fmt::format("... and {} more (-v shows all)", list.size() - most)});
  }
}

/// What a file is, in rows; at most `most` entries of a list (the tensors of a file, say).
void add_rows(std::vector<TableRow>& rows, const std::string& indent, const Json& object,
              std::size_t most) {
  for (const auto& [name, value] : object.as_object("")) {
    if (value.is_object()) {
      rows.push_back({indent + name});
      add_rows(rows, indent + "  ", value, most);
    } else if (is_list_of_objects(value)) {
      rows.push_back({indent + name, fmt::format("{}", value.as_array("").size())});
      add_entries(rows, indent, value.as_array(""), most);
    } else {
      rows.push_back({indent + name, line_of(value)});
    }
  }
}

class InspectCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(inspect_fields(), request_); }
  int run(Surroundings around) override {
    Console& console = around.console;
    console.open_output();
    const InspectResult result = inspect(request_, around.interrupt.token());
    for (const std::string& note : result.notes) {
      console.note(note);
    }
    if (console.json()) {
      console.write_result("inspect", result.provenance, to_json(result));
    } else {
      std::vector<TableRow> rows;
      add_rows(rows, "", to_json(result), console.flags().verbose ? SIZE_MAX : kMany);
      console.write(format_table(rows));
    }
    if (result.check && !result.passed()) {
      console.finish();
      fail(ErrorCode::CorruptData, "{}: {}", result.provenance.model, failures(*result.check));
    }
    return 0;
  }

 private:
  static std::string failures(const SelfCheck& check) {
    std::string names;
    for (const CheckResult& one : check.checks) {
      if (!one.passed) {
        names += fmt::format("{}'{}'", names.empty() ? "" : ", ", one.name);
      }
    }
    return fmt::format("the self-check failed at {}", names);
  }

  InspectRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_inspect_command() {
  return std::make_unique<InspectCommand>();
}

}  // namespace cajal
