#include "train/grow.h"

#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "corpus/packing.h"
#include "train/checkpoint.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

class Growth {
 public:
  Growth(const MakeBackend& make, const GrowOptions& options, GrowObserver& observer)
      : options_(options),
        observer_(observer),
        lock_(lock_training(options.folder)),
        steps_(options.trainer.schedule.steps),
        config_(model_config(options.model.architecture)),
        data_(options.data, options.seed),
        trainer_(make, config_, options.seed, options.trainer),
        checkpoints_(training_folder(options.folder), options.recipe, options.keep) {}

  void begin(Beginning beginning) {
    if (beginning == Beginning::Resumed) {
      load();
      return;
    }
    if (beginning == Beginning::Over) {
      checkpoints_.clear();
    }
    const auto newest = checkpoints_.newest();
    check(!newest,
          "{}: a training has left this checkpoint; go on with --resume, or begin again with "
          "--force",
          newest ? newest->string() : "");
  }

  GrowResult run(const std::stop_token& stop) {
    while (trainer_.steps() < steps_ && !stop.stop_requested()) {
      step();
    }
    if (saved_ != trainer_.steps()) {
      save();
    }
    const bool finished = trainer_.steps() == steps_;
    if (finished) {
      write_model_folder(options_.folder, options_.model, trainer_.values());
    }
    return {trainer_.steps(), finished, history_};
  }

 private:
  void load() {
    std::vector<std::string> notes;
    auto found = checkpoints_.load(trainer_.values(), trainer_.first(), trainer_.second(), notes);
    for (const std::string& note : notes) {
      observer_.note(note);
    }
    if (!found) {
      check(notes.empty(), "{}: no checkpoint there can be read", options_.folder.string());
      observer_.note("there is no checkpoint to go on from; beginning at the first step");
      return;
    }
    data_.restore(std::move(found->data));
    history_ = std::move(found->history);
    trainer_.restored(found->step);
    saved_ = found->step;
    write_history();
  }

  void step() {
    batches_ = next_batches();
    const StepResult result = trainer_.step(batches_);
    check_health(result);
    const std::size_t before = history_.empty() ? 0 : history_.back().tokens;
    history_.push_back({result.step, before + result.predictions, result.learning_rate, result.loss,
                        result.gradient_norm});
    if (is_due(options_.evaluate_every)) {
      history_.back().heldout = heldout_loss();
      observer_.evaluated(trainer_, history_.back());
    }
    observer_.stepped(history_.back(), steps_);
    if (is_milestone(result.step)) {
      const fs::path folder =
          options_.folder / "milestones" / fmt::format("step-{:08}", result.step);
      write_model_folder(folder, options_.model, trainer_.values());
    }
    if (is_due(options_.checkpoint_every)) {
      save();
    }
  }

  std::vector<PackedBatch> next_batches() {
    const double progress = static_cast<double>(trainer_.steps()) / static_cast<double>(steps_);
    std::vector<PackedBatch> out;
    for (std::size_t i = 0; i < options_.accumulate; ++i) {
      PackingOptions packing = this->packing();
      packing.word_ends = options_.word_ends.get();  // in training only, not in what is held out
      out.push_back(pack(data_, progress, packing));
    }
    return out;
  }

  PackingOptions packing() const {
    const Architecture& a = options_.model.architecture;
    return {.tokens = options_.batch_tokens, .longest = a.context, .pad = a.pad.value_or(0)};
  }

  /// Knowing nothing costs log(vocabulary) a token. False for NaN.
  bool is_sane(double loss) const {
    return loss < 4.0 * std::log(static_cast<double>(config_.vocab));
  }

  void check_health(const StepResult& result) const {
    if (!result.finite || !is_sane(result.loss)) {
      blown_up(result.step, fmt::format("the loss is {} and the norm of its gradient {}",
                                        result.loss, result.gradient_norm));
    }
  }

  /// A step tells of the weights it began with. Those it has made are tried before they are kept,
  /// so that every checkpoint is a good one.
  void check_weights() {
    if (batches_.empty()) {
      return;
    }
    const PackedBatch& batch = batches_.front();
    const double loss = trainer_.nll(batch) / static_cast<double>(batch.predictions);
    if (!is_sane(loss)) {
      blown_up(trainer_.steps(), fmt::format("the loss after it is {}", loss));
    }
  }

  [[noreturn]] void blown_up(std::size_t step, const std::string& how) const {
    const auto last = checkpoints_.newest();
    fail(ErrorCode::InvalidArgument,
         "step {}: {}: the training has blown up; {}; try a smaller learning rate", step, how,
         last ? fmt::format("the last good checkpoint is {}", last->string())
              : "there is no checkpoint yet");
  }

  /// Every so many steps, and after the last.
  bool is_due(std::size_t every) const {
    const std::size_t done = trainer_.steps();
    return done == steps_ || (every != 0 && done % every == 0);
  }

  bool is_milestone(std::size_t step) const {
    for (std::size_t i = 1; i <= options_.milestones; ++i) {
      if (step == (steps_ * i + options_.milestones / 2) / options_.milestones) {
        return true;
      }
    }
    return false;
  }

  /// NaN without held-out documents.
  double heldout_loss() {
    double sum = 0.0;
    std::size_t predictions = 0;
    for (const auto& source : options_.heldout) {
      std::uint64_t next = 0;
      const std::size_t most = options_.evaluation_tokens / options_.heldout.size();
      for (std::size_t tokens = 0; tokens < most && next < source->documents().value_or(next + 1);
           tokens += options_.batch_tokens) {
        const PackedBatch batch = pack(*source, next, packing());
        sum += trainer_.nll(batch);
        predictions += batch.predictions;
      }
    }
    return sum / static_cast<double>(predictions);
  }

  void save() {
    check_weights();
    checkpoints_.save({&trainer_.values(), &trainer_.first(), &trainer_.second()},
                      {trainer_.steps(), data_.positions(), history_});
    saved_ = trainer_.steps();
    write_history();
  }

  void write_history() const {
    const fs::path folder = training_folder(options_.folder);
    write_file(folder / "loss.csv", to_csv(history_));
    write_file(folder / "loss.svg", to_svg(history_));
  }

  const GrowOptions& options_;
  GrowObserver& observer_;
  FolderLock lock_;  // before anything there is read or removed
  std::size_t steps_;
  ModelConfig config_;
  Mixture data_;
  Trainer trainer_;
  Checkpoints checkpoints_;
  std::vector<PackedBatch> batches_;  // of the last step
  History history_;
  std::size_t saved_ = ~std::size_t{0};
};

}  // namespace

GrowResult grow(const MakeBackend& make, const GrowOptions& options, Beginning beginning,
                GrowObserver& observer, const std::stop_token& stop) {
  check(options.trainer.schedule.steps != 0, "a training of no steps; give steps or tokens");
  Growth growth(make, options, observer);
  growth.begin(beginning);
  return growth.run(stop);
}

}  // namespace cajal
