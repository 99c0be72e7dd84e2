// Megabytes of text a second on one core.
#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "figure.h"
#include "text/tokenizer.h"
#include "timing.h"

namespace cajal::bench {

namespace {

/// The text in pieces of about `size` bytes that end at a line break, as one would read a file;
/// size 0: whole.
std::vector<std::string_view> split(std::string_view text, std::size_t size) {
  std::vector<std::string_view> out;
  while (size != 0 && text.size() > size) {
    const std::size_t line_end = text.find('\n', size);
    if (line_end == std::string_view::npos) {
      break;
    }
    out.push_back(text.substr(0, line_end + 1));
    text.remove_prefix(line_end + 1);
  }
  if (!text.empty()) {
    out.push_back(text);
  }
  return out;
}

std::size_t encode_all(const Tokenizer& tokenizer, std::span<const std::string_view> pieces) {
  std::size_t count = 0;
  for (const std::string_view piece : pieces) {
    count += tokenizer.encode_ids(piece, {.add_special_tokens = false}).size();
  }
  return count;
}

/// The fast path gives the ids of the careful one, and they decode to the text.
bool is_right(const Tokenizer& tokenizer, std::span<const std::string_view> pieces) {
  return std::all_of(pieces.begin(), pieces.end(), [&](std::string_view piece) {
    const auto ids = tokenizer.encode_ids(piece, {.add_special_tokens = false});
    return ids == tokenizer.encode(piece, {.add_special_tokens = false}).ids &&
           tokenizer.decode(ids) == piece;
  });
}

/// Ten million times the same letter, which merges that look at all pairs again take hours for,
/// beside one million: the same rate shows that time is linear.
Figure one_letter(const Tokenizer& tokenizer, int rounds) {
  constexpr std::size_t kMany = 10'000'000;
  const std::string text(kMany, 'a');
  const std::string_view part = std::string_view(text).substr(0, kMany / 10);
  const EncodeOptions plain = {.add_special_tokens = false};
  const double limit = best_seconds(rounds, [&] { tokenizer.encode_ids(part, plain); });
  std::vector<TokenId> ids;
  const double seconds = seconds_of([&] { ids = tokenizer.encode_ids(text, plain); });
  return {"tokenizer/one_letter_mb_per_s",
          static_cast<double>(kMany) / 1e6 / seconds,
          "MB/s",
          static_cast<double>(part.size()) / 1e6 / limit,
          "the rate at a tenth of the length",
          tokenizer.decode(ids) == text};
}

}  // namespace

std::vector<Figure> tokenizer_figures(const Options& options) {
  if (options.tokenizer.empty()) {
    return {};
  }
  check(!options.text.empty(), "--tokenizer needs --text FILE");
  const std::string text = read_file(options.text);
  const std::vector<std::string_view> pieces = split(text, options.piece);
  std::shared_ptr<const Tokenizer> tokenizer;
  const double load =
      best_seconds(options.rounds, [&] { tokenizer = Tokenizer::load(options.tokenizer); });
  std::size_t count = 0;
  // The first round meets every word for the first time.
  const double cold = seconds_of([&] { count = encode_all(*tokenizer, pieces); });
  const double warm = best_seconds(options.rounds, [&] { count = encode_all(*tokenizer, pieces); });
  const bool right = is_right(*tokenizer, pieces);
  const double megabytes = static_cast<double>(text.size()) / 1e6;
  return {{"tokenizer/encode_mb_per_s", megabytes / warm, "MB/s", 0.0, "", right},
          {"tokenizer/encode_first_time_mb_per_s", megabytes / cold, "MB/s", 0.0, "", right},
          {"tokenizer/tokens", static_cast<double>(count), "tokens", 0.0, "", right},
          one_letter(*tokenizer, options.rounds),
          {"tokenizer/load_s", load, "s", 0.0, "", right}};
}

}  // namespace cajal::bench
