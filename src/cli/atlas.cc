#include "service/atlas.h"

#include <algorithm>

#include "cli/dictionary_commands.h"
#include "cli/duration.h"
#include "cli/live_line.h"
#include "cli/model_command.h"

namespace cajal {
namespace {

constexpr int kAtlasPatience = 60;  // seconds that the last batch and a checkpoint may take

std::string text_of(const AtlasResult& result, const std::string& file) {
  return fmt::format(
      "{}: {} features, {} of which fired on {} tokens ({:.0f} a second)\n"
      "labels: {} by truth, {} by token, {} by context, {} by logits\n"
      "{} texts, {} bytes, {:.0f} a feature\n",
      file, result.features, result.alive, result.tokens, result.tokens_per_s, result.by_truth,
      result.by_token, result.by_context, result.by_logits, result.sequences, result.bytes,
      static_cast<double>(result.bytes) /
          static_cast<double>(std::max<std::size_t>(result.features, 1)));
}

class AtlasCommand final : public Command {
 public:
  std::vector<BoundField> fields() override { return bind_fields(atlas_fields(), request_); }
  void check_usage() override {
    as_usage([&] { check_atlas(request_); });
  }

  int run(Surroundings around) override {
    Console& console = around.console;
    const std::string& file = console.flags().output;
    require(!file.empty(), "say where the atlas goes: -o FILE");
    check_free(file, console.flags().force);
    request_.over = console.flags().force;
    Session session = open_model(request_, console);
    around.interrupt.set_patience(kAtlasPatience);
    AtlasResult result;
    {
      LiveLine line(console);
      result = build_atlas(session, request_, file, around.interrupt.token(),
                           [&](const AtlasStage& stage) {
                             line.show(stage.what + pace(stage.tokens_per_s, stage.seconds_left));
                           });
    }
    print_notes(session, console);
    if (console.json()) {
      console.write_result("atlas", result.provenance, to_json(result));
    } else {
      console.write(text_of(result, file));
    }
    return 0;
  }

 private:
  AtlasRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_atlas_command() {
  return std::make_unique<AtlasCommand>();
}

}  // namespace cajal
