// The corpus is the same bytes on any machine. When a change means to change them, count up
// kWorldVersion (once a release is enough) and take over the hashes that the test prints.
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
    {"geography", "bcda769fee2635afd61457027d02e69d92e55eab0d21a9727c6e19cdca03a8de"},
    {"geography-12", "2c13f04431c6e3ac33f8df696884acee36c8b1dc403d0955b104b385d4f31e61"},
    {"countries", "27b1202a37f46b7b563e56d6371d79344a8b39117d0841e455f8fea1926f2a84"},
    {"sums", "2005e4c43c3ca00d9172bf4eba453b9521a630054d4f7c8c1dac2be5e4754eab"},
    {"people", "e91114fce41152d893c2f6bef99d616cad2c06641507519d7439b122a50423ad"},
    {"plain", "1f9b8d8a71c038f0390d6052880d0e3ed832234b1d8c6e9821de6ee9462e9a81"},
    {"talk", "775afdc2ffe15ebb17b071cf63c0acc0e82b493a7f09b749105571dbdf2fac4b"},
    {"opposites", "82971618f9f78c3b96907bf942bd77b3a43b3e291db27a056ac5077d91576aad"},
    {"translations", "8dfd052fe9bd36b87430f133c3e8d5258b0e2e0d1e3da5952905ec166a17a577"},
    {"landmarks", "65223fad0d01c3bc7613beb9e6a3eeb447cabe63873390b8164fa3cc726f9f11"},
    {"couplets", "fecc632dc4c539b7fc4eb039b19b1d941afab81aab7faa84d1771ad4db512109"},
    {"requests", "7e3978c5c82c7280248c0c5ca5b4ecebb38ba292f0d302a6c959f592a1d67f66"},
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
