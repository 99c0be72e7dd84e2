#include "train/checkpoint.h"

namespace cajal {

Checkpoints::Checkpoints(std::filesystem::path folder, std::string recipe, std::size_t keep)
    : folder_(std::move(folder), "cajal-training-1", std::move(recipe), keep) {}

void Checkpoints::save(const CheckpointTensors& tensors, const TrainingPosition& position) {
  const Matrix history = to_matrix(position.history);
  std::vector<NamedMatrix> all;
  add_parameters("param", *tensors.values, all);
  add_parameters("first", *tensors.first, all);
  add_parameters("second", *tensors.second, all);
  all.push_back({"history", history.ref()});
  folder_.save(position.step, all, {{"data", to_json(position.data).dump()}});
}

std::optional<TrainingPosition> Checkpoints::load(Parameters& values, Parameters& first,
                                                  Parameters& second,
                                                  std::vector<std::string>& notes) const {
  TrainingPosition out;
  const auto read = [&](const Safetensors& file, std::size_t step) {
    read_parameters(file, "param", values);
    read_parameters(file, "first", first);
    read_parameters(file, "second", second);
    out.history = history_from(as_matrix(file.at("history")), file.name());
    out.data =
        positions_from(Json::parse(checkpoint_entry(file, "data"), file.name()), file.name());
    out.step = step;
  };
  return folder_.load(read, notes) ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace cajal
