// Documents from files: the world's own .jsonl, anyone's .jsonl with a "text", lists of texts in
// JSON, and plain text.
// Whole files at once; document_stream.h reads them one document at a time.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "corpus/document.h"

namespace cajal {

/// A file named *.jsonl: one document a line, as document_from_json reads it; empty lines are
/// skipped. *.json: a list of texts or of such objects. Any other file: one document, all of its
/// text. Throws what read_file throws, and CorruptData naming file and line for text that is not
/// UTF-8, a line that is no such object, or a file without a document.
std::vector<Document> read_documents(const std::filesystem::path& path);

/// Line `number` (from 1) of a .jsonl at `path`. Throws CorruptData naming both.
Document document_from_line(std::string_view line, std::string_view path, std::size_t number);

/// One line of .jsonl, with its line break.
std::string to_line(const Document& document);

}  // namespace cajal
