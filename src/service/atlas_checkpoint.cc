#include "service/atlas_checkpoint.h"

#include "base/error.h"
#include "io/hash.h"
#include "train/model_folder.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "cajal-atlas-1";
constexpr const char* kAdvice = "begin again with --force";

std::string bytes_of(const AtlasState& state) {
  ByteWriter out;
  out.number(state.position.document);
  out.number(state.position.done);
  out.number(state.position.given);
  out.number(state.batches);
  state.builder.save(out);
  state.truth.save(out);
  return out.take();
}

void read_state(std::string_view bytes, const std::string& where, AtlasState& state) {
  ByteReader in(bytes, where, kAdvice);
  state.position = {.document = in.number(), .done = in.number(), .given = in.number()};
  state.batches = in.number();
  state.builder.restore(in);
  state.truth.restore(in);
  in.end();
}

ConstMatRef as_row(std::string_view bytes) {
  return {.data = reinterpret_cast<const std::byte*>(bytes.data()),
          .rows = 1,
          .cols = bytes.size(),
          .stride = bytes.size(),
          .dtype = DType::U8};
}

}  // namespace

AtlasCheckpoint::AtlasCheckpoint(const fs::path& atlas, std::string about, Beginning beginning)
    : path_(atlas.string() + ".checkpoint"), about_(std::move(about)) {
  if (!fs::exists(path_)) {
    return;
  }
  open();
  if (beginning == Beginning::Over) {
    folder_->clear();
  }
  check(
      beginning == Beginning::Resumed || !folder_->newest(),
      "{}: an atlas that was not finished has left this checkpoint; go on with --resume, or begin "
      "again with --force",
      path_.string());
}

void AtlasCheckpoint::open() {
  if (folder_) {
    return;
  }
  make_folder(path_);
  auto lock = FolderLock::take(path_);
  check(lock.has_value(),
        "{}: another process builds this atlas; wait until it ends, or choose another file with -o",
        path_.string());
  lock_.emplace(std::move(*lock));
  folder_.emplace(path_, kFormat, about_, 1);
}

void AtlasCheckpoint::save(const AtlasState& state) {
  open();
  const std::string bytes = bytes_of(state);
  folder_->save(static_cast<std::size_t>(state.batches),
                {{.name = "state", .matrix = as_row(bytes), .shape = std::vector{bytes.size()}}},
                {{"hash", hash_of(bytes)}});
}

bool AtlasCheckpoint::load(AtlasState& state) {
  if (!folder_ || !folder_->newest()) {
    return false;
  }
  std::vector<std::string> damage;
  const bool found = folder_->load(
      [&](const Safetensors& file, std::size_t) {
        const std::span<const std::byte> bytes = file.at("state").bytes;
        if (hash_of(bytes) != checkpoint_entry(file, "hash")) {
          fail(ErrorCode::CorruptData, "{}: is not as it was written", file.name());
        }
        read_state({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file.name(), state);
      },
      damage);
  if (!found) {
    fail(ErrorCode::CorruptData, "{}: no checkpoint there can be read; {}", path_.string(),
         kAdvice);
  }
  return true;
}

void AtlasCheckpoint::remove() {
  if (folder_) {
    folder_->clear();
    folder_.reset();
    lock_.reset();
    std::error_code error;  // something of the user's lies there, too: it stays
    fs::remove(path_, error);
  }
}

}  // namespace cajal
