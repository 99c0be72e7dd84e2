#include "store/page_bytes.h"

#include "io/byte_stream.h"

namespace cajal {
namespace {

constexpr std::string_view kAdvice = "build it again with cajal atlas";

void write(const std::vector<FeatureExample>& examples, ByteWriter& out) {
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

std::vector<FeatureExample> read_examples(ByteReader& in) {
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

void write(const std::vector<TokenEffect>& effects, ByteWriter& out) {
  out.number(effects.size());
  for (const TokenEffect& e : effects) {
    out.number(static_cast<std::uint64_t>(e.token));
    out.half(e.logit);
  }
}

std::vector<TokenEffect> read_effects(ByteReader& in) {
  std::vector<TokenEffect> out(in.count());
  for (TokenEffect& e : out) {
    e.token = in.id();
    e.logit = in.half();
  }
  return out;
}

void write(const std::vector<FeatureNeighbour>& neighbours, ByteWriter& out) {
  out.number(neighbours.size());
  for (const FeatureNeighbour& n : neighbours) {
    out.number(n.id.site);
    out.number(n.id.feature);
    out.half(n.score);
  }
}

std::vector<FeatureNeighbour> read_neighbours(ByteReader& in) {
  std::vector<FeatureNeighbour> out(in.count());
  for (FeatureNeighbour& n : out) {
    n.id = {in.small(), in.small()};
    n.score = in.half();
  }
  return out;
}

}  // namespace

std::string bytes_of(const FeaturePage& page) {
  ByteWriter out;
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
  ByteReader in(bytes, where, kAdvice);
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
  ByteWriter out;
  out.number(sequence.document);
  out.number(sequence.tokens.size());
  for (const TokenId token : sequence.tokens) {
    out.number(static_cast<std::uint64_t>(token));
  }
  return out.take();
}

AtlasSequence read_sequence(std::string_view bytes, std::string_view where) {
  ByteReader in(bytes, where, kAdvice);
  AtlasSequence out{.document = in.number(), .tokens = {}};
  out.tokens.resize(in.count());
  for (TokenId& token : out.tokens) {
    token = in.id();
  }
  in.end();
  return out;
}

}  // namespace cajal
