#include "io/zip_handles.h"

#include <zip.h>

namespace cajal {

void DiscardZip::operator()(zip* archive) const {
  zip_discard(archive);
}

void FreeZipSource::operator()(zip_source* source) const {
  zip_source_free(source);
}

ZipError::ZipError() : error_(std::make_unique<zip_error>()) {
  zip_error_init(error_.get());
}

ZipError::~ZipError() {
  zip_error_fini(error_.get());
}

std::string ZipError::text() const {
  return zip_error_strerror(error_.get());
}

}  // namespace cajal
