#include "train/checkpoint_folder.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "train/model_folder.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBegin = "step-";
constexpr std::string_view kEnd = ".safetensors";
constexpr std::size_t kStepDigits = 8;

std::string name_of_step(std::size_t step) {
  return fmt::format("{}{:0{}}{}", kBegin, step, kStepDigits, kEnd);
}

/// Copies under names of the user's own are none, so that they stay.
bool is_checkpoint(const fs::path& path) {
  const std::string name = path.filename().string();
  if (name.size() != name_of_step(0).size() || !name.starts_with(kBegin) || !name.ends_with(kEnd)) {
    return false;
  }
  const auto digits = std::string_view(name).substr(kBegin.size(), kStepDigits);
  return digits.find_first_not_of("0123456789") == std::string_view::npos;
}

double hexadecimal(const std::string& text, const std::string& where) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') {
    fail(ErrorCode::CorruptData, "{}: '{}' is not a number", where, text.substr(0, 100));
  }
  return value;
}

/// "a.b: 1 here, 2 there" for the first value in which two recipes differ; empty if none does.
std::string difference(const Json& now, const Json& then, const std::string& where) {
  if (now == then) {
    return {};
  }
  if (now.is_object() && then.is_object()) {
    for (const auto& [name, value] : now.as_object(where)) {
      const Json* const other = then.find(name);
      const std::string found = difference(value, other == nullptr ? Json() : *other,
                                           where.empty() ? name : where + "." + name);
      if (!found.empty()) {
        return found;
      }
    }
  }
  return fmt::format("{} is {} now and was {}", where.empty() ? "it" : where,
                     now.dump().substr(0, 100), then.dump().substr(0, 100));
}

void check_recipe(const std::string& now, const Safetensors& file) {
  const std::string& then = checkpoint_entry(file, "recipe");
  check(now == then,
        "{}: belongs to another recipe: {}; give it as it was, or begin again with --force",
        file.name(), difference(Json::parse(now, "recipe"), Json::parse(then, file.name()), ""));
}

}  // namespace

CheckpointFolder::CheckpointFolder(fs::path folder, std::string format, std::string recipe,
                                   std::size_t keep)
    : folder_(std::move(folder)),
      format_(std::move(format)),
      recipe_(std::move(recipe)),
      keep_(std::max<std::size_t>(keep, 1)) {
  make_folder(folder_);
  remove_left_overs(folder_);
}

std::vector<fs::path> CheckpointFolder::list() const {
  std::vector<fs::path> out;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
    if (is_checkpoint(entry.path())) {
      out.push_back(entry.path());
    }
  }
  std::sort(out.begin(), out.end());  // steps have eight digits
  return out;
}

std::optional<fs::path> CheckpointFolder::newest() const {
  const std::vector<fs::path> all = list();
  return all.empty() ? std::nullopt : std::optional(all.back());
}

void CheckpointFolder::clear() {
  for (const fs::path& path : list()) {
    fs::remove(path);
  }
}

void CheckpointFolder::save(std::size_t step, const std::vector<NamedMatrix>& tensors,
                            StringPairs about) {
  StringPairs entries = {{"format", format_}, {"step", fmt::format("{}", step)}};
  entries.insert(entries.end(), about.begin(), about.end());
  entries.emplace_back("recipe", recipe_);
  try {
    write_safetensors(folder_ / name_of_step(step), tensors, entries);
  } catch (const Error& error) {
    const auto last = newest();
    fail(error.code(), "{}; {}", error.what(),
         last ? fmt::format("the last checkpoint is {}: make room and go on with --resume",
                            last->string())
              : "there is no checkpoint yet: make room and start again");
  }
  remove_others(name_of_step(step));
}

/// Newer ones than the last could not be read when training went on before them.
void CheckpointFolder::remove_others(const fs::path& last) const {
  std::vector<fs::path> there = list();
  for (; !there.empty() && there.back().filename() > last; there.pop_back()) {
    fs::remove(there.back());
  }
  for (std::size_t i = 0; i + keep_ < there.size(); ++i) {
    fs::remove(there[i]);
  }
}

bool CheckpointFolder::load(
    const std::function<void(const Safetensors& file, std::size_t step)>& read,
    std::vector<std::string>& notes) const {
  std::vector<fs::path> all = list();
  for (; !all.empty(); all.pop_back()) {
    try {
      const auto file = Safetensors::open(all.back());
      if (checkpoint_entry(*file, "format") != format_) {
        fail(ErrorCode::CorruptData, "{}: is no checkpoint of this version", file->name());
      }
      check_recipe(recipe_, *file);
      const Json step = Json::parse(checkpoint_entry(*file, "step"), file->name());
      read(*file, static_cast<std::size_t>(step.as_int(file->name())));
      return true;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::InvalidArgument) {
        throw;
      }
      notes.push_back(fmt::format("{}; using the checkpoint before it", error.what()));
    }
  }
  return false;
}

fs::path training_folder(const fs::path& folder) {
  return folder / "training";
}

FolderLock lock_training(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(training_folder(folder), error);  // if it fails, the lock says why
  auto lock = FolderLock::take(training_folder(folder));
  check(lock.has_value(),
        "{}: another process is growing or learning here; wait until it ends, or choose another "
        "folder with -o",
        folder.string());
  return std::move(*lock);
}

const std::string& checkpoint_entry(const Safetensors& file, std::string_view key) {
  for (const auto& [name, value] : file.metadata()) {
    if (name == key) {
      return value;
    }
  }
  fail(ErrorCode::CorruptData, "{}: has no '{}', so it is no checkpoint", file.name(), key);
}

void add_parameters(std::string_view kind, const Parameters& parameters,
                    std::vector<NamedMatrix>& out) {
  for (std::size_t i = 0; i < parameters.specs().size(); ++i) {
    const ParameterSpec& spec = parameters.specs()[i];
    out.push_back({fmt::format("{}/{}", kind, spec.name), parameters.at(i), spec.shape});
  }
}

void read_parameters(const Safetensors& file, std::string_view kind, Parameters& parameters) {
  for (std::size_t i = 0; i < parameters.specs().size(); ++i) {
    const ParameterSpec& spec = parameters.specs()[i];
    const StoredTensor& stored = file.at(fmt::format("{}/{}", kind, spec.name));
    if (stored.shape != spec.shape || stored.dtype != parameters.dtype()) {
      fail(ErrorCode::CorruptData, "{}: tensor '{}' is {} of {}, not {} of {}", file.name(),
           stored.name, shape_text(stored.shape), stored.type, shape_text(spec.shape),
           name_of(parameters.dtype()));
    }
    convert(as_matrix(stored), parameters.at(i));
  }
}

Json to_json(const std::vector<PartPosition>& positions) {
  Json out(Json::Array{});
  for (const PartPosition& position : positions) {
    out.push_back(
        Json::object({{"next", position.next}, {"behind", fmt::format("{:a}", position.behind)}}));
  }
  return out;
}

std::vector<PartPosition> positions_from(const Json& json, const std::string& where) {
  std::vector<PartPosition> out;
  for (const Json& one : json.as_array(where)) {
    out.push_back({static_cast<std::uint64_t>(one.at("next", where).as_int(where)),
                   hexadecimal(one.at("behind", where).as_string(where), where)});
  }
  return out;
}

}  // namespace cajal
