// A cross-layer transcoder of 2.5 million features needs memory for what fires, not for its
// weights.
#include <fstream>

#include <gtest/gtest.h>

#include "dictionary/encode.h"
#include "dictionary/load.h"
#include "io/json.h"
#include "testing/files.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLayers = 26;
constexpr std::size_t kFeatures = 98304;  // 2.56 million in all, as for Gemma 2 2B
constexpr std::size_t kWidth = 32;        // 2.2 GB of decoders, which no disk has to hold

/// bf16 tensors of zeros: the file has a header, and a hole.
class SparseFile {
 public:
  void add(const std::string& name, std::vector<std::size_t> shape) {
    std::size_t bytes = 2;
    for (const std::size_t n : shape) {
      bytes *= n;
    }
    header_.set(name, Json::object({{"dtype", "BF16"},
                                    {"shape", Json::array_of(shape)},
                                    {"data_offsets", Json(Json::Array{size_, size_ + bytes})}}));
    size_ += bytes;
  }
  void write(const fs::path& path) {
    std::string text = header_.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    const std::uint64_t length = text.size();
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out << text;
    out.close();
    begin_ = sizeof length + text.size();
    fs::resize_file(path, begin_ + size_);
  }
  /// Sets element `i` of the data to 1.
  void set_one(const fs::path& path, std::size_t i) const {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(begin_ + 2 * i));
    file.write("\x80\x3F", 2);
  }

 private:
  Json header_ = Json::object({});
  std::size_t size_ = 0;
  std::size_t begin_ = 0;
};

void write_clt(const fs::path& folder) {
  for (std::size_t l = 0; l < kLayers; ++l) {
    const std::string number = std::to_string(l);
    SparseFile encoder;
    encoder.add("W_enc_" + number, {kFeatures, kWidth});
    encoder.add("b_enc_" + number, {kFeatures});
    encoder.add("b_dec_" + number, {kWidth});
    const fs::path enc = folder / ("W_enc_" + number + ".safetensors");
    encoder.write(enc);
    encoder.set_one(enc, (l + 5) * kWidth);  // feature l + 5 reads the first number
    SparseFile decoder;
    decoder.add("W_dec_" + number, {kFeatures, kLayers - l, kWidth});
    const fs::path dec = folder / ("W_dec_" + number + ".safetensors");
    decoder.write(dec);
    decoder.set_one(dec, ((l + 5) * (kLayers - l) + kLayers - l - 1) * kWidth + 1);
  }
}

/// Memory of this process that no file backs, in KiB.
std::size_t private_memory() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("RssAnon:")) {
      return std::stoul(line.substr(8));
    }
  }
  return 0;
}

TEST(LargeClt, NeedsNoMoreMemoryThanWhatFires) {
  const testing::TemporaryFolder folder;
  write_clt(folder.path());
  const auto backend = make_cpu_backend();
  Matrix x = Matrix::host(2, kWidth, DType::F32);
  std::fill_n(x.as<float>().data, 2 * kWidth, 0.5F);
  const std::size_t before = private_memory();
  const auto dictionary = load_dictionary(folder.path());
  EXPECT_GE(dictionary->features(), 2'500'000U);
  std::vector<SparseRows> codes;
  for (std::size_t l = 0; l < kLayers; ++l) {
    codes.push_back(encode(*backend, *dictionary, l, x.ref()));
    ASSERT_EQ(codes[l].stored(), 2U);
    EXPECT_EQ(codes[l].columns[0], l + 5);
  }
  Matrix out = make_matrix(*backend, 2, kWidth);
  decode(*backend, *dictionary, kLayers - 1, codes, {}, out.ref());
  EXPECT_EQ(out.as<float>().at(1, 1), 0.5F * kLayers);
  EXPECT_EQ(out.as<float>().at(1, 0), 0.0F);
  // Biases are held as f32: 4 bytes a feature. The rest is a block of pre-activations.
  const std::size_t limit = 4 * kLayers * kFeatures / 1024 + 40 * 1024;
  EXPECT_LE(private_memory() - before, limit);
}

}  // namespace
}  // namespace cajal
