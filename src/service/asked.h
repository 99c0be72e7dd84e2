// A session's model, as measures ask it.
#pragma once

#include <string_view>

#include "measure/world_score.h"
#include "service/session.h"

namespace cajal {

/// Throws Unsupported if the model has no tokenizer. `text` says what needs one: "a corpus is
/// text".
void check_reads_text(const Session& session, std::string_view text);

/// Valid as long as the session. Throws what check_reads_text throws.
Asked asked_of(Session& session, std::string_view text);

}  // namespace cajal
