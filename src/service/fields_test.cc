#include "service/fields.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "service/generate.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

struct Base {
  std::string name = "none";
};

struct Options : Base {
  bool flag = false;
  std::size_t count = 3;
  std::optional<std::size_t> limit;
  double share = 0.5;
  double part = 0.5;
  std::optional<std::string> text;
  std::vector<std::string> words;
  std::vector<TokenId> ids;
};

FieldTable<Options> table() {
  return {{{.name = "name", .help = "", .choices = {"none", "some"}}, &Options::name},
          {{.name = "flag", .help = ""}, &Options::flag},
          {{.name = "count", .help = "", .min = 1, .max = 9}, &Options::count},
          {{.name = "limit", .help = ""}, &Options::limit},
          {{.name = "share", .help = "", .min = 0, .max = 1}, &Options::share},
          {{.name = "part", .help = "", .min = 0, .max = 1, .above_min = true}, &Options::part},
          {{.name = "text", .help = ""}, &Options::text},
          {{.name = "words", .help = "", .separator = ','}, &Options::words},
          {{.name = "ids", .help = ""}, &Options::ids}};
}

const BoundField& field(const std::vector<BoundField>& fields, std::string_view name) {
  return *std::find_if(fields.begin(), fields.end(),
                       [&](const BoundField& f) { return f.info.name == name; });
}

class Fields : public ::testing::Test {
 protected:
  void set(std::string_view name, std::string_view text) {
    set_from_text(field(fields_, name), text);
  }
  auto setting(std::string_view name, std::string_view text) {
    return [this, name, text] { set(name, text); };
  }
  auto applying(const char* json) {
    return [this, json] { apply(fields_, Json::parse(json, "request"), "request"); };
  }

  Options options_;
  std::vector<BoundField> fields_ = bind_fields(table(), options_);
};

TEST_F(Fields, AreSetFromText) {
  set("name", "some");
  set("flag", "");
  set("count", "9");
  set("limit", "0");
  set("share", "0.25");
  set("text", "a,b");
  EXPECT_EQ(options_.name, "some");
  EXPECT_TRUE(options_.flag);
  EXPECT_EQ(options_.count, 9U);
  EXPECT_EQ(options_.limit, 0U);
  EXPECT_EQ(options_.share, 0.25);
  EXPECT_EQ(options_.text, "a,b");
}

TEST_F(Fields, OfListsGrow) {
  set("words", "a,b");
  set("words", "c");
  set("ids", "1, 2");
  set("ids", "3");
  EXPECT_EQ(options_.words, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(options_.ids, (std::vector<TokenId>{1, 2, 3}));
}

TEST_F(Fields, RefuseTextThatIsOutOfRangeOrNoNumber) {
  EXPECT_THAT(setting("count", "10"), ThrowsMessage<Error>(HasSubstr("between 1 and 9")));
  EXPECT_THAT(setting("count", "0"), ThrowsMessage<Error>(HasSubstr("between 1 and 9")));
  EXPECT_THAT(setting("count", "2x"), ThrowsMessage<Error>(HasSubstr("'2x'")));
  EXPECT_THAT(setting("count", "-1"), ThrowsMessage<Error>(HasSubstr("whole number")));
  EXPECT_THAT(setting("share", "nan"), ThrowsMessage<Error>(HasSubstr("finite")));
  EXPECT_THAT(setting("share", "1.01"), ThrowsMessage<Error>(HasSubstr("between 0 and 1")));
  EXPECT_THAT(setting("name", "all"), ThrowsMessage<Error>(HasSubstr("none, some")));
  EXPECT_THAT(setting("ids", "1,,2"), ThrowsMessage<Error>(HasSubstr("1,2,3")));
  EXPECT_THAT(setting("ids", ""), ThrowsMessage<Error>(HasSubstr("1,2,3")));
}

TEST_F(Fields, MayNotTakeTheirLeastValue) {
  EXPECT_THAT(setting("part", "0"), ThrowsMessage<Error>(HasSubstr("more than 0 and at most 1")));
  set("part", "1e-9");
  EXPECT_EQ(options_.part, 1e-9);
}

TEST_F(Fields, RefuseEmptyTextUnlessItIsOptional) {
  EXPECT_THAT(setting("name", ""), ThrowsMessage<Error>(HasSubstr("name: must not be empty")));
  EXPECT_THAT(setting("words", "a,,b"),
              ThrowsMessage<Error>(HasSubstr("words: must not be empty")));
  EXPECT_THAT(applying(R"({"words": [""]})"), ThrowsMessage<Error>(HasSubstr("words")));
  set("text", "");
  EXPECT_EQ(options_.text, "");
}

TEST_F(Fields, AreSetFromJson) {
  applying(
      R"({"count": 4, "share": 1, "words": ["x"], "ids": [5], "flag": true, "limit": null})")();
  EXPECT_EQ(options_.count, 4U);
  EXPECT_EQ(options_.share, 1.0);
  EXPECT_EQ(options_.words, (std::vector<std::string>{"x"}));
  EXPECT_EQ(options_.ids, (std::vector<TokenId>{5}));
  EXPECT_TRUE(options_.flag);
  EXPECT_FALSE(options_.limit);
}

TEST_F(Fields, UnknownToTheTableAreAnErrorThatSuggestsTheNearest) {
  EXPECT_THAT(applying(R"({"cuont": 4})"), ThrowsMessage<Error>(HasSubstr("'count'")));
}

TEST_F(Fields, RefuseJsonOfAnotherKindNamingTheField) {
  EXPECT_THAT(applying(R"({"count": "4"})"), ThrowsMessage<Error>(HasSubstr("request: count")));
  EXPECT_THAT(applying(R"({"count": -4})"), ThrowsMessage<Error>(HasSubstr("count")));
  EXPECT_THAT(applying(R"({"ids": [-1]})"), ThrowsMessage<Error>(HasSubstr("ids")));
  EXPECT_THAT(applying("[]"), ThrowsMessage<Error>(HasSubstr("request")));
}

TEST_F(Fields, ComeBackFromTheirOwnJson) {
  set("count", "7");
  set("ids", "1,2");
  set("text", "hello");
  const Json recorded = to_json(table(), options_);
  Options other;
  apply(bind_fields(table(), other), recorded, "record");
  EXPECT_EQ(to_json(table(), other), recorded);
}

TEST_F(Fields, ThatCameLaterAreLeftOutOfJsonAtTheirUsualValue) {
  FieldTable<Options> later = table();
  later[2].info.left_out_with = "count";
  later[4].info.left_out_with = "text";  // makes sense with a text alone
  options_.share = 0.75;
  EXPECT_EQ(to_json(later, options_).find("count"), nullptr);
  EXPECT_EQ(to_json(later, options_).find("share"), nullptr);
  EXPECT_NE(to_json(later, options_).find("part"), nullptr);
  options_.count = 4;
  options_.text = "";
  EXPECT_NE(to_json(later, options_).find("count"), nullptr);
  EXPECT_NE(to_json(later, options_).find("share"), nullptr);
}

TEST(FieldTables, NameEachFieldOnce) {
  GenerateRequest request;
  std::vector<std::string_view> names;
  for (const BoundField& bound : bind_fields(generate_fields(), request)) {
    EXPECT_THAT(names, ::testing::Not(::testing::Contains(bound.info.name)));
    EXPECT_FALSE(bound.info.help.empty()) << bound.info.name;
    names.push_back(bound.info.name);
  }
}

}  // namespace
}  // namespace cajal
