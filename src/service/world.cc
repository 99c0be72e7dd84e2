#include "service/world.h"

#include <filesystem>
#include <map>
#include <set>

#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "corpus/reader.h"
#include "corpus/world/world.h"

namespace cajal {
namespace {

constexpr std::size_t kShown = 5;
constexpr std::size_t kMostShown = 100'000;  // which are in memory at once
constexpr std::size_t kWritten = 1000;
constexpr std::size_t kMeasured = 20000;
constexpr double kMixBytes = 1e8;

Split split_of(const WorldRequest& request) {
  return request.split == "heldout" ? Split::Heldout : Split::Train;
}

/// What a task's documents hold: `bytes` in all, and how often they teach each fact.
struct Measured {
  double bytes = 0.0;
  double taught = 0.0;
  std::set<std::string> facts = {};
};

Measured measure(const Task& task, std::size_t seed, const std::stop_token& cancel) {
  Measured out;
  for (std::size_t i = 0; i < kMeasured; ++i) {
    check_cancelled(cancel);
    Document document = task.generate(Split::Train, seed, i);
    out.bytes += static_cast<double>(document.text.size());
    for (Span& span : document.spans) {
      if (span.kind == "fact") {
        out.taught += 1.0;
        out.facts.insert(std::move(span.value));
      }
    }
  }
  return out;
}

Json to_json(const Question& question, Split split) {
  const Json out = to_json(Document{.text = question.prompt, .spans = question.hidden});
  Json line = Json::object({{"split", name_of(split)},
                            {"kind", question.kind},
                            {"form", std::uint64_t{question.form}},
                            {"prompt", question.prompt},
                            {"answer", question.answer}});
  line.set("hidden", *out.find("spans"));
  return line;
}

/// One file of the folder; next_line(i) gives line i, or nothing at the end.
template <typename NextLine>
WorldFile write_lines(const std::filesystem::path& path, const std::stop_token& cancel,
                      const NextLine& next_line) {
  AtomicFile file(path);
  WorldFile out{.name = path.filename().string()};
  while (const std::optional<std::string> line = next_line(out.lines)) {
    check_cancelled(cancel);
    file.write(*line);
    ++out.lines;
    out.bytes += line->size();
  }
  file.commit();
  return out;
}

WorldFile write_documents(const std::filesystem::path& path, const Task& task, Split split,
                          const WorldRequest& request, const std::stop_token& cancel) {
  const std::size_t count = request.documents.value_or(kWritten);
  return write_lines(path, cancel, [&](std::size_t i) -> std::optional<std::string> {
    return i < count ? std::optional(to_line(task.generate(split, request.seed, i))) : std::nullopt;
  });
}

WorldFile write_questions(const std::filesystem::path& path, const Task& task,
                          const std::stop_token& cancel) {
  const std::vector<Question> train = task.questions(Split::Train);
  const std::vector<Question> heldout = task.questions(Split::Heldout);
  return write_lines(path, cancel, [&](std::size_t i) -> std::optional<std::string> {
    if (i >= train.size() + heldout.size()) {
      return std::nullopt;
    }
    const bool is_train = i < train.size();
    return to_json(is_train ? train[i] : heldout[i - train.size()],
                   is_train ? Split::Train : Split::Heldout)
               .dump() +
           "\n";
  });
}

std::filesystem::path path_of(const WorldRequest& request, const Task& task,
                              std::string_view what) {
  return std::filesystem::path(request.write) / fmt::format("{}.{}.jsonl", task.name(), what);
}

void prepare_folder(const WorldRequest& request, const World& world) {
  std::error_code error;
  std::filesystem::create_directories(request.write, error);
  if (!std::filesystem::is_directory(request.write)) {
    fail(ErrorCode::InvalidArgument, "{}: cannot make this folder ({})", request.write,
         error ? error.message() : "something else is there");
  }
  for (const auto& task : world.tasks()) {
    for (const std::string_view what : {"train", "heldout", "questions"}) {
      const std::filesystem::path path = path_of(request, *task, what);
      if (!request.force && std::filesystem::exists(path)) {
        fail(ErrorCode::InvalidArgument,
             "{}: this file is there already; give --force to replace it", path.string());
      }
    }
  }
}

}  // namespace

const FieldTable<WorldRequest>& world_fields() {
  static const FieldTable<WorldRequest> table = {
      {{.name = "sample",
        .help = "show documents of this task, with what is true of them",
        .value = "TASK"},
       &WorldRequest::sample},
      {{.name = "stats", .help = "say what tasks there are, and how often they teach each fact"},
       &WorldRequest::stats},
      {{.name = "write",
        .help = "write documents and questions of every task into this folder, as .jsonl",
        .value = "DIR"},
       &WorldRequest::write},
      {{.name = "split",
        .help = "with --sample: train, or heldout for what training never sees",
        .value = "NAME",
        .choices = {"train", "heldout"}},
       &WorldRequest::split},
      {{.name = "documents",
        .help = "how many documents (default: 5 to show, 1000 of each task to write)",
        .letter = 'n',
        .min = 1,
        .max = 1e9},
       &WorldRequest::documents},
      {{.name = "seed", .help = "the same seed gives the same documents", .max = 9.2e18},
       &WorldRequest::seed},
  };
  return table;
}

void check_world(const WorldRequest& request) {
  const int asked =
      (request.sample.empty() ? 0 : 1) + (request.stats ? 1 : 0) + (request.write.empty() ? 0 : 1);
  check(asked == 1,
        "say what to do with the world: give one of --sample TASK, --stats, --write "
        "DIR");
  check(!request.sample.empty() || request.split == "train", "--split goes with --sample only");
  check(request.sample.empty() || request.documents.value_or(kShown) <= kMostShown,
        "-n {} is more than the {} documents that --sample shows; give --write DIR",
        request.documents.value_or(kShown), kMostShown);
  check(!request.stats || !request.documents, "-n does not go with --stats");
}

WorldSample sample_world(const WorldRequest& request, const std::stop_token& cancel) {
  const World world;
  const Task& task = world.task(request.sample);
  WorldSample out{.task = request.sample, .split = request.split, .documents = {}};
  for (std::size_t i = 0; i < request.documents.value_or(kShown); ++i) {
    check_cancelled(cancel);
    out.documents.push_back(task.generate(split_of(request), request.seed, i));
  }
  return out;
}

std::vector<TaskStats> world_stats(const WorldRequest& request, const std::stop_token& cancel) {
  const World world;
  std::vector<TaskStats> out;
  std::vector<double> taught;  // facts, counted as often as taught, in a byte of a task
  double mix = 0.0;            // bytes of a document of the mix, times the sum of weights
  for (const auto& task : world.tasks()) {
    const Measured measured = measure(*task, request.seed, cancel);
    out.push_back({.task = std::string(task->name()),
                   .summary = std::string(task->summary()),
                   .weight = task->weight(),
                   .document_bytes = measured.bytes / kMeasured,
                   .train_questions = task->questions(Split::Train).size(),
                   .heldout_questions = task->questions(Split::Heldout).size(),
                   .facts = measured.facts.size()});
    taught.push_back(measured.taught / measured.bytes);
    mix += task->weight() * out.back().document_bytes;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].share = out[i].weight * out[i].document_bytes / mix;
    if (out[i].facts != 0) {
      out[i].exposures = kMixBytes * out[i].share * taught[i] / static_cast<double>(out[i].facts);
    }
  }
  return out;
}

std::vector<WorldFile> write_world(const WorldRequest& request, const std::stop_token& cancel) {
  const World world;
  prepare_folder(request, world);
  std::vector<WorldFile> out;
  for (const auto& task : world.tasks()) {
    for (const Split split : {Split::Train, Split::Heldout}) {
      out.push_back(
          write_documents(path_of(request, *task, name_of(split)), *task, split, request, cancel));
    }
    out.push_back(write_questions(path_of(request, *task, "questions"), *task, cancel));
  }
  return out;
}

Json to_json(const WorldSample& sample) {
  Json::Array documents;
  for (const Document& document : sample.documents) {
    documents.push_back(to_json(document));
  }
  return Json::object({{"version", kWorldVersion},
                       {"task", sample.task},
                       {"split", sample.split},
                       {"documents", std::move(documents)}});
}

Json to_json(const std::vector<TaskStats>& stats) {
  Json::Array tasks;
  for (const TaskStats& task : stats) {
    tasks.push_back(Json::object({{"task", task.task},
                                  {"summary", task.summary},
                                  {"weight", task.weight},
                                  {"share", task.share},
                                  {"document_bytes", task.document_bytes},
                                  {"train_questions", std::uint64_t{task.train_questions}},
                                  {"heldout_questions", std::uint64_t{task.heldout_questions}},
                                  {"facts", std::uint64_t{task.facts}},
                                  {"exposures", task.exposures}}));
  }
  return Json::object({{"version", kWorldVersion}, {"tasks", std::move(tasks)}});
}

Json to_json(const std::vector<WorldFile>& files) {
  Json::Array out;
  for (const WorldFile& file : files) {
    out.push_back(Json::object({{"name", file.name},
                                {"lines", std::uint64_t{file.lines}},
                                {"bytes", std::uint64_t{file.bytes}}}));
  }
  return Json::object({{"version", kWorldVersion}, {"files", std::move(out)}});
}

}  // namespace cajal
