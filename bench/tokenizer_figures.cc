// Megabytes of text a second on one core.
#include "base/error.h"
#include "base/file.h"
#include "figure.h"
#include "text/tokenizer.h"
#include "timing.h"

namespace cajal::bench {

std::vector<Figure> tokenizer_figures(const Options& options) {
  if (options.tokenizer.empty()) {
    return {};
  }
  check(!options.text.empty(), "--tokenizer needs --text FILE");
  const auto tokenizer = Tokenizer::load(options.tokenizer);
  const std::string text = read_file(options.text);
  std::vector<TokenId> ids;
  const double seconds = best_seconds(options.rounds, [&] {
    // Each round starts cold: a tokenizer remembers the words that it has seen.
    ids = Tokenizer::load(options.tokenizer)->encode_ids(text);
  });
  const double load = best_seconds(options.rounds, [&] { Tokenizer::load(options.tokenizer); });
  const double encode = best_seconds(options.rounds, [&] { ids = tokenizer->encode_ids(text); });
  const bool right = tokenizer->decode(ids) == text && tokenizer->encode(text).ids == ids;
  const double megabytes = static_cast<double>(text.size()) / 1e6;
  return {{"tokenizer/encode_mb_per_s", megabytes / encode, "MB/s", 0.0, "", right},
          {"tokenizer/encode_cold_mb_per_s", megabytes / (seconds - load), "MB/s", 0.0, "", right},
          {"tokenizer/load_s", load, "s", 0.0, "", right}};
}

}  // namespace cajal::bench
