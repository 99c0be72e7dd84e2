#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <pcre2.h>

#include "base/error.h"
#include "base/utf8.h"
#include "text/regex_syntax.h"

namespace cajal {
namespace {

constexpr std::size_t kMostPatternBytes = 1U << 16U;

// A search first sees this much of the text; steps it may take for each byte it sees, and in any
// case; what all searches of a text may see together, for each byte of the text and in any case.
constexpr std::size_t kFirstView = 32;
constexpr std::size_t kStepsPerByte = 16;
constexpr std::size_t kStepsAnyway = 1000;
constexpr std::size_t kViewsPerByte = 64;
constexpr std::size_t kViewsAnyway = 1U << 20U;
constexpr std::size_t kJitStackBytes = 1U << 20U;

struct FreeMatch {
  void operator()(pcre2_match_data* p) const noexcept { pcre2_match_data_free(p); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* p) const noexcept { pcre2_match_context_free(p); }
};
struct FreeCompileContext {
  void operator()(pcre2_compile_context* p) const noexcept { pcre2_compile_context_free(p); }
};
struct FreeJitStack {
  void operator()(pcre2_jit_stack* p) const noexcept { pcre2_jit_stack_free(p); }
};

std::string error_text(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return {buffer.begin(), std::find(buffer.begin(), buffer.end(), PCRE2_UCHAR{0})};
}

PCRE2_SPTR code_units(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

/// What a search needs beside the pattern. One for each thread: making it costs more than most
/// searches do.
struct Scratch {
  std::unique_ptr<pcre2_match_data, FreeMatch> match{pcre2_match_data_create(1, nullptr)};
  std::unique_ptr<pcre2_match_context, FreeMatchContext> context{
      pcre2_match_context_create(nullptr)};
  std::unique_ptr<pcre2_jit_stack, FreeJitStack> stack{
      pcre2_jit_stack_create(32U << 10U, kJitStackBytes, nullptr)};

  Scratch() {
    pcre2_set_heap_limit(context.get(), 256U << 10U);  // in KiB
    pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }
};

/// PCRE2 bounds the work of one search but not that of many, and says not what it was. So a search
/// sees only a part of the text behind its beginning, twice as much each time it comes to the end
/// of that or takes too many steps; and all that is seen is counted.
class Search {
 public:
  Search(const pcre2_code* code, std::string_view pattern, std::string_view text)
      : code_(code), pattern_(pattern), text_(text.empty() ? std::string_view("") : text) {}

  /// First match that starts at or after `from`.
  std::optional<ByteRange> next(std::size_t from) {
    std::size_t view = kFirstView;
    while (true) {
      const std::size_t end = end_of_view(from, view);
      const int found = match(from, end, view);
      if (found == PCRE2_ERROR_PARTIAL || found == PCRE2_ERROR_MATCHLIMIT) {
        view *= 2;
      } else if (found == PCRE2_ERROR_NOMATCH && end < text_.size()) {
        from = end;
        view = kFirstView;
      } else if (found == PCRE2_ERROR_NOMATCH) {
        return std::nullopt;
      } else if (found < 0) {
        give_up(from, found);
      } else {
        const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(scratch().match.get());
        return ByteRange{std::min(ends[0], ends[1]), ends[1]};  // \K can put begin behind end
      }
    }
  }

 private:
  int match(std::size_t from, std::size_t end, std::size_t view) {
    seen_ += view;
    if (seen_ > kViewsPerByte * text_.size() + kViewsAnyway) {
      give_up(from, PCRE2_ERROR_MATCHLIMIT);
    }
    pcre2_set_match_limit(scratch().context.get(), static_cast<std::uint32_t>(std::min<std::size_t>(
                                                       kStepsAnyway + kStepsPerByte * view,
                                                       std::numeric_limits<int>::max())));
    const std::uint32_t partial = end < text_.size() ? PCRE2_PARTIAL_HARD : 0;
    return pcre2_match(code_, code_units(text_), end, from, PCRE2_NO_UTF_CHECK | partial,
                       scratch().match.get(), scratch().context.get());
  }

  /// Behind `size` bytes and the rest of a character.
  std::size_t end_of_view(std::size_t from, std::size_t size) const {
    std::size_t end = text_.size() - from > size ? from + size : text_.size();
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0U) == 0x80U) {
      ++end;
    }
    return end;
  }

  [[noreturn]] void give_up(std::size_t from, int error) const {
    fail(ErrorCode::ResourceExhausted,
         "the tokenizer's regular expression '{}' gave up on a text of {} bytes at byte {}: {}",
         pattern_.substr(0, 200), text_.size(), from, error_text(error));
  }

  static Scratch& scratch() {
    thread_local Scratch instance;
    return instance;
  }
  const pcre2_code* code_;
  std::string_view pattern_;
  std::string_view text_;
  std::size_t seen_ = 0;  // bytes
};

}  // namespace

struct Regex::Compiled {
  struct FreeCode {
    void operator()(pcre2_code* p) const noexcept { pcre2_code_free(p); }
  };
  std::string pattern;
  std::unique_ptr<pcre2_code, FreeCode> code;
};

Regex::Regex(std::string_view pattern, std::string_view where) {
  if (pattern.size() > kMostPatternBytes) {
    fail(ErrorCode::CorruptData, "{}: a regular expression of {} bytes; at most {} are read", where,
         pattern.size(), kMostPatternBytes);
  }
  const std::string rewritten = to_pcre2_syntax(pattern, where);
  const std::unique_ptr<pcre2_compile_context, FreeCompileContext> context(
      pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_bsr(context.get(), PCRE2_BSR_UNICODE);
  int error = 0;
  PCRE2_SIZE offset = 0;
  std::unique_ptr<pcre2_code, Compiled::FreeCode> code(
      pcre2_compile(code_units(rewritten), rewritten.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error,
                    &offset, context.get()));
  if (code == nullptr) {
    fail(ErrorCode::CorruptData, "{}: cannot read the regular expression '{}': {}", where,
         pattern.substr(0, 200), error_text(error));
  }
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE |
                                    PCRE2_JIT_PARTIAL_HARD);  // without it, matching is only slower
  compiled_ = std::make_unique<const Compiled>(Compiled{std::string(pattern), std::move(code)});
}

Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

void Regex::find_all(std::string_view text, std::vector<ByteRange>& matches) const {
  Search search(compiled_->code.get(), compiled_->pattern, text);
  std::size_t from = 0;
  std::optional<std::size_t> last_end;
  while (from <= text.size()) {
    const std::optional<ByteRange> match = search.next(from);
    if (!match) {
      return;
    }
    const bool empty = match->begin == match->end;
    if (!empty || match->end != last_end) {
      matches.push_back(*match);
      last_end = match->end;
    }
    from = match->end;
    if (empty) {
      from += from < text.size() ? decode_utf8(text.substr(from)).length : 1;
    }
  }
}

}  // namespace cajal
