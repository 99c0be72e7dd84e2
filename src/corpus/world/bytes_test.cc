// The corpus is the same bytes on any machine. When a change means to change its texts, count up
// kWorldVersion (once a release is enough) and take over the hashes that the test prints; what
// spans say teaches no model anything, so that they may change without.
#include <gtest/gtest.h>

#include "corpus/reader.h"
#include "corpus/world/world.h"
#include "testing/sha256.h"

namespace cajal {
namespace {

struct Expected {
  std::string_view task;
  std::string_view hash;
};

constexpr Expected kExpected[] = {
    {"geography", "6cc0b4b17d4a0c5547835c56ed35ed6d17247d584870552ab0145d9033450be3"},
    {"geography-12", "dfdcff05a0a8445c6aee03e2c62e139020baea5951ca9216cc0bfd340c10d7fd"},
    {"countries", "c76a4ab67fe41b40b2c39ba2a16e4d73c414c8c1261c631ad28b6331e9f2c738"},
    {"sums", "88aa66814aa600753400b14d5844266bac030ce5e78cdee7de2b3c54d910f0ea"},
    {"people", "00b3afc1d3afd4bbfe708801c684d62abf9104ee5f5be51d23556e36d3e26002"},
    {"plain", "137348ccfb3be5a0944c222e17857805f3717ce6e607ba890d440f084c78af0a"},
    {"talk", "bb8eee1ae97377683a94b23e7bcf5c2408e795939b41f3ccf3210f6806e4b541"},
    {"opposites", "f07b5b780b517ea2192520a3434e46266b2d8cc8af5ad8f2d28d0b0db45cb59c"},
    {"translations", "7a0e15ac7ece688af6067fcd0276657008133b2a162f8426186fe25f7e58fc59"},
    {"landmarks", "f9b28b11085fd7f33f18762ca81ac9b706a5e94975713ee12cf89ff3e0ce4165"},
    {"couplets", "04174c61fd90b20059837116059e3d897c9f90c0d049ca8b897fb1a5d03d4f99"},
    {"requests", "e87e18eae8229d31fa02a7b3dc2793d3072c5fe46d458de5ccdbf881ac2f9c2f"},
};

/// Documents of both splits at both ends of the index, spans included, and every question.
std::string bytes_of(const Task& task) {
  std::string out;
  for (const Split split : {Split::Train, Split::Heldout}) {
    for (std::uint64_t i = 0; i < 200; ++i) {
      out += to_line(task.generate(split, 1, i));
      out += to_line(task.generate(split, 0x9E3779B97F4A7C15U, 0xFFFFFFFFFFFFU - i));
    }
    for (const Question& question : task.questions(split)) {
      out += to_line(document_of(question));
    }
  }
  return out;
}

TEST(WorldBytes, AreTheSameOnAnyMachine) {
  const World world;
  EXPECT_EQ(std::size(kExpected), world.tasks().size()) << "a task has no line here";
  for (const Expected& expected : kExpected) {
    EXPECT_EQ(testing::sha256(bytes_of(world.task(expected.task))), expected.hash) << expected.task;
  }
}

}  // namespace
}  // namespace cajal
