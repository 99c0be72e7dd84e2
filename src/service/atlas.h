// Building an atlas of a dictionary's features, and looking into one.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "atlas/feature_page.h"
#include "service/options.h"
#include "service/session.h"
#include "store/atlas_store.h"

namespace cajal {

/// A corpus or the world.
struct AtlasRequest : ModelOptions {
  std::string dictionary;
  std::vector<std::string> corpus;
  std::optional<std::string> world;  // name of a task; empty: all of the default mix
  std::size_t documents = 20000;     // of the world
  std::size_t tokens = 1000000;      // reading ends with the sequence that reaches it
  std::size_t seed = 0;
  std::size_t checkpoint_every = 60;  // seconds; 0: after every batch
  bool resume = false;
  bool over = false;  // begin again where another run has left a checkpoint
  bool trust = false;
};

const FieldTable<AtlasRequest>& atlas_fields();

/// How it goes. While nothing can be said of rates they are 0.
struct AtlasStage {
  std::string what;
  double tokens_per_s = 0.0;
  double seconds_left = 0.0;  // of reading
};
using AtlasProgress = std::function<void(const AtlasStage& stage)>;

/// Throws InvalidArgument unless there is one thing to read.
void check_atlas(const AtlasRequest& request);

struct AtlasResult {
  std::size_t features = 0;
  std::size_t alive = 0;  // that fired at all
  std::uint64_t tokens = 0;
  std::size_t sequences = 0;  // that examples show
  std::size_t by_truth = 0;   // labels, by how they were made
  std::size_t by_token = 0;
  std::size_t by_context = 0;
  std::size_t by_logits = 0;
  std::uintmax_t bytes = 0;
  double tokens_per_s = 0.0;
  Provenance provenance;
};

/// Writes the atlas file; until it is there, FILE.checkpoint holds what a later run with `resume`
/// goes on from, to the same bytes. Throws what opening model, dictionary and corpus throws, and
/// Cancelled, after a checkpoint.
AtlasResult build_atlas(Session& session, const AtlasRequest& request,
                        const std::filesystem::path& file, const std::stop_token& cancel = {},
                        const AtlasProgress& progress = nullptr);

Json to_json(const AtlasResult& result);

}  // namespace cajal
