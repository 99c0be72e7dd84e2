// What libzip hands out, owned. Private to this folder; the library's own header is included by .cc
// files only.
#pragma once

#include <memory>
#include <string>

struct zip;
struct zip_error;
struct zip_source;

namespace cajal {

struct DiscardZip {
  void operator()(zip* archive) const;
};
/// Unless it is closed and released, nothing of what was added is written.
using ZipPointer = std::unique_ptr<zip, DiscardZip>;

struct FreeZipSource {
  void operator()(zip_source* source) const;
};
using ZipSourcePointer = std::unique_ptr<zip_source, FreeZipSource>;

/// The library's error, which owns memory.
class ZipError {
 public:
  ZipError();
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  ~ZipError();

  zip_error* get() const noexcept { return error_.get(); }
  std::string text() const;

 private:
  std::unique_ptr<zip_error> error_;
};

}  // namespace cajal
