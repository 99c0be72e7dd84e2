#include "text/growth.h"

#include "base/error.h"

namespace cajal {

void Growth::check_size(std::size_t bytes, std::string_view component) const {
  if (bytes > most_bytes()) {
    fail(ErrorCode::ResourceExhausted,
         "the tokenizer's {} expands a text of {} bytes to more than {}; its file is broken or "
         "hostile",
         component, input_, most_bytes());
  }
}

void Growth::work(std::size_t bytes, std::string_view component) {
  const std::size_t most = 1024 * input_ + (std::size_t{16} << 20U);
  worked_ += bytes;
  if (worked_ > most) {
    fail(ErrorCode::ResourceExhausted,
         "the tokenizer's components write more than {} bytes for a text of {} (now the {}); its "
         "file is broken or hostile",
         most, input_, component);
  }
}

}  // namespace cajal
