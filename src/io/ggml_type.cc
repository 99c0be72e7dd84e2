#include "io/ggml_type.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "base/error.h"
#include "base/parallel.h"

namespace cajal {
namespace {

constexpr GgmlType kGgmlTypes[] = {
    {0, "F32", 1, 4, DType::F32},
    {1, "F16", 1, 2, DType::F16},
    {2, "Q4_0", 32, 18, std::nullopt},
    {3, "Q4_1", 32, 20, std::nullopt},
    {6, "Q5_0", 32, 22, std::nullopt},
    {7, "Q5_1", 32, 24, std::nullopt},
    {8, "Q8_0", 32, 34, std::nullopt},
    {9, "Q8_1", 32, 36, std::nullopt},
    {10, "Q2_K", 256, 84, std::nullopt},
    {11, "Q3_K", 256, 110, std::nullopt},
    {12, "Q4_K", 256, 144, std::nullopt},
    {13, "Q5_K", 256, 176, std::nullopt},
    {14, "Q6_K", 256, 210, std::nullopt},
    {15, "Q8_K", 256, 292, std::nullopt},
    {16, "IQ2_XXS", 256, 66, std::nullopt},
    {17, "IQ2_XS", 256, 74, std::nullopt},
    {18, "IQ3_XXS", 256, 98, std::nullopt},
    {19, "IQ1_S", 256, 50, std::nullopt},
    {20, "IQ4_NL", 32, 18, std::nullopt},
    {21, "IQ3_S", 256, 110, std::nullopt},
    {22, "IQ2_S", 256, 82, std::nullopt},
    {23, "IQ4_XS", 256, 136, std::nullopt},
    {24, "I8", 1, 1, DType::I8},
    {25, "I16", 1, 2, std::nullopt},
    {26, "I32", 1, 4, DType::I32},
    {27, "I64", 1, 8, DType::I64},
    {28, "F64", 1, 8, DType::F64},
    {29, "IQ1_M", 256, 56, std::nullopt},
    {30, "BF16", 1, 2, DType::BF16},
    {34, "TQ1_0", 256, 54, std::nullopt},
    {35, "TQ2_0", 256, 66, std::nullopt},
    {39, "MXFP4", 32, 17, std::nullopt},
    {40, "NVFP4", 64, 36, std::nullopt},
    {41, "Q1_0", 128, 18, std::nullopt},
};

unsigned byte_at(const std::byte* p) {
  return std::to_integer<unsigned>(*p);
}

float f16_at(const std::byte* p) {
  return widen(Float16{static_cast<std::uint16_t>(byte_at(p) | (byte_at(p + 1) << 8U))});
}

float i8_at(const std::byte* p) {
  return static_cast<float>(static_cast<std::int8_t>(byte_at(p)));
}

/// An unsigned level, moved down so that it is signed.
float level(unsigned q, int zero = 0) {
  return static_cast<float>(static_cast<int>(q) - zero);
}

// One block each. The low halves of the bytes are the first elements, the high halves the later.

struct Q80 {
  static constexpr std::size_t kBlock = 32;
  static constexpr std::size_t kBytes = 34;  // scale, 32 levels
  static void decode(const std::byte* in, float* out) {
    const float d = f16_at(in);
    for (std::size_t j = 0; j < kBlock; ++j) {
      out[j] = d * i8_at(in + 2 + j);
    }
  }
};

struct Q40 {
  static constexpr std::size_t kBlock = 32;
  static constexpr std::size_t kBytes = 18;  // scale, 16 pairs
  static void decode(const std::byte* in, float* out) {
    const float d = f16_at(in);
    for (std::size_t j = 0; j < 16; ++j) {
      const unsigned q = byte_at(in + 2 + j);
      out[j] = d * level(q & 15U, 8);
      out[j + 16] = d * level(q >> 4U, 8);
    }
  }
};

struct Q41 {
  static constexpr std::size_t kBlock = 32;
  static constexpr std::size_t kBytes = 20;  // scale, minimum, 16 pairs
  static void decode(const std::byte* in, float* out) {
    const float d = f16_at(in);
    const float m = f16_at(in + 2);
    for (std::size_t j = 0; j < 16; ++j) {
      const unsigned q = byte_at(in + 4 + j);
      out[j] = d * level(q & 15U) + m;
      out[j + 16] = d * level(q >> 4U) + m;
    }
  }
};

/// The fifth bits of a block of 32, one bit an element.
std::uint32_t high_bits(const std::byte* p) {
  return byte_at(p) | (byte_at(p + 1) << 8U) | (byte_at(p + 2) << 16U) | (byte_at(p + 3) << 24U);
}

struct Q50 {
  static constexpr std::size_t kBlock = 32;
  static constexpr std::size_t kBytes = 22;  // scale, fifth bits, 16 pairs
  static void decode(const std::byte* in, float* out) {
    const float d = f16_at(in);
    const std::uint32_t high = high_bits(in + 2);
    for (std::size_t j = 0; j < 16; ++j) {
      const unsigned q = byte_at(in + 6 + j);
      out[j] = d * level((q & 15U) | (((high >> j) & 1U) << 4U), 16);
      out[j + 16] = d * level((q >> 4U) | (((high >> (j + 16)) & 1U) << 4U), 16);
    }
  }
};

struct Q51 {
  static constexpr std::size_t kBlock = 32;
  static constexpr std::size_t kBytes = 24;  // scale, minimum, fifth bits, 16 pairs
  static void decode(const std::byte* in, float* out) {
    const float d = f16_at(in);
    const float m = f16_at(in + 2);
    const std::uint32_t high = high_bits(in + 4);
    for (std::size_t j = 0; j < 16; ++j) {
      const unsigned q = byte_at(in + 8 + j);
      out[j] = d * level((q & 15U) | (((high >> j) & 1U) << 4U)) + m;
      out[j + 16] = d * level((q >> 4U) | (((high >> (j + 16)) & 1U) << 4U)) + m;
    }
  }
};

struct ScaleAndMinimum {
  float scale;
  float minimum;
};

/// Eight scales and eight minima of 6 bits in 12 bytes: the first four of each lie in the low 6
/// bits of bytes 0 to 7, the others in the nibbles of bytes 8 to 11 with their top 2 bits in bytes
/// 0 to 7.
ScaleAndMinimum sub_scale(const std::byte* scales, std::size_t j, float d, float d_min) {
  const auto at = [&](std::size_t i) { return byte_at(scales + i); };
  if (j < 4) {
    return {d * level(at(j) & 63U), d_min * level(at(j + 4) & 63U)};
  }
  return {d * level((at(j + 4) & 15U) | ((at(j - 4) >> 6U) << 4U)),
          d_min * level((at(j + 4) >> 4U) | ((at(j) >> 6U) << 4U))};
}

struct Q4K {
  static constexpr std::size_t kBlock = 256;
  static constexpr std::size_t kBytes = 144;  // d, d_min, 12 bytes of scales, 128 pairs
  static void decode(const std::byte* in, float* out) {
    const float d = f16_at(in);
    const float d_min = f16_at(in + 2);
    for (std::size_t j = 0; j < 4; ++j) {
      const ScaleAndMinimum low = sub_scale(in + 4, 2 * j, d, d_min);
      const ScaleAndMinimum high = sub_scale(in + 4, 2 * j + 1, d, d_min);
      for (std::size_t l = 0; l < 32; ++l) {
        const unsigned q = byte_at(in + 16 + 32 * j + l);
        out[64 * j + l] = low.scale * level(q & 15U) - low.minimum;
        out[64 * j + 32 + l] = high.scale * level(q >> 4U) - high.minimum;
      }
    }
  }
};

struct Q5K {
  static constexpr std::size_t kBlock = 256;
  static constexpr std::size_t kBytes =
      176;  // d, d_min, 12 bytes of scales, 32 of fifth bits, pairs
  static void decode(const std::byte* in, float* out) {
    const float d = f16_at(in);
    const float d_min = f16_at(in + 2);
    for (std::size_t j = 0; j < 4; ++j) {
      const ScaleAndMinimum low = sub_scale(in + 4, 2 * j, d, d_min);
      const ScaleAndMinimum high = sub_scale(in + 4, 2 * j + 1, d, d_min);
      for (std::size_t l = 0; l < 32; ++l) {
        const unsigned q = byte_at(in + 48 + 32 * j + l);
        const unsigned fifth = byte_at(in + 16 + l) >> (2 * j);
        out[64 * j + l] = low.scale * level((q & 15U) | ((fifth & 1U) << 4U)) - low.minimum;
        out[64 * j + 32 + l] =
            high.scale * level((q >> 4U) | (((fifth >> 1U) & 1U) << 4U)) - high.minimum;
      }
    }
  }
};

struct Q6K {
  static constexpr std::size_t kBlock = 256;
  static constexpr std::size_t kBytes = 210;  // 128 low nibble pairs, 64 of high bits, 16 scales, d
  static void decode(const std::byte* in, float* out) {
    const float d = f16_at(in + 208);
    for (std::size_t i = 0; i < 16; ++i) {  // 16 elements with one scale
      const std::size_t half = i / 8;
      const std::size_t quarter = i % 8 / 2;
      const std::byte* low = in + 64 * half + 32 * (quarter % 2) + 16 * (i % 2);
      const std::byte* high = in + 128 + 32 * half + 16 * (i % 2);
      const auto low_shift = static_cast<unsigned>(4 * (quarter / 2));
      const auto high_shift = static_cast<unsigned>(2 * quarter);
      const float scale = d * i8_at(in + 192 + i);
      for (std::size_t l = 0; l < 16; ++l) {
        const unsigned q = ((byte_at(low + l) >> low_shift) & 15U) |
                           (((byte_at(high + l) >> high_shift) & 3U) << 4U);
        out[16 * i + l] = scale * level(q, 32);
      }
    }
  }
};

template <typename Format>
void decode_all(std::span<const std::byte> blocks, std::span<float> out) {
  constexpr std::size_t kGrain = (std::size_t{1} << 16U) / Format::kBlock;
  parallel_for(blocks.size() / Format::kBytes, kGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      Format::decode(blocks.data() + i * Format::kBytes, out.data() + i * Format::kBlock);
    }
  });
}

using Decoder = void (*)(std::span<const std::byte>, std::span<float>);

Decoder find_decoder(std::string_view name) {
  struct Entry {
    std::string_view name;
    Decoder decoder;
  };
  constexpr Entry kDecoders[] = {
      {"Q8_0", decode_all<Q80>}, {"Q4_0", decode_all<Q40>}, {"Q4_1", decode_all<Q41>},
      {"Q5_0", decode_all<Q50>}, {"Q5_1", decode_all<Q51>}, {"Q4_K", decode_all<Q4K>},
      {"Q5_K", decode_all<Q5K>}, {"Q6_K", decode_all<Q6K>},
  };
  const auto* it = std::find_if(std::begin(kDecoders), std::end(kDecoders),
                                [&](const Entry& entry) { return entry.name == name; });
  return it == std::end(kDecoders) ? nullptr : it->decoder;
}

}  // namespace

const GgmlType* find_ggml_type(std::uint32_t id) noexcept {
  const auto* it = std::find_if(std::begin(kGgmlTypes), std::end(kGgmlTypes),
                                [&](const GgmlType& type) { return type.id == id; });
  return it == std::end(kGgmlTypes) ? nullptr : it;
}

const GgmlType* find_ggml_type(std::string_view name) noexcept {
  const auto* it = std::find_if(std::begin(kGgmlTypes), std::end(kGgmlTypes),
                                [&](const GgmlType& type) { return type.name == name; });
  return it == std::end(kGgmlTypes) ? nullptr : it;
}

bool can_decode(const GgmlType& type) noexcept {
  return find_decoder(type.name) != nullptr;
}

void decode_blocks(const GgmlType& type, std::span<const std::byte> blocks, std::span<float> out) {
  const Decoder decoder = find_decoder(type.name);
  if (decoder == nullptr) {
    fail(ErrorCode::Unsupported, "blocks of the type {} cannot be decoded", type.name);
  }
  check(blocks.size() % type.bytes == 0 && blocks.size() / type.bytes * type.block == out.size(),
        "decode_blocks: {} bytes of {} into {} elements", blocks.size(), type.name, out.size());
  decoder(blocks, out);
}

}  // namespace cajal
