#include "io/npz.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <zip.h>

#include "base/error.h"
#include "io/zip_archive.h"
#include "io/zip_handles.h"

namespace cajal {
namespace {

constexpr std::string_view kEnding = ".npy";

}  // namespace

struct Npz::Archive {
  Archive(std::span<const std::byte> bytes, std::string name, std::shared_ptr<const void> owner)
      : zip(bytes, std::move(name), ".npz", std::move(owner)) {
    list_entries();
  }
  void list_entries();

  ZipArchive zip;
  std::vector<std::string> names;
  std::unordered_map<std::string_view, std::size_t> entries;  // keys are views of `names`
};

void Npz::Archive::list_entries() {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < zip.entries().size(); ++i) {
    std::string_view entry = zip.entries()[i];
    if (entry.ends_with(kEnding)) {
      entry.remove_suffix(kEnding.size());
      names.emplace_back(entry);
      indices.push_back(i);
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!entries.emplace(names[i], indices[i]).second) {
      fail(ErrorCode::CorruptData, "{}: has two arrays named '{}'", zip.name(),
           printable(names[i]));
    }
  }
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
  return std::shared_ptr<const Npz>(
      new Npz(std::make_unique<Archive>(bytes, std::move(name), std::move(owner))));
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
    fail(ErrorCode::NotFound, "{}: has no array '{}'", archive_->zip.name(), printable(name));
  }
  std::string where = fmt::format("{}: array '{}'", archive_->zip.name(), printable(name));
  ZipArchive::Unpacked unpacked = archive_->zip.read(it->second, where);
  auto owner = std::make_shared<Buffer>(std::move(unpacked.bytes));
  const std::span<const std::byte> bytes(owner->get(), unpacked.size);
  auto array = Npy::read(bytes, std::move(where), std::move(owner));
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
  ZipSourcePointer source(
      zip_source_buffer_fragment(zip, entry.fragments.data(), empty ? 1 : 2, 0));
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
  const ZipSourcePointer source(zip_source_buffer_create(nullptr, 0, 0, error.get()));
  check(source != nullptr, "{}: {}", path.string(), error.text());
  zip_source_keep(source.get());  // once for the archive, once for us
  ZipPointer zip(zip_open_from_source(source.get(), ZIP_CREATE | ZIP_TRUNCATE, error.get()));
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
