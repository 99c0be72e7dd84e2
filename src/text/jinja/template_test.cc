#include "text/jinja/template.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "testing/golden.h"

namespace cajal::jinja {
namespace {

using Variables = std::vector<std::pair<std::string, Value>>;

std::string render(std::string_view source, const Variables& variables = {},
                   const Limits& limits = {}) {
  return Template::parse(source, "test").render(variables, std::tm{}, limits).text;
}

/// What kind of failure the template ends in; its message goes to *message.
FailureKind failure_of(std::string_view source, std::string* message = nullptr) {
  try {
    const std::string text = render(source);
    ADD_FAILURE() << source << " gave " << text;
    return FailureKind::Runtime;
  } catch (const TemplateFailure& failure) {
    if (message != nullptr) {
      *message = failure.what();
    }
    return failure.kind();
  }
}

// Expected texts are those of jinja2 itself, see "made_with" in the file.
TEST(JinjaTemplate, GivesTheTextOfTheReferenceForEverySnippet) {
  const auto folder = testing::golden_core("tokenizers");
  const Json golden = Json::load(folder / "jinja.json");
  Variables variables;
  for (const auto& [name, value] : golden.at("variables", "").as_object("")) {
    variables.emplace_back(name, Value::from_json(value));
  }
  for (const Json& row : golden.at("snippets", "").as_array("")) {
    const std::string& source = row.at("source", "").as_string("");
    try {
      EXPECT_EQ(render(source, variables), row.at("expected", "").as_string("")) << source;
    } catch (const TemplateFailure& failure) {
      ADD_FAILURE() << source << "\n" << failure.what();
    }
  }
  if (!::testing::Test::HasFailure()) {
    testing::count_golden_case("tokenizers", folder);
  }
}

TEST(JinjaTemplate, ErrorsNameTheTemplateTheLineAndTheReason) {
  std::string message;
  EXPECT_EQ(failure_of("a\nb\n{{ 1 + none }}", &message), FailureKind::Type);
  EXPECT_EQ(message,
            "test, line 3: TypeError: unsupported operand type(s) for +: 'int' and 'NoneType'");
  EXPECT_EQ(failure_of("a\n{{ raise_exception('no') }}", &message), FailureKind::Raised);
  EXPECT_EQ(message, "test, line 2: the template says: no");
}

TEST(JinjaTemplate, WhatIsOutsideTheLanguageIsRefusedByName) {
  for (const char* source :
       {"{% include 'a' %}", "{% block x %}{% endblock %}", "{% import 'a' as b %}",
        "{{ [1] | random }}", "{{ 'a' | wordwrap(3) }}", "{{ lipsum() }}", "{{ 'a'.encode() }}",
        "{{ [1] | map('string') }}", "{{ [1, 2] | select('odd') }}", "{{ '\\N{DASH}' }}",
        "{{ range }}", "{% autoescape true %}{% endautoescape %}", "{{ 'é'.isprintable() }}"}) {
    EXPECT_EQ(failure_of(source), FailureKind::Unsupported) << source;
  }
}

TEST(JinjaTemplate, RunawayTemplatesEndInALimit) {
  for (const char* source :
       {"{{ 'x' * 10**9 }}", "{{ [0] * 10**12 }}", "{{ 'a' * (10**30) }}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor "
        "%}",
        "{% set n = namespace(l=[]) %}{% for i in range(999) %}{% set n.l = [n.l] %}{% endfor %}",
        "{% set n = namespace(l=[1]) %}{% for i in range(90) %}{% set n.l = [n.l, n.l] %}{% endfor "
        "%}{{ n.l }}",
        "{% set n = namespace() %}{% set n.x = n %}{{ n }}", "{{ 'a'.center(10**10) }}",
        "{{ 2 ** 1000 }}", "{{ '%999999999d' % 1 }}", "{{ {'a': 1} | tojson(indent=10**10) }}",
        "{% for n in [1] recursive %}{{ loop([1]) }}{% endfor %}"}) {
    EXPECT_EQ(failure_of(source), FailureKind::Limit) << source;
  }
  EXPECT_EQ(failure_of("{{ range(100001) }}"), FailureKind::Overflow);
}

/// What the expression gives without a limit on the size of a value.
std::string value_of(std::string_view expression) {
  return render("{{ " + std::string(expression) + " }}", {},
                {.bytes = std::uint64_t{1} << 31U, .one_value = std::uint64_t{1} << 28U});
}

// With the product of the two lengths as work, these would not end.
TEST(JinjaTemplate, SearchesTakeWorkInProportionToTheTexts) {
  const std::string text = "('a'*4000000)";
  const std::string wanted = "('a'*2000000+'b')";
  const std::string backward = "('b'+'a'*2000000)";
  EXPECT_EQ(value_of(wanted + " in " + text), "False");
  EXPECT_EQ(value_of(text + ".find(" + wanted + ")"), "-1");
  EXPECT_EQ(value_of(text + ".rfind(" + backward + ")"), "-1");
  EXPECT_EQ(value_of(text + ".count(" + wanted + ")"), "0");
  EXPECT_EQ(value_of(text + ".split(" + wanted + ")|length"), "1");
  EXPECT_EQ(value_of(text + ".rsplit(" + backward + ")|length"), "1");
  EXPECT_EQ(value_of(text + ".replace(" + wanted + ", '')|length"), "4000000");
  EXPECT_EQ(value_of("(" + text + "|replace(" + wanted + ", ''))|length"), "4000000");
  EXPECT_EQ(value_of(text + ".partition(" + wanted + ")[1]"), "");
  EXPECT_EQ(value_of(text + ".rpartition(" + backward + ")[1]"), "");
  std::string many;
  for (char32_t c = 0x100; c < 0x4100; ++c) {
    append_utf8(many, c);
  }
  EXPECT_EQ(render("{{ (x * 20).strip(x) }}", {{"x", Value::text(many)}}), "");
}

TEST(JinjaTemplate, SearchingAgainAndAgainEndsInALimit) {
  for (const char* search :
       {"'b' in x", "x.find('b')", "x.rfind('b')", "x.count('b')", "x.split('b', 1)[1]",
        "x.replace('b', '')", "x|replace('b', '')", "x.startswith('b')", "x == y", "x < y",
        "x.isalpha()", "x is upper", "x|length"}) {
    const std::string source =
        "{% set x = 'a' * 600000 %}{% set y = 'a' * 599999 + 'b' %}"
        "{% for i in range(120) %}{% if " +
        std::string(search) + " %}{% endif %}{% endfor %}";
    try {
      render(source, {}, {.steps = 500'000});
      ADD_FAILURE() << search;
    } catch (const TemplateFailure& failure) {
      EXPECT_EQ(failure.kind(), FailureKind::Limit) << search;
    }
  }
}

TEST(JinjaTemplate, DeepNestingEndsInALimit) {
  const auto times = [](std::string_view text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) {
      out += text;
    }
    return out;
  };
  constexpr int kMany = 100'000;
  for (const std::string& source :
       {"{{ " + times("(", kMany) + "1" + times(")", kMany) + " }}",
        "{{ " + times("[", kMany) + times("]", kMany) + " }}",
        "{{ " + times("not ", kMany) + "1 }}", "{{ " + times("-", kMany) + "1 }}",
        "{{ 1" + times(" + 1", kMany) + " }}", "{{ a" + times(".a", kMany) + " }}",
        "{{ a" + times("|e", kMany) + " }}", "{{ 1" + times(" if 1 else 1", kMany) + " }}",
        times("{% if 1 %}", kMany), "{{ a" + times("()", kMany) + " }}"}) {
    EXPECT_EQ(failure_of(source), FailureKind::Limit) << source.substr(0, 20);
  }
}

TEST(JinjaTemplate, GenerationBlocksAreReportedInBytes) {
  const RenderResult out =
      Template::parse("é{% generation %}ab{% endgeneration %}c", "test").render({}, std::tm{});
  ASSERT_EQ(out.generated.size(), 1U);
  EXPECT_EQ(out.generated[0].begin, 2U);
  EXPECT_EQ(out.generated[0].end, 4U);
}

}  // namespace
}  // namespace cajal::jinja
