// What AtlasBuilder keeps in a checkpoint.
#include <limits>

#include "atlas/atlas_builder.h"

namespace cajal {
namespace {

/// -1: there is no token.
void write_token(TokenId token, ByteWriter& out) {
  out.signed_number(token);
}

TokenId read_token(ByteReader& in) {
  const std::int64_t token = in.signed_number();
  in.require(token >= -1 && token <= std::numeric_limits<TokenId>::max());
  return static_cast<TokenId>(token);
}

void write(const FeatureExample& example, ByteWriter& out) {
  out.number(example.sequence);
  out.number(example.token);
  out.real(example.activation);
  out.number(example.firing.size());
  for (const auto& [token, value] : example.firing) {
    out.number(token);
    out.real(value);
  }
}

FeatureExample read_example(ByteReader& in) {
  FeatureExample out{.sequence = in.number(), .token = in.small(), .activation = in.real()};
  out.firing.resize(in.count());
  for (auto& [token, value] : out.firing) {
    token = in.small();
    value = in.real();
  }
  return out;
}

}  // namespace

void AtlasBuilder::save(const State& state, ByteWriter& out) {
  out.number(state.fires);
  if (state.fires == 0) {
    return;
  }
  out.real(state.largest);
  out.real(state.first);
  out.number(state.top.size());
  for (const FeatureExample& example : state.top) {
    write(example, out);
  }
  for (std::size_t bin = 0; bin < kHistogramBins; ++bin) {
    out.number(state.histogram[bin]);
    out.number(state.peaks[bin]);
    if (state.peaks[bin] != 0) {
      write(state.intervals[bin], out);
    }
  }
  state.at.save(out, [&](TokenId token) { write_token(token, out); });
  state.before.save(out, [&](const std::pair<TokenId, TokenId>& tokens) {
    write_token(tokens.first, out);
    write_token(tokens.second, out);
  });
  out.number(state.together.size());
  for (const Companion& companion : state.together) {
    out.number(companion.feature);
    out.number(companion.peaks);
  }
}

void AtlasBuilder::restore(ByteReader& in, State& state) const {
  state = {};
  state.fires = in.number();
  if (state.fires == 0) {
    return;
  }
  state.largest = in.real();
  state.first = in.real();
  state.top.resize(in.count());
  in.require(state.top.size() <= options_.top);
  for (FeatureExample& example : state.top) {
    example = read_example(in);
  }
  for (std::size_t bin = 0; bin < kHistogramBins; ++bin) {
    state.histogram[bin] = in.small();
    state.peaks[bin] = in.small();
    if (state.peaks[bin] != 0) {
      state.intervals[bin] = read_example(in);
    }
  }
  state.at.restore(in, [&] { return read_token(in); });
  state.before.restore(in, [&] {
    const TokenId first = read_token(in);
    return std::pair(first, read_token(in));
  });
  state.together.resize(in.count());
  for (Companion& companion : state.together) {
    companion = {.feature = in.small(), .peaks = in.small()};
    in.require(companion.feature < states_.size());
  }
}

void AtlasBuilder::save(ByteWriter& out) const {
  out.number(states_.size());
  for (const State& state : states_) {
    save(state, out);
  }
  out.number(sequences_.size());
  for (const auto& [number, sequence] : sequences_) {
    out.number(number);
    out.number(sequence.document);
    out.number(sequence.tokens.size());
    for (const TokenId token : sequence.tokens) {
      write_token(token, out);
    }
  }
  out.number(tokens_);
  out.number(next_sequence_);
  out.number(kept_);
}

void AtlasBuilder::restore(ByteReader& in) {
  in.require(in.number() == states_.size());
  for (State& state : states_) {
    restore(in, state);
  }
  sequences_.clear();
  for (std::size_t left = in.count(); left != 0; --left) {
    AtlasSequence& sequence = sequences_[in.number()];
    sequence.document = in.number();
    sequence.tokens.resize(in.count());
    for (TokenId& token : sequence.tokens) {
      token = read_token(in);
    }
  }
  tokens_ = in.number();
  next_sequence_ = in.number();
  kept_ = static_cast<std::size_t>(in.number());
}

}  // namespace cajal
