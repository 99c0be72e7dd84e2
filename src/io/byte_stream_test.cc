#include "io/byte_stream.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::string everything() {
  ByteWriter out;
  for (const std::uint64_t x : {0UL, 1UL, 127UL, 128UL, 300UL, ~0UL}) {
    out.number(x);
  }
  for (const std::int64_t x :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{77}, kLeast, kMost}) {
    out.signed_number(x);
  }
  out.real(-0.1F);
  out.real(INFINITY);
  out.half(1.5F);
  out.text("a\0b");
  out.text("");
  return out.take();
}

TEST(ByteStream, GivesBackWhatWasWritten) {
  const std::string bytes = everything();
  ByteReader in(bytes, "here", "begin again");
  for (const std::uint64_t x : {0UL, 1UL, 127UL, 128UL, 300UL, ~0UL}) {
    EXPECT_EQ(in.number(), x);
  }
  for (const std::int64_t x :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{77}, kLeast, kMost}) {
    EXPECT_EQ(in.signed_number(), x);
  }
  EXPECT_EQ(in.real(), -0.1F);
  EXPECT_EQ(in.real(), INFINITY);
  EXPECT_EQ(in.half(), 1.5F);
  EXPECT_EQ(in.text(), "a\0b");
  EXPECT_EQ(in.text(), "");
  in.end();
}

TEST(ByteStream, BytesThatEndEarlyAreCorrupt) {
  const std::string bytes = everything();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(
        {
          ByteReader in(std::string_view(bytes).substr(0, size), "here", "begin again");
          for (int i = 0; i < 6; ++i) {
            in.number();
          }
          for (int i = 0; i < 5; ++i) {
            in.signed_number();
          }
          in.real();
          in.real();
          in.half();
          in.text();
          in.text();
          in.end();
        },
        Error)
        << size;
  }
}

TEST(ByteStream, ACountIsNoLargerThanWhatFollows) {
  ByteWriter out;
  out.number(1000);
  const std::string bytes = out.take();
  ByteReader in(bytes, "here", "begin again");
  EXPECT_THROW(in.count(), Error);
}

}  // namespace
}  // namespace cajal
