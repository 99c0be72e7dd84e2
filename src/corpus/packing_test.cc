#include "corpus/packing.h"

#include <algorithm>
#include <map>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "corpus/shuffle.h"
#include "testing/files.h"

namespace cajal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TokenId kPad = 0;
constexpr TokenId kBos = 1;
constexpr TokenId kEos = 2;
const std::vector<std::string> kTokens = {"", "", "", " ab", "cd", "e", "."};

/// Documents <bos> n n ... <eos> with `lengths[i]` tokens, n = first + i.
std::shared_ptr<TokenizedTexts> texts(const std::vector<std::size_t>& lengths, TokenId first = 10) {
  auto out = std::make_shared<TokenizedTexts>(Framing{kBos, kEos, 100});
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    std::vector<TokenId> ids(lengths[i], first + static_cast<TokenId>(i));
    ids.front() = kBos;
    ids.back() = kEos;
    out->add_document(ids);
  }
  return out;
}

Mixture mixture_of(const std::vector<std::size_t>& lengths, std::uint64_t seed = 1) {
  return Mixture({{.name = "texts", .source = texts(lengths)}}, seed);
}

TEST(Packing, PutsEachDocumentIntoASegmentOfItsOwn) {
  const auto source = texts({3, 4});
  std::uint64_t next = 0;
  const PackedBatch batch = pack(*source, next, {.tokens = 9});
  EXPECT_THAT(batch.tokens, ElementsAre(1, 10, 2, 1, 11, 11, 2, kPad, kPad));
  EXPECT_THAT(batch.starts, ElementsAre(0, 3, 7, 9));
  EXPECT_EQ(next, 2U);
}

TEST(Packing, PredictsInsideDocumentsOnly) {
  const auto source = texts({3, 4});
  std::uint64_t next = 0;
  const PackedBatch batch = pack(*source, next, {.tokens = 9});
  EXPECT_THAT(batch.targets, ElementsAre(10, 2, -1, 11, 11, 2, -1, -1, -1));
  EXPECT_EQ(batch.predictions, 5U);
}

TEST(Packing, HidesThePiecesOfWordsFromWhatFollows) {
  const WordEnds ends(kTokens, 1.0, 1);
  TokenizedTexts source({kBos, kEos, 100});
  source.add_document(std::vector<TokenId>{kBos, 3, 4, 5, 6, kEos});  // " ab" "cd" "e" "."
  source.add_document(std::vector<TokenId>{kBos, 3, 3, kEos});
  std::uint64_t next = 0;
  const PackedBatch batch = pack(source, next, {.tokens = 11, .word_ends = &ends});
  constexpr std::int32_t kOpen = kAlwaysSeen;
  EXPECT_THAT(batch.seen_until, ElementsAre(kOpen, 4, 4, kOpen, kOpen, kOpen,  // of the first
                                            kOpen, kOpen, kOpen, kOpen, kOpen));
}

TEST(Packing, HidesNothingWhereItIsNotAsked) {
  std::uint64_t next = 0;
  EXPECT_TRUE(pack(*texts({3, 4}), next, {.tokens = 9}).seen_until.empty());
}

TEST(WordEnds, HideInAShareOfTheDocuments) {
  const WordEnds half(kTokens, 0.5, 1);
  std::size_t hidden = 0;
  for (TokenId i = 0; i < 1000; ++i) {
    std::vector<std::int32_t> until;
    std::vector<TokenId> document = {3, 4};  // and i in digits
    for (TokenId rest = i, digit = 0; digit < 4; ++digit, rest /= 7) {
      document.push_back(rest % 7);
    }
    half.append(document, until);
    hidden += until[0] == kAlwaysSeen ? 0U : 1U;
  }
  EXPECT_NEAR(static_cast<double>(hidden), 500.0, 4 * std::sqrt(250.0));
}

TEST(Packing, CutsPaddingThatIsLongerThanAContext) {
  const auto source = texts({3});
  std::uint64_t next = 0;
  EXPECT_THAT(pack(*source, next, {.tokens = 12, .longest = 4}).starts,
              ElementsAre(0, 3, 7, 11, 12));
}

TEST(Packing, LeavesADocumentThatDoesNotFitToTheNextBatch) {
  Mixture stream = mixture_of({5, 5, 5, 5, 5, 5, 5});
  std::map<TokenId, int> seen;
  for (int i = 0; i < 7; ++i) {  // 14 documents, two epochs
    const PackedBatch batch = pack(stream, 0.0, {.tokens = 12});
    EXPECT_THAT(batch.starts, ElementsAre(0, 5, 10, 12));
    ++seen[batch.tokens[1]];
    ++seen[batch.tokens[6]];
  }
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](const auto& x) { return x.second == 2; }));
}

TEST(Packing, RefusesADocumentLongerThanABatch) {
  Mixture stream = mixture_of({20});
  EXPECT_THAT(testing::thrown_by([&] { pack(stream, 0.0, {.tokens = 12}); }).message,
              HasSubstr("a document of 20 tokens does not fit into a batch of 12"));
}

TEST(Packing, GoesOnFromAPositionAsIfNothingHadHappened) {
  const auto make = [] {
    return Mixture({{.name = "a", .source = texts({3, 9, 4, 7, 5}), .weight = 3},
                    {.name = "b", .source = texts({6, 6, 8}, 50), .weight = 1, .from = 0.3}},
                   7);
  };
  Mixture whole = make();
  for (int i = 0; i < 10; ++i) {
    pack(whole, i / 20.0, {.tokens = 31});
  }
  Mixture resumed = make();
  resumed.restore(whole.positions());
  for (int i = 10; i < 20; ++i) {
    EXPECT_EQ(pack(whole, i / 20.0, {.tokens = 31}).tokens,
              pack(resumed, i / 20.0, {.tokens = 31}).tokens);
  }
}

TEST(Mixture, GivesPartsTheirShareOfTheTokens) {
  Mixture stream({{.name = "a", .source = texts({3, 9, 4, 7, 5}), .weight = 3},
                  {.name = "b", .source = texts({6, 6, 8}, 50), .weight = 1}},
                 7);
  double first = 0;
  double all = 0;
  for (int i = 0; i < 400; ++i) {
    const std::vector<TokenId> document = stream.peek(0.5);
    all += static_cast<double>(document.size());
    first += document[1] < 50 ? static_cast<double>(document.size()) : 0.0;
    stream.take();
  }
  EXPECT_NEAR(first / all, 0.75, 0.01);
}

TEST(Mixture, UsesAPartOnlyInItsTime) {
  Mixture stream({{.name = "a", .source = texts({4}), .until = 0.8},
                  {.name = "b", .source = texts({4}, 50), .from = 0.8}},
                 7);
  EXPECT_EQ(stream.peek(0.79)[1], 10);
  stream.take();
  EXPECT_EQ(stream.peek(0.8)[1], 50);
}

TEST(Mixture, GoesOnFromAPositionWhereAnotherPartBegins) {
  const auto parts = [] {
    return std::vector<MixturePart>{{.name = "a", .source = texts({4, 4}, 10), .until = 0.5},
                                    {.name = "b", .source = texts({4, 4}, 20), .from = 0.5}};
  };
  Mixture whole(parts(), 1);
  pack(whole, 0.4, {.tokens = 10});  // looks at a third document, which does not fit
  Mixture restored(parts(), 1);
  restored.restore(whole.positions());
  EXPECT_EQ(pack(whole, 0.5, {.tokens = 10}).tokens, pack(restored, 0.5, {.tokens = 10}).tokens);
  EXPECT_EQ(whole.positions(), restored.positions());
}

TEST(Mixture, SaysWhatIsWrongWithAPart) {
  const auto error = [](MixturePart part) {
    return testing::thrown_by([&] { Mixture({std::move(part)}, 1); }).message;
  };
  EXPECT_THAT(error({.name = "x", .source = texts({})}), HasSubstr("x: has no documents"));
  EXPECT_THAT(error({.name = "x", .source = texts({3}), .weight = 0}), HasSubstr("x: weight"));
  EXPECT_THAT(error({.name = "x", .source = texts({3}), .from = 0.5}),
              HasSubstr("no data is used"));
  EXPECT_THAT(error({.name = "x", .source = texts({3}), .until = 0.5}),
              HasSubstr("no data is used after 0.5"));
  EXPECT_THAT(testing::thrown_by([] { Mixture({}, 1); }).message, HasSubstr("no data"));
}

TEST(Shuffled, IsAPermutationThatSeedAndStreamChoose) {
  const auto order = shuffled(1000, 3, 4);
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::uint32_t> all(1000);
  std::iota(all.begin(), all.end(), 0U);
  EXPECT_EQ(sorted, all);
  EXPECT_EQ(order, shuffled(1000, 3, 4));
  EXPECT_NE(order, shuffled(1000, 3, 5));
  EXPECT_NE(order, shuffled(1000, 4, 4));
  EXPECT_TRUE(shuffled(0, 1, 1).empty());
}

TEST(Framed, CutsALongTextIntoDocumentsThatFit) {
  const std::vector<TokenId> ids = {10, 11, 12, 13, 14, 15, 16};
  const auto documents = framed(ids, {kBos, kEos, 4});
  ASSERT_EQ(documents.size(), 3U);
  EXPECT_THAT(documents[0], ElementsAre(1, 10, 11, 12));
  EXPECT_THAT(documents[2], ElementsAre(1, 16, 2));
  EXPECT_EQ(framed(std::span(ids).first(6), {kBos, kEos, 4}).size(), 2U) << "no <eos> alone";
}

TEST(TokenizedTexts, SplitsOffItsLastDocuments) {
  const auto source = texts({3, 4, 5});
  const TokenizedTexts heldout = source->split_off(1);
  EXPECT_EQ(source->documents(), 2U);
  EXPECT_EQ(heldout.documents(), 1U);
  std::vector<TokenId> document;
  heldout.read(0, document);
  EXPECT_EQ(document.size(), 5U);
  EXPECT_EQ(source->tokens(), 7U);
}

}  // namespace
}  // namespace cajal
