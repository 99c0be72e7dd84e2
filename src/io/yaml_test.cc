#include "io/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/files.h"
#include "testing/golden.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using testing::thrown_by;

std::string as_json(std::string_view text) {
  return parse_yaml(text, "test").dump();
}

TEST(Yaml, ReadsMapsAndLists) {
  EXPECT_EQ(as_json("b: 1\na:\n- x\n- {c: [1, 2]}\n"), R"({"b":1,"a":["x",{"c":[1,2]}]})");
  EXPECT_EQ(as_json("# nothing\n"), "null");
  EXPECT_EQ(as_json("text: |\n  two\n  lines\nnext: >\n  one\n  line\n"),
            R"({"text":"two\nlines\n","next":"one line\n"})");
}

TEST(Yaml, ScalarsAreThoseOfTheCoreSchema) {
  EXPECT_EQ(as_json("[null, Null, ~, , true, FALSE]"), "[null,null,null,null,true,false]");
  EXPECT_EQ(as_json("[0, -12, +3, 0o17, 0x1F, 007]"), "[0,-12,3,15,31,7]");
  EXPECT_EQ(as_json("[1.5, -.5, 1., 1e3, 2.5E-3, +1.0]"), "[1.5,-0.5,1.0,1000.0,0.0025,1.0]");
  EXPECT_EQ(
      as_json("[yes, off, y, 1_000, 0b1, 1e, ., -, 12:30, 2020-01-01, nULL, 0o8, 0x]"),
      R"(["yes","off","y","1_000","0b1","1e",".","-","12:30","2020-01-01","nULL","0o8","0x"])");
  EXPECT_EQ(as_json("['1', \"true\", '']"), R"(["1","true",""])");
  EXPECT_EQ(parse_yaml("-.inf", "").as_double(""), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(parse_yaml(".nan", "").as_double("")));
  EXPECT_EQ(parse_yaml("9223372036854775808", "").as_double(""), 0x1p63);
  EXPECT_EQ(parse_yaml("1e999", "").as_double(""), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_yaml("1e-999", "").as_double(""), 0.0);
}

TEST(Yaml, TagsOfTheCoreSchemaDecide) {
  EXPECT_EQ(as_json("[!!str 1, !!float 1, !!int 2, ! 3]"), R"(["1",1.0,2,"3"])");
  EXPECT_EQ(thrown_by([] { as_json("!!python/object:os.system x"); }).code, ErrorCode::Unsupported);
  EXPECT_EQ(thrown_by([] { as_json("!!set {a, b}"); }).code, ErrorCode::Unsupported);
}

TEST(Yaml, KeysAreText) {
  EXPECT_EQ(as_json("1: a\ntrue: b\n'x': c"), R"({"1":"a","true":"b","x":"c"})");
  EXPECT_EQ(thrown_by([] { as_json("[1]: a"); }).code, ErrorCode::Unsupported);
  EXPECT_EQ(thrown_by([] { as_json("{a: 1}: a"); }).code, ErrorCode::Unsupported);
  EXPECT_THAT(thrown_by([] { as_json("a: 1\nb: 2\na: 3\n"); }).message,
              HasSubstr("test: line 3, column 1: the key 'a' occurs twice"));
  EXPECT_THAT(thrown_by([] { as_json("a: &x {b: 1}\nc: {<<: *x}"); }).message, HasSubstr("merge"));
}

TEST(Yaml, AliasesAreCopies) {
  EXPECT_EQ(as_json("a: &x [1, 2]\nb: *x\n"), R"({"a":[1,2],"b":[1,2]})");
  EXPECT_EQ(as_json("- &k key\n- {*k : 1}\n"), R"(["key",{"key":1}])");
  EXPECT_EQ(thrown_by([] { as_json("&x [*x]"); }).code, ErrorCode::CorruptData);
}

TEST(Yaml, RefusesAliasBombs) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += fmt::format("a{0}: &a{0} [{1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}]\n", i, last);
  }
  const auto thrown = thrown_by([&] { as_json(text); });
  EXPECT_EQ(thrown.code, ErrorCode::CorruptData);
  EXPECT_THAT(thrown.message, HasSubstr("multiply"));
}

TEST(Yaml, SaysLineAndColumn) {
  for (const char* text : {"a: [1", "a: b: c", "\"x", "a:\n\t- b", "%YAML 9", "*x", "{a: 1]",
                           "- a\nb", "a\n---\nb: [", "&", "!<"}) {
    const auto thrown = thrown_by([&] { as_json(text); });
    EXPECT_TRUE(thrown.code) << text;
    EXPECT_THAT(thrown.message, HasSubstr("test: ")) << text;
  }
  EXPECT_THAT(thrown_by([] { as_json("a: 1\nb: [1"); }).message, HasSubstr("line "));
  EXPECT_THAT(thrown_by([] { as_json("a: \xFF"); }).message, HasSubstr("offset 3"));
  EXPECT_EQ(thrown_by([] { as_json("a\n---\nb"); }).code, ErrorCode::Unsupported);
}

TEST(Yaml, RefusesDeepNesting) {
  EXPECT_TRUE(thrown_by([] { as_json(std::string(100'000, '[')); }).code);
  EXPECT_EQ(thrown_by([] { as_json(std::string(250, '[') + std::string(250, ']')); }).code,
            ErrorCode::CorruptData);
  std::string block;
  for (int i = 0; i < 100'000; ++i) {
    block += "- ";
  }
  EXPECT_EQ(thrown_by([&] { as_json(block); }).code, ErrorCode::CorruptData);
}

TEST(Yaml, ReadsGoldenConfigurations) {
  const auto folder = testing::golden_core("dictionaries") / "formats";
  EXPECT_TRUE(load_yaml(folder / "ct_clt_jumprelu/config.yaml").is_object());
  EXPECT_TRUE(load_yaml(folder / "conv_mwhanna_transcoder/wandb-config.yaml").is_object());
}

}  // namespace
}  // namespace cajal
