#include "cli/model_command.h"

#include <chrono>

#include "base/error.h"
#include "cli/text_table.h"

namespace cajal {

void require_model(const std::string& model) {
  require(!model.empty(),
          "no model was given: name one with -m MODEL (a Hugging Face folder, a .gguf file, or "
          "org/name from the local cache)");
}

void require_input(const InputOptions& input) {
  require(input.text.has_value() || !input.ids.empty(),
          "nothing to read: give a text, -f FILE, - for standard input, or --ids 1,2,3");
  require(!input.text || input.ids.empty(), "give either a text or --ids, not both");
  require(!input.chat || input.text, "--chat needs a text: --ids are taken as they are");
}

Session open_model(const ModelOptions& options, const Console& console) {
  const auto start = std::chrono::steady_clock::now();
  Session session = open_session(options);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const Provenance provenance = session.provenance();
  console.detail(fmt::format("loaded {} ({} parameters) in {:.3f} s; {} on {}", provenance.model,
                             session.model->parameters(), seconds.count(), provenance.precision,
                             provenance.device));
  return session;
}

void print_notes(Session& session, const Console& console) {
  for (const std::string& note : session.notes) {
    console.note(note);
  }
  session.notes.clear();
}

std::string token_label(const Session& session, TokenId id) {
  const std::string piece = piece_text(session.tokenizer.get(), id);
  return piece.empty() ? fmt::format("#{}", id) : visible(piece, 24);
}

}  // namespace cajal
