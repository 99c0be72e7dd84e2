#include "service/encode.h"

#include "base/error.h"
#include "cli/dictionary_commands.h"
#include "cli/model_command.h"
#include "cli/text_table.h"

namespace cajal {
namespace {

std::string shown(const std::optional<double>& value) {
  return value ? fmt::format("{:.4f}", *value) : "";
}

std::string table(const EncodeResult& result) {
  std::vector<TableRow> rows = {{"layer", "features", "fired", "L0", "FVU"}};
  const Json json = to_json(result);
  for (std::size_t i = 0; i < result.layers.size(); ++i) {
    const EncodedLayer& layer = result.layers[i];
    rows.push_back({fmt::format("{}", layer.layer), fmt::format("{}", layer.features),
                    json.at("layers", "").as_array("")[i].at("fired", "").dump(),
                    fmt::format("{:.2f}", layer.l0), shown(layer.fvu)});
  }
  if (result.layers.size() > 1) {
    rows.push_back({"all", "", "", fmt::format("{:.2f}", result.l0), shown(result.fvu)});
  }
  return format_table(rows, {false, true, true, true, true}) +
         fmt::format("\n{} tokens\n", result.tokens);
}

class EncodeCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(encode_fields(), request_); }
  InputOptions* input() override { return &request_; }
  void check_usage() override {
    as_usage([&] { check_encode(request_); });
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    if (!console.flags().output.empty()) {
      check_free(console.flags().output, console.flags().force);
    }
    const EncodeResult result = run_encode(request_, around.interrupt.token());
    for (const std::string& note : result.notes) {
      console.note(note);
    }
    if (!console.flags().output.empty()) {
      save_encoded(result, console.flags().output);
    }
    if (console.json()) {
      console.write_result("encode", result.provenance, to_json(result));
    } else {
      console.write(table(result));
    }
    return 0;
  }

 private:
  EncodeRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_encode_command() {
  return std::make_unique<EncodeCommand>();
}

}  // namespace cajal
