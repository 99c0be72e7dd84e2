#include "io/zip_archive.h"

#include <zip.h>

#include "base/error.h"
#include "io/tensor.h"
#include "io/zip_handles.h"

namespace cajal {
namespace {

constexpr std::uint64_t kAlwaysUnpacked = std::uint64_t{64} << 20U;
constexpr std::uint64_t kMostRatio = 100;
constexpr std::uint64_t kDeflateRatio = 1032;  // deflate cannot shrink more than this

struct CloseEntry {
  // What closing reports has been reported by the reads before.
  void operator()(zip_file_t* file) const { static_cast<void>(zip_fclose(file)); }
};

ZipPointer open_archive(std::span<const std::byte> bytes, const std::string& name,
                        std::string_view kind) {
  if (bytes.empty()) {  // for the library this is an archive without entries
    fail(ErrorCode::CorruptData, "{}: is empty, which is no {} (zip) file", name, kind);
  }
  ZipError error;
  ZipSourcePointer source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, error.get()));
  ZipPointer zip(source ? zip_open_from_source(source.get(), ZIP_RDONLY, error.get()) : nullptr);
  if (!zip) {
    fail(ErrorCode::CorruptData, "{}: cannot be read as a {} (zip) file: {}", name, kind,
         printable(error.text()));
  }
  [[maybe_unused]] const auto* taken = source.release();  // it belongs to the archive now
  return zip;
}

/// Refuses what would take far more memory than the file has bytes.
void check_entry(const zip_stat_t& entry, std::size_t file_size, const std::string& where) {
  const bool stored = entry.comp_method == ZIP_CM_STORE;
  if (!stored && entry.comp_method != ZIP_CM_DEFLATE) {
    fail(ErrorCode::Unsupported,
         "{}: is packed by the zip method {}; only stored and deflated entries can be read", where,
         entry.comp_method);
  }
  if (entry.encryption_method != ZIP_EM_NONE) {
    fail(ErrorCode::Unsupported, "{}: is encrypted", where);
  }
  const bool impossible =
      stored ? entry.size != entry.comp_size : entry.size / kDeflateRatio > entry.comp_size;
  if (entry.comp_size > file_size || impossible) {
    fail(ErrorCode::CorruptData, "{}: claims {} bytes packed into {}, in a file of {}", where,
         entry.size, entry.comp_size, file_size);
  }
  if (entry.size > kAlwaysUnpacked && entry.size / kMostRatio > entry.comp_size) {
    fail(ErrorCode::ResourceExhausted,
         "{}: claims that {} bytes unpack to {}, which looks like a zip bomb; if it is none, save "
         "it without compression",
         where, entry.comp_size, entry.size);
  }
}

Buffer unpack(zip_t* zip, std::uint64_t index, std::uint64_t size, const std::string& where) {
  const std::unique_ptr<zip_file_t, CloseEntry> file(zip_fopen_index(zip, index, 0));
  if (!file) {
    fail(ErrorCode::CorruptData, "{}: cannot be unpacked: {}", where, printable(zip_strerror(zip)));
  }
  Buffer out = allocate_host(size);
  std::uint64_t done = 0;
  zip_int64_t n = 1;
  while (n > 0 && done < size) {
    n = zip_fread(file.get(), out.get() + done, size - done);
    done += n > 0 ? static_cast<std::uint64_t>(n) : 0;
  }
  std::byte more{};  // reading on to the end makes the library check the sum
  const zip_int64_t rest = n < 0 ? n : zip_fread(file.get(), &more, 1);
  if (done != size || rest != 0) {
    fail(ErrorCode::CorruptData, "{}: cannot be unpacked to its {} bytes: {}", where, size,
         rest < 0 ? printable(zip_file_strerror(file.get())) : "it has another length");
  }
  return out;
}

}  // namespace

struct ZipArchive::Library {
  ZipPointer zip;
};

ZipArchive::ZipArchive(std::span<const std::byte> bytes, std::string name, std::string_view kind,
                       std::shared_ptr<const void> owner)
    : name_(std::move(name)),
      owner_(std::move(owner)),
      file_size_(bytes.size()),
      library_(std::make_unique<Library>()) {
  library_->zip = open_archive(bytes, name_, kind);
  const zip_int64_t count = zip_get_num_entries(library_->zip.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* raw =
        zip_get_name(library_->zip.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    entries_.emplace_back(raw == nullptr ? "" : raw);
  }
}

ZipArchive::~ZipArchive() = default;

ZipArchive::Unpacked ZipArchive::read(std::size_t index, const std::string& where) const {
  constexpr zip_uint64_t kNeeded =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  const std::lock_guard lock(mutex_);
  zip_stat_t entry{};
  if (zip_stat_index(library_->zip.get(), index, 0, &entry) != 0 ||
      (entry.valid & kNeeded) != kNeeded) {
    fail(ErrorCode::CorruptData, "{}: its entry cannot be read", where);
  }
  check_entry(entry, file_size_, where);
  return {unpack(library_->zip.get(), index, entry.size, where), entry.size};
}

}  // namespace cajal
