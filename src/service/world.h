// The world that the specimen learns: documents to look at, figures, files.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "corpus/document.h"
#include "service/fields.h"

namespace cajal {

/// Exactly one of sample, stats and write.
struct WorldRequest {
  std::string sample;  // name of a task
  bool stats = false;
  std::string write;  // folder
  std::string split = "train";
  std::optional<std::size_t> documents;  // absent: 5 to show, 1000 of each task to write
  std::size_t seed = 0;
  bool force = false;  // let files be replaced; no field
};

const FieldTable<WorldRequest>& world_fields();

/// Throws InvalidArgument unless the request is for one thing.
void check_world(const WorldRequest& request);

struct WorldSample {
  std::string task;
  std::string split;
  std::vector<Document> documents;
};

/// Throws NotFound for an unknown task, and Cancelled.
WorldSample sample_world(const WorldRequest& request, const std::stop_token& cancel = {});

struct TaskStats {
  std::string task;
  std::string summary;
  double weight = 0.0;
  double share = 0.0;           // of the bytes of the default mix
  double document_bytes = 0.0;  // mean
  std::size_t train_questions = 0;
  std::size_t heldout_questions = 0;
  std::size_t facts = 0;   // different ones that were seen in the documents looked at
  double exposures = 0.0;  // of a fact, mean, in 100 MB of the default mix
};

/// From 20,000 training documents of each task. Throws Cancelled.
std::vector<TaskStats> world_stats(const WorldRequest& request, const std::stop_token& cancel = {});

struct WorldFile {
  std::string name;
  std::size_t lines = 0;
  std::size_t bytes = 0;
};

/// Writes TASK.train.jsonl, TASK.heldout.jsonl and TASK.questions.jsonl for every task into the
/// folder, which is made if need be. Throws InvalidArgument if one is there and `force` is not set,
/// what AtomicFile throws, and Cancelled.
std::vector<WorldFile> write_world(const WorldRequest& request, const std::stop_token& cancel = {});

/// {"version", "task", "split", "documents": [{"text", "spans"}]}
Json to_json(const WorldSample& sample);
/// {"version", "tasks": [{"task", "summary", "weight", …}]}
Json to_json(const std::vector<TaskStats>& stats);
/// {"version", "files": [{"name", "lines", "bytes"}]}
Json to_json(const std::vector<WorldFile>& files);

}  // namespace cajal
