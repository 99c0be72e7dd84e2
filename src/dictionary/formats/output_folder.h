// A folder of files that appears whole or not at all. Private to src/dictionary.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace cajal {

/// Files are made in a folder beside it, which commit() renames. If the folder was there already
/// they are made in one within it: commit() removes the shards of the dictionary that was there
/// (layers that are not replaced would be read as this one's) and then moves file by file, so that
/// until then what was there is whole.
class OutputFolder {
 public:
  /// Throws InvalidArgument if something is there and `force` is not set, or is no folder.
  OutputFolder(std::filesystem::path folder, bool force);
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder();

  /// Where to write a file that will be called `name` ("layer_3/cfg.json"): its folder is there.
  std::filesystem::path file(std::string_view name);
  /// Returns the files, as they are called now. Throws ResourceExhausted if it cannot be renamed.
  std::vector<std::filesystem::path> commit();

 private:
  void replace_files() const;

  std::filesystem::path folder_;
  std::filesystem::path writing_;  // the temporary one
  bool was_there_ = false;
  std::vector<std::filesystem::path> names_;
};

}  // namespace cajal
