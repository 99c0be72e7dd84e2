// components.json: single normalizers, pre-tokenizers and decoders.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "io/json.h"
#include "testing/golden.h"
#include "text/decoders.h"
#include "text/normalizers.h"
#include "text/pre_tokenizers.h"

namespace cajal {
namespace {

Json golden_components() {
  return Json::load(testing::golden_core("tokenizers") / "components.json");
}

std::vector<const Json*> cases_of(const Json& file, const std::string& kind) {
  std::vector<const Json*> out;
  for (const Json& c : file.at("cases", "components.json").as_array("cases")) {
    if (c.at("kind", "case").as_string("kind") == kind) {
      out.push_back(&c);
    }
  }
  return out;
}

std::string trace_of(const Json& c) {
  return c.at("component", "case").dump() + " on " + c.at("input", "case").dump();
}

TEST(ComponentsGolden, NormalizersGiveTheSameText) {
  const Json file = golden_components();
  for (const Json* c : cases_of(file, "normalizer")) {
    SCOPED_TRACE(trace_of(*c));
    const auto normalizer = make_normalizer(c->at("component", "case"), "component");
    for (const bool tracked : {false, true}) {
      AlignedText text = identity_text(c->at("input", "case").as_string("input"), 0, tracked);
      normalizer->apply(text);
      EXPECT_EQ(text.text, c->at("output", "case").as_string("output"));
      EXPECT_EQ(text.spans.size(), tracked ? text.text.size() : 0);
    }
  }
}

/// [["piece", begin, end], ...] with offsets in code points of the input.
Json pieces_of(const PreTokenized& cut, const std::string& input) {
  Json out{Json::Array{}};
  for (const ByteRange piece : cut.pieces) {
    const TokenSpan span = cut.text.source(piece);
    const auto place = [&](std::size_t at) {
      return Json(static_cast<std::int64_t>(count_code_points(input.substr(0, at))));
    };
    out.push_back(
        Json(Json::Array{Json(cut.text.view(piece)), place(span.begin), place(span.end)}));
  }
  return out;
}

TEST(ComponentsGolden, PreTokenizersCutTheSamePieces) {
  const Json file = golden_components();
  for (const Json* c : cases_of(file, "pre_tokenizer")) {
    SCOPED_TRACE(trace_of(*c));
    const std::string input = c->at("input", "case").as_string("input");
    PreTokenized text{identity_text(input, 0, true), {}, true};
    if (!input.empty()) {
      text.pieces.push_back({0, input.size()});
    }
    make_pre_tokenizer(c->at("component", "case"), "component")->apply(text);
    EXPECT_EQ(pieces_of(text, input).dump(), c->at("output", "case").dump());
  }
}

TEST(ComponentsGolden, DecodersGiveTheSameText) {
  const Json file = golden_components();
  for (const Json* c : cases_of(file, "decoder")) {
    SCOPED_TRACE(trace_of(*c));
    const auto decoder = make_decoder(c->at("component", "case"), "component");
    DecodeChain chain(*decoder, Show::Settled);
    std::string out;
    for (const Json& token : c->at("input", "case").as_array("input")) {
      chain.push(token.as_string("token"), out);
    }
    chain.finish(out);
    EXPECT_EQ(out, c->at("output", "case").as_string("output"));
  }
}

}  // namespace
}  // namespace cajal
