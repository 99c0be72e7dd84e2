// Documents from files: the world's own .jsonl, anyone's .jsonl with a "text", and plain text.
#pragma once

#include <filesystem>
#include <vector>

#include "corpus/document.h"

namespace cajal {

/// A file named *.jsonl: one document a line, as document_from_json reads it; empty lines are
/// skipped. Any other file: one document, all of its text. Throws what read_file throws, and
/// CorruptData naming file and line for text that is not UTF-8, a line that is no such object, or
/// a file without a document.
std::vector<Document> read_documents(const std::filesystem::path& path);

/// One line of .jsonl, with its line break.
std::string to_line(const Document& document);

}  // namespace cajal
