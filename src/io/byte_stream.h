// Numbers as bytes and back: integers of seven bits a byte, floats as they are or halved. For blobs
// and checkpoints whose fields their writer knows; the bytes are the same on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cajal {

class ByteWriter {
 public:
  void number(std::uint64_t x);
  /// Negative ones, too; small sizes are short.
  void signed_number(std::int64_t x);
  void real(float x);
  /// The upper half of a float, rounded to nearest.
  void half(float x);
  /// After its length.
  void text(std::string_view x);
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Everything it gives was there: bytes that end early or say what cannot be are CorruptData
/// "WHERE: byte 3 of 7 is not what was written; ADVICE".
class ByteReader {
 public:
  /// Views of all three, which must outlive it.
  ByteReader(std::string_view bytes, std::string_view where, std::string_view advice)
      : bytes_(bytes), where_(where), advice_(advice) {}

  std::uint64_t number();
  std::int64_t signed_number();
  /// A number of things that take a byte each at least.
  std::size_t count();
  std::uint32_t small();
  /// At most the largest int32: ids.
  std::int32_t id();
  float real();
  float half();
  std::string text();
  /// Throws unless all was read.
  void end() const;
  /// Throws unless `holds`, for what else the fields must fulfil.
  void require(bool holds) const;

 private:
  std::uint8_t next();
  [[noreturn]] void broken() const;

  std::string_view bytes_;
  std::string_view where_;
  std::string_view advice_;
  std::size_t at_ = 0;
};

}  // namespace cajal
