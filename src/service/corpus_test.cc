#include "service/corpus.h"

#include <gtest/gtest.h>

#include "testing/files.h"

namespace cajal {
namespace {

constexpr std::size_t kSize = std::size_t{1} << 20U;

class Fingerprint : public ::testing::Test {
 protected:
  /// Of two files, 1 MiB each, with a byte of the second changed.
  std::string changed_at(std::size_t at, std::uint64_t most = kFingerprinted) const {
    std::string bytes(kSize, 'a');
    write_file(folder_ / "first.txt", bytes);
    bytes[at] = 'b';
    write_file(folder_ / "second.txt", bytes);
    return fingerprint_of({folder_ / "first.txt", folder_ / "second.txt"}, most);
  }
  testing::TemporaryFolder folder_;
};

TEST_F(Fingerprint, IsOfAllBytes) {
  const std::string at_middle = changed_at(kSize / 2);
  EXPECT_EQ(changed_at(kSize / 2), at_middle);
  EXPECT_NE(changed_at(kSize / 2 + 1), at_middle);
  EXPECT_NE(changed_at(0), at_middle);
  EXPECT_NE(changed_at(kSize - 1), at_middle);
}

TEST_F(Fingerprint, OfALargeCorpusSeesSizesAndBothEndsAndPiecesBetween) {
  constexpr std::uint64_t kMost = kSize / 2;  // four pieces of 64 KiB of each file
  const std::string between_pieces = changed_at(kSize / 5, kMost);
  EXPECT_EQ(changed_at(kSize / 5 + 1, kMost), between_pieces);
  for (const std::size_t seen : {std::size_t{0}, kSize / 3, kSize - 1}) {
    EXPECT_NE(changed_at(seen, kMost), between_pieces) << seen;
  }
  write_file(folder_ / "second.txt", std::string(kSize + 1, 'a'));
  EXPECT_NE(fingerprint_of({folder_ / "first.txt", folder_ / "second.txt"}, kMost), between_pieces);
}

}  // namespace
}  // namespace cajal
