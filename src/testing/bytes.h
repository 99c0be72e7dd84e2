// Files made in memory by hand, right or wrong.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace cajal::testing {

/// Appends little-endian numbers and text.
class Bytes {
 public:
  template <typename T>
  Bytes& put(T x) {
    out_.append(reinterpret_cast<const char*>(&x), sizeof x);
    return *this;
  }
  Bytes& text(std::string_view x) {
    out_ += x;
    return *this;
  }
  /// As GGUF has it: the length in 8 bytes, then the text.
  Bytes& gguf_string(std::string_view x) { return put(std::uint64_t{x.size()}).text(x); }
  Bytes& pad_to(std::size_t alignment) {
    out_.append((alignment - out_.size() % alignment) % alignment, '\0');
    return *this;
  }
  const std::string& str() const { return out_; }

 private:
  std::string out_;
};

/// The magic number, version 3 and both counts.
inline Bytes gguf_start(std::uint64_t tensors, std::uint64_t values, std::uint32_t version = 3) {
  return Bytes().text("GGUF").put(version).put(tensors).put(values);
}

/// A safetensors file: the header's length, the header, the data.
inline std::string safetensors_file(std::string_view header, std::string_view data = "") {
  return Bytes().put(std::uint64_t{header.size()}).text(header).text(data).str();
}

/// A .npy file of version 1 with the header as given.
inline std::string npy_file(std::string_view header, std::string_view data = "") {
  return Bytes()
      .text(std::string_view("\x93NUMPY\1\0", 8))
      .put(static_cast<std::uint16_t>(header.size()))
      .text(header)
      .text(data)
      .str();
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace cajal::testing
