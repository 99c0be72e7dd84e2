// The documents of files one at a time, for corpora that are larger than memory.
//
// Files are mapped and their pages given back once read, so a stream holds one document. A file
// named *.jsonl has a document in each line (corpus/reader.h); another file is plain text, which
// comes in pieces of at most kMostPiece bytes: cut at the end of a line, or where there is none at
// the end of a character.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "corpus/document.h"

namespace cajal {

/// Not for two threads at once.
class DocumentStream {
 public:
  static constexpr std::size_t kMostPiece = std::size_t{1} << 18U;

  /// Throws what MappedFile::open throws, CorruptData for a file that is empty, and
  /// InvalidArgument for a list in JSON.
  explicit DocumentStream(std::span<const std::filesystem::path> files);

  /// Document `index`, counted over all files; nullopt after the last. In order it costs what
  /// reading costs; elsewhere documents are passed over, from the first file on if need be. Throws
  /// CorruptData as read_documents does, when it gets there.
  std::optional<Document> read(std::uint64_t index);

  /// Whether documents may say what is true of them: plain text never does.
  bool may_have_spans() const noexcept;
  /// Of all files together, and of these those that were read.
  std::uint64_t bytes() const noexcept;
  std::uint64_t bytes_read() const noexcept;

 private:
  bool lines(std::size_t file) const { return files_[file]->path().extension() == ".jsonl"; }
  /// The text of the next document; nullopt after the last.
  std::optional<std::string_view> next();
  std::string_view take_line(std::string_view left);
  std::string_view take_piece(std::string_view left);
  void leave_file();

  std::vector<std::shared_ptr<const MappedFile>> files_;
  std::size_t file_ = 0;
  std::size_t at_ = 0;           // byte of it
  std::size_t given_back_ = 0;   // of its bytes
  std::size_t line_ = 0;         // lines of it that were read
  std::uint64_t of_file_ = 0;    // documents of it that were read
  std::uint64_t documents_ = 0;  // of all files
};

}  // namespace cajal
