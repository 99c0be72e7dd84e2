// Dictionaries from files, whatever layout they were published in.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "dictionary/dictionary.h"

namespace cajal {

/// What some layouts leave to their users. Given, it wins over what the files say.
struct LoadOptions {
  std::optional<double> k;  // of a dictionary whose features are chosen by a k
};

/// A file, a folder as published, or a folder of folders that hold one layer each. Weights stay
/// mapped where the layout allows it. Throws NotFound, CorruptData (a shard is missing, sizes do
/// not fit, numbers are not finite), Unsupported (no layout that is known, or one with something
/// that cannot be computed here), or InvalidArgument (a k for features that none chooses), naming
/// the file.
std::shared_ptr<const Dictionary> load_dictionary(const std::filesystem::path& path,
                                                  const LoadOptions& options = {});

/// Whether the path looks like a dictionary, by the names of its files and tensors alone.
bool is_dictionary(const std::filesystem::path& path);

/// The names of the layouts that load_dictionary knows.
std::vector<std::string_view> dictionary_formats();

/// Throws CorruptData naming layer, matrix and feature if a weight is not finite. Reads everything;
/// load_dictionary does so for dictionaries of up to 256 MiB.
void check_weights(const Dictionary& dictionary);

}  // namespace cajal
