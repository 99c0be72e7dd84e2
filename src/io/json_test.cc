#include "io/json.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/files.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using testing::thrown_by;

Json parse(std::string_view text) {
  return Json::parse(text, "test");
}

TEST(Json, KeepsTheOrderOfMembers) {
  const Json x = parse(R"({"b": 1, "a": [true, null, "x"], "c": {}})");
  EXPECT_EQ(x.dump(), R"({"b":1,"a":[true,null,"x"],"c":{}})");
  EXPECT_EQ(x.as_object("")[0].first, "b");
}

TEST(Json, KeepsIntegersApartFromOtherNumbers) {
  EXPECT_TRUE(parse("1").is_int());
  EXPECT_TRUE(parse("1.0").is_double());
  EXPECT_TRUE(parse("1e2").is_double());
  EXPECT_EQ(parse("-9223372036854775808").as_int(""), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse("9223372036854775807").as_int(""), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse("9223372036854775808").as_double(""), 0x1p63);
  EXPECT_EQ(Json(std::uint64_t{1} << 63U).as_double(""), 0x1p63);
  EXPECT_EQ(parse("123456789012345678901234567890").as_double(""),
            123456789012345678901234567890.0);
  EXPECT_EQ(parse("3").as_double(""), 3.0);
}

TEST(Json, DoublesSurviveARoundTrip) {
  for (const double x : {0.1, 1e-308, 5e-324, 1.7976931348623157e308, -0.0, 1.0 / 3}) {
    EXPECT_EQ(parse(Json(x).dump()), Json(x));
  }
  EXPECT_EQ(Json(1.0).dump(), "1.0");
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).dump(), "null");
}

TEST(Json, TextSurvivesARoundTrip) {
  const std::string text("a\"\\\n\0\x1F\xC3\xA9\xF0\x9F\x98\x80", 13);
  EXPECT_EQ(parse(Json(text).dump()), Json(text));
  EXPECT_EQ(parse(R"("\u00e9\ud83d\ude00")"), Json("\xC3\xA9\xF0\x9F\x98\x80"));
  EXPECT_EQ(Json("\xFF").dump(), "\"\xEF\xBF\xBD\"");
}

TEST(Json, RefusesDuplicateNames) {
  const auto thrown = thrown_by([] { parse(R"({"a": {"b": 1, "b": 2}})"); });
  EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
  EXPECT_THAT(thrown.message, AllOf(HasSubstr("test"), HasSubstr("\"b\"")));
  std::string many = "{";
  for (int i = 0; i < 40; ++i) {
    many += fmt::format("\"{}\":0,", i);
  }
  EXPECT_FALSE(thrown_by([&] { parse(many + "\"40\":0}"); }).code);
  EXPECT_TRUE(thrown_by([&] { parse(many + "\"7\":0}"); }).code);
}

TEST(Json, RefusesDeepNesting) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_FALSE(thrown_by([&] { parse(nested(200)); }).code);
  EXPECT_EQ(thrown_by([&] { parse(nested(201)); }).code, ErrorCode::CorruptData);
  EXPECT_EQ(thrown_by([&] { parse(std::string(1'000'000, '[')); }).code, ErrorCode::CorruptData);
}

TEST(Json, SaysWhereTheTextIsWrong) {
  for (const char* text : {"", "{", "[1,]", "{\"a\" 1}", "nul", "01", "1 2", "\"\xFF\"", "'a'",
                           "[1e999]", "\"\n\"", "{\"a\":1}}", "NaN", "\"\\ud800\""}) {
    const auto thrown = thrown_by([&] { parse(text); });
    EXPECT_EQ(thrown.code, ErrorCode::CorruptData) << text;
    EXPECT_THAT(thrown.message, HasSubstr("test: not valid JSON")) << text;
  }
  EXPECT_THAT(thrown_by([] { parse("{\n \"a\": x}"); }).message, HasSubstr("line 2, column 7"));
}

TEST(Json, SaysWhereAValueIsOfAnotherKind) {
  const Json x = parse(R"({"n": 1.5, "s": "x"})");
  EXPECT_EQ(thrown_by([&] { x.at("n", "f").as_int("f: n"); }).message,
            "f: n: must be an integer, but is a number");
  EXPECT_THAT(thrown_by([&] { x.at("q", "f"); }).message, HasSubstr("f: \"q\" is missing"));
  EXPECT_EQ(x.find("q"), nullptr);
  EXPECT_EQ(x.find("n")->find("q"), nullptr);
}

TEST(Json, NullCountsAsNoValue) {
  const Json x = parse(R"({"a": null})");
  EXPECT_NE(x.find("a"), nullptr);
  EXPECT_EQ(x.find_value("a"), nullptr);
}

TEST(Json, IsBuiltPieceByPiece) {
  Json x;
  x.set("list", Json::array_of(std::vector<int>{1, 2})).set("a", 1).set("a", 2);
  Json list;
  list.push_back("x");
  x.set("more", list);
  EXPECT_EQ(x.dump(), R"({"list":[1,2],"a":2,"more":["x"]})");
  EXPECT_EQ(parse(x.dump(2)), x);
}

class Events final : public JsonEvents {
 public:
  void scalar(Json value) override { seen += value.dump() + " "; }
  void key(std::string name) override { seen += name + ": "; }
  void begin_object() override { seen += "{ "; }
  void end_object() override { seen += "} "; }
  void begin_array() override { seen += "[ "; }
  void end_array() override { seen += "] "; }
  std::string seen;
};

TEST(Json, GivesEventsInOrder) {
  Events events;
  parse_json(R"({"a": [1, "x"], "a": {"b": null}})", "test", events);
  EXPECT_EQ(events.seen, R"({ a: [ 1 "x" ] a: { b: null } } )");
}

TEST(Json, IntegersBeyond64BitsAreDoublesThatKnowTheirDigits) {
  const Json x = Json::parse("[18446744073709551615, 123456789012345678901234567890, 1e30]", "x");
  const auto& items = x.as_array("x");
  EXPECT_TRUE(items[0].is_double());
  EXPECT_EQ(items[0].as_double("x"), 18446744073709551615.0);
  ASSERT_NE(items[0].big_integer(), nullptr);
  EXPECT_EQ(*items[0].big_integer(), "18446744073709551615");
  EXPECT_EQ(items[0].dump(), "18446744073709551615");
  ASSERT_NE(items[1].big_integer(), nullptr);
  EXPECT_EQ(*items[1].big_integer(), "123456789012345678901234567890");
  EXPECT_EQ(items[2].big_integer(), nullptr);
}

}  // namespace
}  // namespace cajal
