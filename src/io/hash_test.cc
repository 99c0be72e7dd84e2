#include "io/hash.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>

#include "base/file.h"
#include "testing/files.h"

namespace cajal {
namespace {

std::string hash_of_tensors(const std::vector<StoredTensor>& tensors) {
  Hash hash;
  add_tensors(hash, tensors);
  return hash.digits();
}

StoredTensor tensor(std::string name, std::span<const std::byte> bytes) {
  return {.name = std::move(name), .type = "U8", .shape = {bytes.size()}, .bytes = bytes};
}

TEST(Hash, IsWhatXxh128sumPrints) {
  EXPECT_EQ(hash_of(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hash_of("abc"), "06b05ab6733a618578af5f94892f3950");
}

TEST(Hash, OfAFileIsThatOfItsBytes) {
  const testing::TemporaryFolder folder;
  write_file(folder / "abc", "abc");
  EXPECT_EQ(hash_of_file(folder / "abc"), hash_of("abc"));
}

TEST(Hash, DoesNotDependOnHowBytesAreCutIntoPieces) {
  const std::string text(1000, 'x');
  const auto bytes = std::as_bytes(std::span(text));
  Hash hash;
  hash.add(bytes.first(333));
  hash.add(bytes.subspan(333));
  EXPECT_EQ(hash.digits(), hash_of(text));
}

TEST(Hash, TellsEntriesApart) {
  Hash a;
  a.add_entry("ab");
  a.add_entry("c");
  Hash b;
  b.add_entry("a");
  b.add_entry("bc");
  EXPECT_NE(a.digits(), b.digits());
}

TEST(HashOfTensors, DoesNotDependOnTheirOrder) {
  const std::vector<std::byte> bytes(100, std::byte{1});
  EXPECT_EQ(hash_of_tensors({tensor("a", bytes), tensor("b", {})}),
            hash_of_tensors({tensor("b", {}), tensor("a", bytes)}));
}

TEST(HashOfTensors, SeesNameTypeShapeAndEveryByte) {
  std::vector<std::byte> bytes(100, std::byte{1});
  const StoredTensor plain = tensor("a", bytes);
  const std::string hash = hash_of_tensors({plain});
  StoredTensor changed = plain;
  changed.name = "b";
  EXPECT_NE(hash_of_tensors({changed}), hash);
  changed = plain;
  changed.type = "I8";
  EXPECT_NE(hash_of_tensors({changed}), hash);
  changed = plain;
  changed.shape = {10, 10};
  EXPECT_NE(hash_of_tensors({changed}), hash);
  bytes[50] = std::byte{2};
  EXPECT_NE(hash_of_tensors({plain}), hash);
}

TEST(HashOfTensors, SamplesLargeOnesFromTheFirstByteToTheLast) {
  std::vector<std::byte> bytes(kHashedWhole + 7, std::byte{1});
  const StoredTensor large = tensor("a", bytes);
  const std::string hash = hash_of_tensors({large});
  const auto hash_without = [&](std::size_t at) {
    bytes[at] = std::byte{0};
    std::string out = hash_of_tensors({large});
    bytes[at] = std::byte{1};
    return out;
  };
  EXPECT_NE(hash_without(0), hash);
  EXPECT_NE(hash_without(bytes.size() - 1), hash);
  EXPECT_NE(hash_without((bytes.size() - 4096) / 15 + 1), hash);  // in the second piece
  EXPECT_EQ(hash_without(4096), hash);                            // between pieces
}

TEST(HashOfTensors, ReadsSmallOnesWholeBesideLargeOnes) {
  const std::vector<std::byte> large(kHashedWhole, std::byte{1});
  std::vector<std::byte> small(65536, std::byte{1});
  const std::vector<StoredTensor> tensors = {tensor("a", large), tensor("b", small)};
  const std::string hash = hash_of_tensors(tensors);
  small[5000] = std::byte{2};
  EXPECT_NE(hash_of_tensors(tensors), hash);
}

}  // namespace
}  // namespace cajal
