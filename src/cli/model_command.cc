#include "cli/model_command.h"

#include <chrono>

#include "cli/text_table.h"
#include "service/input.h"

namespace cajal {

void require_input(const InputOptions& input) {
  as_usage([&] { check_input(input); });
}

Session open_model(const ModelOptions& options, const Console& console) {
  const auto start = std::chrono::steady_clock::now();
  Session session = open_session(options);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  console.detail(fmt::format("loaded {} ({} parameters) in {:.3f} s; {} on {}", session.name,
                             session.model->parameters(), seconds.count(), session.precision_name(),
                             session.backend->name()));
  print_notes(session, console);
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
