// Checkpoints as files: one safetensors file for each, which appears whole or not at all, named by
// its step, with the newest few kept. What is in them is the business of who writes them.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/folder_lock.h"
#include "corpus/mixture.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/safetensors_writer.h"
#include "model/parameters.h"

namespace cajal {

class CheckpointFolder {
 public:
  /// In `folder`, which is made if it is not there. `format` names what the files hold, `recipe` (a
  /// JSON object) what is trained; files of another one are refused. Removes what a killed process
  /// left half-written.
  CheckpointFolder(std::filesystem::path folder, std::string format, std::string recipe,
                   std::size_t keep);

  /// Writes one, then removes all but the newest `keep` up to it, and damaged ones of later steps.
  /// Throws ResourceExhausted if the disk is full, naming the checkpoint that remains.
  void save(std::size_t step, const std::vector<NamedMatrix>& tensors, StringPairs about);

  /// Calls read(file, step) for the newest one, and if that throws CorruptData for the one before
  /// it, and so on; false if there is none left. `notes` gets a sentence for each that is damaged.
  /// Throws InvalidArgument if it belongs to another recipe, naming the difference.
  bool load(const std::function<void(const Safetensors& file, std::size_t step)>& read,
            std::vector<std::string>& notes) const;

  /// Of the newest checkpoint; nullopt if there is none.
  std::optional<std::filesystem::path> newest() const;
  /// Removes all of them.
  void clear();

 private:
  std::vector<std::filesystem::path> list() const;  // oldest first
  void remove_others(const std::filesystem::path& last) const;

  std::filesystem::path folder_;
  std::string format_;
  std::string recipe_;
  std::size_t keep_;
};

/// Where trainings keep their checkpoints and tables: a folder in that of the result.
std::filesystem::path training_folder(const std::filesystem::path& folder);
/// Makes it, and holds it against other processes. Throws InvalidArgument if one is at work there.
FolderLock lock_training(const std::filesystem::path& folder);

/// Of a checkpoint's metadata. Throws CorruptData if it has no such entry.
const std::string& checkpoint_entry(const Safetensors& file, std::string_view key);

/// `parameters` under "kind/NAME", views.
void add_parameters(std::string_view kind, const Parameters& parameters,
                    std::vector<NamedMatrix>& out);
/// The other way. Throws CorruptData for another shape or type.
void read_parameters(const Safetensors& file, std::string_view kind, Parameters& parameters);

/// Numbers whose bits matter are text: JSON's own doubles might be printed shorter.
Json to_json(const std::vector<PartPosition>& positions);
std::vector<PartPosition> positions_from(const Json& json, const std::string& where);

}  // namespace cajal
