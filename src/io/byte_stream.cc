#include "io/byte_stream.h"

#include <bit>
#include <limits>

#include "base/error.h"

namespace cajal {

void ByteWriter::number(std::uint64_t x) {
  for (; x >= 128; x >>= 7U) {
    out_.push_back(static_cast<char>(128U | (x & 127U)));
  }
  out_.push_back(static_cast<char>(x));
}

void ByteWriter::signed_number(std::int64_t x) {
  const auto bits = static_cast<std::uint64_t>(x);
  number(x < 0 ? ~(bits << 1U) : bits << 1U);  // the sign becomes the lowest bit
}

void ByteWriter::real(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    out_.push_back(static_cast<char>(bits >> shift & 255U));
  }
}

void ByteWriter::half(float x) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(x) + 0x8000U;
  out_.push_back(static_cast<char>(bits >> 16U & 255U));
  out_.push_back(static_cast<char>(bits >> 24U & 255U));
}

void ByteWriter::text(std::string_view x) {
  number(x.size());
  out_ += x;
}

std::uint64_t ByteReader::number() {
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint64_t byte = next();
    out |= (byte & 127U) << shift;
    if (byte < 128) {
      return out;
    }
  }
  broken();
}

std::int64_t ByteReader::signed_number() {
  const std::uint64_t bits = number();
  return static_cast<std::int64_t>((bits & 1U) != 0 ? ~(bits >> 1U) : bits >> 1U);
}

std::size_t ByteReader::count() {
  const std::uint64_t n = number();
  require(n <= bytes_.size() - at_);
  return static_cast<std::size_t>(n);
}

std::uint32_t ByteReader::small() {
  const std::uint64_t n = number();
  require(n <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(n);
}

std::int32_t ByteReader::id() {
  const std::uint32_t n = small();
  require(n <= static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max()));
  return static_cast<std::int32_t>(n);
}

float ByteReader::real() {
  std::uint32_t bits = 0;
  for (unsigned shift = 0; shift < 32; shift += 8) {
    bits |= static_cast<std::uint32_t>(next()) << shift;
  }
  return std::bit_cast<float>(bits);
}

float ByteReader::half() {
  std::uint32_t bits = static_cast<std::uint32_t>(next()) << 16U;
  bits |= static_cast<std::uint32_t>(next()) << 24U;
  return std::bit_cast<float>(bits);
}

std::string ByteReader::text() {
  const std::size_t size = count();
  std::string out(bytes_.substr(at_, size));
  at_ += size;
  return out;
}

void ByteReader::end() const {
  require(at_ == bytes_.size());
}

void ByteReader::require(bool holds) const {
  if (!holds) {
    broken();
  }
}

std::uint8_t ByteReader::next() {
  require(at_ < bytes_.size());
  return static_cast<std::uint8_t>(bytes_[at_++]);
}

void ByteReader::broken() const {
  fail(ErrorCode::CorruptData, "{}: byte {} of {} is not what was written; {}", where_, at_,
       bytes_.size(), advice_);
}

}  // namespace cajal
