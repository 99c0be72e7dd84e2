// What commands on a model have in common. Private to this folder.
#pragma once

#include "base/error.h"
#include "cli/command.h"
#include "service/session.h"

namespace cajal {

/// Opens the session, says with -v how long that took, and prints its notes.
Session open_model(const ModelOptions& options, const Console& console);

/// Prints the session's notes, each once.
void print_notes(Session& session, const Console& console);

/// As table cells show a token: its piece, or "#12" without a name.
std::string token_label(const Session& session, TokenId id);

/// What a check of the service throws is wrong usage here.
template <typename Check>
void as_usage(const Check& check) {
  try {
    check();
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}
/// check_input.
void require_input(const InputOptions& input);

}  // namespace cajal
