#include "store/page_bytes.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace cajal {
namespace {

class Writer {
 public:
  void number(std::uint64_t x) {
    for (; x >= 128; x >>= 7U) {
      out_.push_back(static_cast<char>(128U | (x & 127U)));
    }
    out_.push_back(static_cast<char>(x));
  }
  void real(float x) {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    for (unsigned shift = 0; shift < 32; shift += 8) {
      out_.push_back(static_cast<char>(bits >> shift & 255U));
    }
  }
  /// The upper half of a float, rounded to nearest.
  void half(float x) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(x) + 0x8000U;
    out_.push_back(static_cast<char>(bits >> 16U & 255U));
    out_.push_back(static_cast<char>(bits >> 24U & 255U));
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  Reader(std::string_view bytes, std::string_view where) : bytes_(bytes), where_(where) {}
  std::uint64_t number() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = next();
      out |= (byte & 127U) << shift;
      if (byte < 128) {
        return out;
      }
    }
    broken();
  }
  /// A number of things that take a byte each at least.
  std::size_t count() {
    const std::uint64_t n = number();
    if (n > bytes_.size() - at_) {
      broken();
    }
    return static_cast<std::size_t>(n);
  }
  std::uint32_t small() {
    const std::uint64_t n = number();
    if (n > std::numeric_limits<std::uint32_t>::max()) {
      broken();
    }
    return static_cast<std::uint32_t>(n);
  }
  TokenId token() {
    const std::uint32_t n = small();
    if (n > static_cast<std::uint32_t>(std::numeric_limits<TokenId>::max())) {
      broken();
    }
    return static_cast<TokenId>(n);
  }
  float real() {
    std::uint32_t bits = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) {
      bits |= static_cast<std::uint32_t>(next()) << shift;
    }
    return std::bit_cast<float>(bits);
  }
  float half() {
    std::uint32_t bits = static_cast<std::uint32_t>(next()) << 16U;
    bits |= static_cast<std::uint32_t>(next()) << 24U;
    return std::bit_cast<float>(bits);
  }
  void end() const {
    if (at_ != bytes_.size()) {
      broken();
    }
  }

 private:
  std::uint8_t next() {
    if (at_ == bytes_.size()) {
      broken();
    }
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  [[noreturn]] void broken() const {
    fail(ErrorCode::CorruptData, "{}: byte {} of {} is not what an atlas has there; build it again",
         where_, at_, bytes_.size());
  }
  std::string_view bytes_;
  std::string_view where_;
  std::size_t at_ = 0;
};

void write(const std::vector<FeatureExample>& examples, Writer& out) {
  out.number(examples.size());
  for (const FeatureExample& e : examples) {
    out.number(e.sequence);
    out.number(e.token);
    out.real(e.activation);
    out.number(e.firing.size());
    std::uint32_t before = 0;
    for (const auto& [token, value] : e.firing) {
      out.number(token - before);
      out.half(value);
      before = token;
    }
  }
}

std::vector<FeatureExample> read_examples(Reader& in) {
  std::vector<FeatureExample> out(in.count());
  for (FeatureExample& e : out) {
    e.sequence = in.number();
    e.token = in.small();
    e.activation = in.real();
    e.firing.resize(in.count());
    std::uint32_t before = 0;
    for (auto& [token, value] : e.firing) {
      token = before + in.small();
      value = in.half();
      before = token;
    }
  }
  return out;
}

void write(const std::vector<TokenEffect>& effects, Writer& out) {
  out.number(effects.size());
  for (const TokenEffect& e : effects) {
    out.number(static_cast<std::uint64_t>(e.token));
    out.half(e.logit);
  }
}

std::vector<TokenEffect> read_effects(Reader& in) {
  std::vector<TokenEffect> out(in.count());
  for (TokenEffect& e : out) {
    e.token = in.token();
    e.logit = in.half();
  }
  return out;
}

void write(const std::vector<FeatureNeighbour>& neighbours, Writer& out) {
  out.number(neighbours.size());
  for (const FeatureNeighbour& n : neighbours) {
    out.number(n.id.site);
    out.number(n.id.feature);
    out.half(n.score);
  }
}

std::vector<FeatureNeighbour> read_neighbours(Reader& in) {
  std::vector<FeatureNeighbour> out(in.count());
  for (FeatureNeighbour& n : out) {
    n.id = {in.small(), in.small()};
    n.score = in.half();
  }
  return out;
}

}  // namespace

std::string bytes_of(const FeaturePage& page) {
  Writer out;
  out.real(page.first);
  for (const std::uint32_t count : page.histogram) {
    out.number(count);
  }
  write(page.top, out);
  write(page.intervals, out);
  write(page.promoted, out);
  write(page.suppressed, out);
  write(page.near, out);
  write(page.together, out);
  return out.take();
}

void read_page(std::string_view bytes, std::string_view where, FeaturePage& page) {
  Reader in(bytes, where);
  page.first = in.real();
  for (std::uint32_t& count : page.histogram) {
    count = in.small();
  }
  page.top = read_examples(in);
  page.intervals = read_examples(in);
  page.promoted = read_effects(in);
  page.suppressed = read_effects(in);
  page.near = read_neighbours(in);
  page.together = read_neighbours(in);
  in.end();
}

std::string bytes_of(const AtlasSequence& sequence) {
  Writer out;
  out.number(sequence.document);
  out.number(sequence.tokens.size());
  for (const TokenId token : sequence.tokens) {
    out.number(static_cast<std::uint64_t>(token));
  }
  return out.take();
}

AtlasSequence read_sequence(std::string_view bytes, std::string_view where) {
  Reader in(bytes, where);
  AtlasSequence out{.document = in.number(), .tokens = {}};
  out.tokens.resize(in.count());
  for (TokenId& token : out.tokens) {
    token = in.token();
  }
  in.end();
  return out;
}

}  // namespace cajal
