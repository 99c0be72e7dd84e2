#include "service/asked.h"

#include "base/error.h"

namespace cajal {

void check_reads_text(const Session& session, std::string_view text) {
  if (session.tokenizer == nullptr || session.names_only) {
    fail(ErrorCode::Unsupported, "{}: {}, and this model has no tokenizer; add its tokenizer.json",
         session.name, text);
  }
}

Asked asked_of(Session& session, std::string_view text) {
  check_reads_text(session, text);
  return {.backend = *session.backend,
          .model = *session.model,
          .tokenizer = *session.tokenizer,
          .precision = session.precision};
}

}  // namespace cajal
