#include "service/convert.h"

#include "base/error.h"
#include "cli/command.h"
#include "cli/dictionary_commands.h"

namespace cajal {
namespace {

class ConvertCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(convert_fields(), request_); }
  void check_usage() override {
    require(!request_.dictionary.empty(), "nothing to convert: give the DICTIONARY");
    require(!request_.to.empty(), "say which layout to write: --to circuit-tracer or --to saelens");
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    require(!console.flags().output.empty(), "say which folder to write, with -o FOLDER");
    const ConvertResult result =
        convert_dictionary(request_, console.flags().output, console.flags().force);
    for (const std::string& note : result.notes) {
      console.note(note);
    }
    if (console.json()) {
      console.write_result("convert", result.provenance, to_json(result));
      return 0;
    }
    for (const std::filesystem::path& file : result.files) {
      console.write(file.string() + "\n");
    }
    return 0;
  }

 private:
  ConvertRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_convert_command() {
  return std::make_unique<ConvertCommand>();
}

}  // namespace cajal
