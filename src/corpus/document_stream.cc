#include "corpus/document_stream.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "corpus/reader.h"

namespace cajal {
namespace {

std::string_view text_of(const MappedFile& file) {
  const std::span<const std::byte> bytes = file.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[noreturn]] void fail_empty(const MappedFile& file) {
  fail(ErrorCode::CorruptData, "{}: holds no text to read", file.path().string());
}

bool continues_a_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

}  // namespace

DocumentStream::DocumentStream(std::span<const std::filesystem::path> files) {
  for (const std::filesystem::path& path : files) {
    check(path.extension() != ".json",
          "{}: a list of texts is read whole, by grow and learn alone; give plain text, or .jsonl "
          "with a document a line",
          path.string());
    files_.push_back(MappedFile::open(path));
    if (files_.back()->bytes().empty()) {
      fail_empty(*files_.back());
    }
  }
}

bool DocumentStream::may_have_spans() const noexcept {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (lines(i)) {
      return true;
    }
  }
  return false;
}

std::uint64_t DocumentStream::bytes() const noexcept {
  std::uint64_t out = 0;
  for (const auto& file : files_) {
    out += file->bytes().size();
  }
  return out;
}

std::uint64_t DocumentStream::bytes_read() const noexcept {
  std::uint64_t out = at_;
  for (std::size_t i = 0; i < file_; ++i) {
    out += files_[i]->bytes().size();
  }
  return out;
}

std::string_view DocumentStream::take_line(std::string_view left) {
  const std::size_t end = std::min(left.find('\n'), left.size());
  at_ += std::min(end + 1, left.size());
  ++line_;
  return left.substr(0, end);
}

std::string_view DocumentStream::take_piece(std::string_view left) {
  std::size_t end = std::min(left.size(), kMostPiece);
  if (end < left.size()) {
    const std::size_t line = left.substr(0, end).rfind('\n');
    if (line != std::string_view::npos) {
      end = line + 1;
    } else {
      for (int i = 0; i < 3 && continues_a_character(left[end]); ++i) {
        --end;
      }
    }
  }
  at_ += end;
  return left.substr(0, end);
}

void DocumentStream::leave_file() {
  if (of_file_ == 0) {
    fail_empty(*files_[file_]);
  }
  give_back_pages(files_[file_]->bytes());
  ++file_;
  at_ = given_back_ = line_ = 0;
  of_file_ = 0;
}

std::optional<std::string_view> DocumentStream::next() {
  while (file_ < files_.size()) {
    const MappedFile& file = *files_[file_];
    if (at_ - given_back_ > kMostPiece) {  // what was given out before has been copied
      give_back_pages(file.bytes().subspan(given_back_, at_ - given_back_));
      given_back_ = at_;
    }
    const std::string_view left = text_of(file).substr(at_);
    if (left.empty()) {
      leave_file();
      continue;
    }
    const std::string_view out = lines(file_) ? take_line(left) : take_piece(left);
    if (lines(file_) && out.find_first_not_of(" \t\r") == std::string_view::npos) {
      continue;
    }
    ++of_file_;
    ++documents_;
    return out;
  }
  return std::nullopt;
}

std::optional<Document> DocumentStream::read(std::uint64_t index) {
  if (index < documents_) {
    file_ = at_ = given_back_ = line_ = 0;
    of_file_ = documents_ = 0;
  }
  while (documents_ < index) {
    if (!next()) {
      return std::nullopt;
    }
  }
  const std::optional<std::string_view> text = next();
  if (!text) {
    return std::nullopt;
  }
  const std::string path = files_[file_]->path().string();
  if (lines(file_)) {
    return document_from_line(*text, path, line_);
  }
  if (!is_valid_utf8(*text)) {
    fail(ErrorCode::CorruptData, "{}: not UTF-8 text; convert it first", path);
  }
  return Document{.text = std::string(*text), .spans = {}};
}

}  // namespace cajal
