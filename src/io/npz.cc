#include "io/npz.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_map>
#include <zip.h>

#include "base/error.h"

namespace cajal {
namespace {

constexpr std::string_view kEnding = ".npy";
constexpr std::uint64_t kAlwaysUnpacked = std::uint64_t{64} << 20U;
constexpr std::uint64_t kMostRatio = 100;
constexpr std::uint64_t kDeflateRatio = 1032;  // deflate cannot shrink more than this

struct Discard {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
using ZipPointer = std::unique_ptr<zip_t, Discard>;

struct CloseEntry {
  // What closing reports has been reported by the reads before.
  void operator()(zip_file_t* file) const { static_cast<void>(zip_fclose(file)); }
};

struct FreeSource {
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using SourcePointer = std::unique_ptr<zip_source_t, FreeSource>;

/// The library's error, which owns memory.
struct ZipError {
  ZipError() { zip_error_init(&error); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  ~ZipError() { zip_error_fini(&error); }
  std::string text() { return zip_error_strerror(&error); }
  zip_error_t error{};
};

ZipPointer open_archive(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.empty()) {  // for the library this is an archive without entries
    fail(ErrorCode::CorruptData, "{}: is empty, which is no .npz (zip) file", name);
  }
  ZipError error;
  SourcePointer source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error.error));
  ZipPointer zip(source ? zip_open_from_source(source.get(), ZIP_RDONLY, &error.error) : nullptr);
  if (!zip) {
    fail(ErrorCode::CorruptData, "{}: cannot be read as a .npz (zip) file: {}", name,
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
         "it "
         "without compression (numpy.savez)",
         where, entry.comp_size, entry.size);
  }
}

}  // namespace

struct Npz::Archive {
  std::string name;
  std::shared_ptr<const void> owner;
  std::size_t file_size = 0;
  std::vector<std::string> names;
  std::unordered_map<std::string_view, std::uint64_t> entries;  // keys are views of `names`
  mutable std::mutex mutex;                                     // guards zip
  ZipPointer zip;

  void list_entries();
  Buffer unpack(std::uint64_t index, std::uint64_t size, const std::string& where) const;
};

void Npz::Archive::list_entries() {
  const zip_int64_t count = zip_get_num_entries(zip.get(), 0);
  std::vector<std::uint64_t> indices;
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* raw = zip_get_name(zip.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    std::string_view entry = raw == nullptr ? "" : raw;
    if (entry.ends_with(kEnding)) {
      entry.remove_suffix(kEnding.size());
      names.emplace_back(entry);
      indices.push_back(static_cast<std::uint64_t>(i));
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!entries.emplace(names[i], indices[i]).second) {
      fail(ErrorCode::CorruptData, "{}: has two arrays named '{}'", name, printable(names[i]));
    }
  }
}

Buffer Npz::Archive::unpack(std::uint64_t index, std::uint64_t size,
                            const std::string& where) const {
  const std::unique_ptr<zip_file_t, CloseEntry> file(zip_fopen_index(zip.get(), index, 0));
  if (!file) {
    fail(ErrorCode::CorruptData, "{}: cannot be unpacked: {}", where,
         printable(zip_strerror(zip.get())));
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

Npz::Npz(std::unique_ptr<Archive> archive) : archive_(std::move(archive)) {}
Npz::~Npz() = default;

std::shared_ptr<const Npz> Npz::open(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return parse(bytes, path.string(), std::move(file));
}

std::shared_ptr<const Npz> Npz::parse(std::span<const std::byte> bytes, std::string name,
                                      std::shared_ptr<const void> owner) {
  auto archive = std::make_unique<Archive>();
  archive->zip = open_archive(bytes, name);
  archive->name = std::move(name);
  archive->owner = std::move(owner);
  archive->file_size = bytes.size();
  archive->list_entries();
  return std::shared_ptr<const Npz>(new Npz(std::move(archive)));
}

const std::vector<std::string>& Npz::names() const noexcept {
  return archive_->names;
}

bool Npz::contains(std::string_view name) const noexcept {
  return archive_->entries.contains(name);
}

std::shared_ptr<const Npy> Npz::read(std::string_view name) const {
  const auto it = archive_->entries.find(name);
  if (it == archive_->entries.end()) {
    fail(ErrorCode::NotFound, "{}: has no array '{}'", archive_->name, printable(name));
  }
  std::string where = fmt::format("{}: array '{}'", archive_->name, printable(name));
  zip_stat_t entry{};
  std::shared_ptr<Buffer> unpacked;
  {
    const std::lock_guard lock(archive_->mutex);
    constexpr zip_uint64_t kNeeded =
        ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(archive_->zip.get(), it->second, 0, &entry) != 0 ||
        (entry.valid & kNeeded) != kNeeded) {
      fail(ErrorCode::CorruptData, "{}: its entry cannot be read", where);
    }
    check_entry(entry, archive_->file_size, where);
    unpacked = std::make_shared<Buffer>(archive_->unpack(it->second, entry.size, where));
  }
  const std::span<const std::byte> bytes(unpacked->get(), entry.size);
  auto array = Npy::read(bytes, std::move(where), std::move(unpacked));
  array->tensor_.name = it->first;
  return array;
}

namespace {

/// An entry to be written; must stay in place until the archive is closed.
struct PackedEntry {
  std::string header;
  Buffer copy{nullptr, [](std::byte*) {}};  // where the matrix has gaps between its rows
  std::array<zip_buffer_fragment_t, 2> fragments{};
};

zip_uint8_t* as_fragment(const void* data) {
  return static_cast<zip_uint8_t*>(const_cast<void*>(data));  // NOLINT: the library only reads it
}

void fill_entry(PackedEntry& entry, const NamedMatrix& array) {
  const ConstMatRef& m = array.matrix;
  const auto shape = array.shape.value_or(std::vector{m.rows, m.cols});
  check(count_elements(shape) == m.rows * m.cols,
        "array '{}': the shape {} does not fit a matrix of [{}, {}]", array.name, shape_text(shape),
        m.rows, m.cols);
  entry.header = npy_header(m.dtype, shape);
  const std::size_t size = m.rows * m.cols * size_of(m.dtype);
  const std::byte* data = m.data;
  if (m.stride != m.cols) {
    entry.copy = allocate_host(size);
    data = entry.copy.get();
    std::byte* to = entry.copy.get();
    for_each_piece(m, [&](std::span<const std::byte> bytes) {
      to = std::copy(bytes.begin(), bytes.end(), to);
    });
  }
  entry.fragments = {
      {{as_fragment(entry.header.data()), entry.header.size()}, {as_fragment(data), size}}};
}

void add_entry(zip_t* zip, PackedEntry& entry, const std::string& name, Packing packing) {
  const bool empty = entry.fragments[1].length == 0;
  SourcePointer source(zip_source_buffer_fragment(zip, entry.fragments.data(), empty ? 1 : 2, 0));
  const std::string file = name + std::string(kEnding);
  const zip_int64_t index =
      source ? zip_file_add(zip, file.c_str(), source.get(), ZIP_FL_ENC_UTF_8) : -1;
  check(index >= 0, "array '{}' cannot be added to a .npz file: {}", name, zip_strerror(zip));
  [[maybe_unused]] const auto* taken = source.release();
  const auto at = static_cast<zip_uint64_t>(index);
  const zip_int32_t method = packing == Packing::Store ? ZIP_CM_STORE : ZIP_CM_DEFLATE;
  constexpr zip_uint16_t kFirstDay = 0x21;  // 1980-01-01, as NumPy writes, so that bytes repeat
  check(zip_set_file_compression(zip, at, method, 0) == 0 &&
            zip_file_set_dostime(zip, at, 0, kFirstDay, 0) == 0,
        "array '{}' cannot be added to a .npz file: {}", name, zip_strerror(zip));
}

void copy_to_file(zip_source_t* source, const std::filesystem::path& path) {
  AtomicFile file(path);
  std::vector<std::byte> piece(std::size_t{1} << 20U);
  check(zip_source_open(source) == 0, "{}: the archive cannot be read back", path.string());
  zip_int64_t n = 0;
  while ((n = zip_source_read(source, piece.data(), piece.size())) > 0) {
    file.write(std::span(piece).first(static_cast<std::size_t>(n)));
  }
  check(zip_source_close(source) == 0 && n == 0, "{}: the archive cannot be read back",
        path.string());
  file.commit();
}

}  // namespace

void write_npz(const std::filesystem::path& path, std::span<const NamedMatrix> arrays,
               Packing packing) {
  check(!arrays.empty(), "{}: a .npz file must hold at least one array", path.string());
  ZipError error;
  const SourcePointer source(zip_source_buffer_create(nullptr, 0, 0, &error.error));
  check(source != nullptr, "{}: {}", path.string(), error.text());
  zip_source_keep(source.get());  // once for the archive, once for us
  ZipPointer zip(zip_open_from_source(source.get(), ZIP_CREATE | ZIP_TRUNCATE, &error.error));
  check(zip != nullptr, "{}: {}", path.string(), error.text());
  std::vector<PackedEntry> entries(arrays.size());
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    fill_entry(entries[i], arrays[i]);
    add_entry(zip.get(), entries[i], arrays[i].name, packing);
  }
  check(zip_close(zip.get()) == 0, "{}: cannot be packed: {}", path.string(),
        zip_strerror(zip.get()));
  [[maybe_unused]] const auto* closed = zip.release();
  copy_to_file(source.get(), path);
}

}  // namespace cajal
