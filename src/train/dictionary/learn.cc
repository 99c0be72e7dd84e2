#include "train/dictionary/learn.h"

#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/random.h"
#include "dictionary/encode.h"
#include "train/checkpoint_folder.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr double kDecoderNorm = 0.1;

/// Unit rows of normal numbers times `norm`.
void fill_rows(MatRef m, double norm, std::uint64_t seed, std::uint64_t stream) {
  constexpr std::size_t kRows = 256;  // at a time
  parallel_for(m.rows, kRows, [&](std::size_t begin, std::size_t end) {
    std::vector<double> row(m.cols);
    for (std::size_t r = begin; r < end; ++r) {
      double squares = 0.0;
      for (std::size_t c = 0; c < m.cols; ++c) {
        row[c] = random_normal(seed, stream, r * m.cols + c);
        squares += row[c] * row[c];
      }
      for (double& x : row) {
        x *= norm / std::sqrt(squares);
      }
      store(row, m.row_range(r, 1));
    }
  });
}

class Learning {
 public:
  Learning(Backend& backend, const LearnOptions& options, LearnObserver& observer)
      : backend_(backend),
        options_(options),
        observer_(observer),
        lock_(lock_training(options.folder)),
        steps_(options.recipe.schedule.steps),
        layers_(options.pool.inputs.size()),
        per_filling_(options.pool.rows / options.pool.batch),
        data_(options.data, options.seed),
        pool_(options.model, backend, options.pool),
        heldout_(options.model, backend, heldout_pool(options)),
        checkpoints_(training_folder(options.folder), "cajal-learning-1", options.description,
                     options.keep) {
    for (std::size_t i = 0; i < layers_ / options.shape.layers; ++i) {
      const DictionaryRecipe recipe = recipe_of(i);
      learners_.push_back(std::make_unique<DictionaryLearner>(
          backend, options.shape, recipe,
          fresh_dictionary(options.shape, recipe, is_sae(), options.threshold,
                           backend.activation_dtype(), options.seed + i)));
    }
  }

  void begin(Beginning beginning) {
    if (beginning == Beginning::Resumed && load()) {
      return;
    }
    if (beginning == Beginning::Over) {
      checkpoints_.clear();
    }
    const auto newest = checkpoints_.newest();
    check(!newest,
          "{}: a learning has left this checkpoint; go on with --resume, or begin again with "
          "--force",
          newest ? newest->string() : "");
  }

  LearnResult run(const std::stop_token& stop) {
    fill_heldout();
    while (done() < steps_ && !stop.stop_requested()) {
      step();
    }
    if (saved_ != done()) {
      save();
    }
    LearnResult out{.step = done(), .finished = done() == steps_, .history = history_};
    if (out.finished) {
      out.dictionary = result();
      out.figures = figures_of(*out.dictionary);
    }
    return out;
  }

 private:
  static PoolOptions heldout_pool(const LearnOptions& options) {
    PoolOptions out = options.pool;
    out.rows = options.heldout_rows;
    return out;
  }
  bool is_sae() const { return options_.pool.inputs == options_.pool.outputs; }
  std::size_t done() const { return learners_.front()->steps(); }
  /// The layers that learner i has, from this one on.
  std::size_t first_layer(std::size_t i) const { return i * options_.shape.layers; }

  void step() {
    if (done() % per_filling_ == 0 || pool_.rows() == 0) {
      fill();
    }
    const auto& rows = pool_.batch(done() % per_filling_);
    LearnRow row = learn_from(rows);
    history_.push_back(row);
    if (is_due(options_.evaluate_every)) {
      history_.back().heldout = heldout_figures();
    }
    observer_.stepped(history_.back(), steps_);
    if (is_due(options_.checkpoint_every)) {
      save();
    }
  }

  LearnRow learn_from(const ActivationPool::Rows& rows) {
    const std::size_t before = history_.empty() ? 0 : history_.back().tokens;
    LearnRow row{.step = done() + 1, .tokens = before + options_.pool.batch};
    const auto share = 1.0 / static_cast<double>(learners_.size());
    dead_.clear();
    for (std::size_t i = 0; i < learners_.size(); ++i) {
      const LearningBatch batch = part(rows, i);
      if (row.step == 1) {
        learners_[i]->start(batch);
      }
      const LearnedStep made = learners_[i]->step(batch);
      if (!made.finite) {
        blown_up(made.step);
      }
      row.learning_rate = made.learning_rate;
      row.loss += share * made.loss;
      row.fvu += share * made.fvu;
      row.l0 += share * made.l0 / static_cast<double>(options_.shape.layers);
      row.dead += made.dead;
      dead_.push_back(made.dead);
    }
    return row;
  }

  LearningBatch part(const ActivationPool::Rows& rows, std::size_t i) const {
    return {.x = std::span(rows.x).subspan(first_layer(i), options_.shape.layers),
            .y = std::span(rows.y).subspan(first_layer(i), options_.shape.layers)};
  }

  [[noreturn]] void blown_up(std::size_t step) const {
    const auto last = checkpoints_.newest();
    fail(ErrorCode::InvalidArgument,
         "step {}: the loss or its gradient is no number: the learning has blown up; {}; try a "
         "smaller learning rate",
         step,
         last ? fmt::format("the last good checkpoint is {}", last->string())
              : "there is no checkpoint yet");
  }

  /// Filling number done() / per_filling_, whose documents begin at position_.
  void fill() {
    position_ = data_.positions();
    const double progress =
        static_cast<double>(done() / per_filling_ * per_filling_) / static_cast<double>(steps_);
    pool_.fill(data_, progress, done() / per_filling_);
    if (scales_.empty()) {
      set_scales();
    }
    pool_.scale(input_scales(), output_scales());
  }

  /// So that the mean length of a row is the root of its width.
  void set_scales() {
    const auto scale = [&](ConstMatRef rows) {
      return std::sqrt(static_cast<double>(rows.cols)) / ActivationPool::mean_norm(backend_, rows);
    };
    for (std::size_t l = 0; l < layers_; ++l) {
      scales_.push_back({scale(pool_.x(l)), scale(pool_.y(l))});
    }
  }
  std::vector<double> input_scales() const {
    std::vector<double> out;
    for (const LayerScales& one : scales_) {
      out.push_back(one.input);
    }
    return out;
  }
  std::vector<double> output_scales() const {
    std::vector<double> out;
    for (const LayerScales& one : scales_) {
      out.push_back(one.output);
    }
    return out;
  }

  void fill_heldout() {
    for (const auto& source : options_.heldout) {
      std::uint64_t next = 0;
      heldout_.fill(*source, next, options_.heldout_rows / options_.heldout.size());
    }
    check(heldout_.rows() != 0,
          "{}: there is no held-out text to measure on and to set thresholds by; give more text",
          options_.folder.string());
  }

  /// Each layer as it is learned: a selection among the tokens of a batch, from all that is held
  /// out, since one text comes after the other there.
  std::vector<LayerFigures> heldout_figures() {
    std::vector<LayerFigures> out(layers_);
    std::vector<std::int32_t> rows(std::min(options_.pool.batch, heldout_.rows()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = static_cast<std::int32_t>(i * heldout_.rows() / rows.size());
    }
    ActivationPool::Rows all;
    std::vector<Matrix> kept;
    for (std::size_t l = 0; l < layers_; ++l) {
      all.x.push_back(scaled(heldout_.x(l), rows, scales_[l].input, kept));
      all.y.push_back(
          scaled(heldout_.y(l), rows, is_sae() ? scales_[l].input : scales_[l].output, kept));
    }
    for (std::size_t i = 0; i < learners_.size(); ++i) {
      const std::vector<LayerFigures> own = learners_[i]->measure(part(all, i));
      std::ranges::copy(own, out.begin() + static_cast<std::ptrdiff_t>(first_layer(i)));
    }
    return out;
  }

  ConstMatRef scaled(ConstMatRef from, std::span<const std::int32_t> rows, double factor,
                     std::vector<Matrix>& kept) {
    kept.push_back(make_matrix(backend_, rows.size(), from.cols));
    ops::gather(backend_, from, rows, factor, kept.back().ref());
    return std::as_const(kept.back()).ref();
  }

  std::shared_ptr<const Dictionary> result() {
    std::vector<const DictionaryLearner*> learners;
    for (const auto& learner : learners_) {
      learners.push_back(learner.get());
    }
    std::vector<ConstMatRef> rows;
    std::vector<LayerScales> scales = scales_;
    for (std::size_t l = 0; l < layers_; ++l) {
      rows.push_back(heldout_.x(l));
      scales[l].output = is_sae() ? scales[l].input : scales[l].output;
    }
    return exported(learners, scales, rows, options_.result);
  }

  /// Of the dictionary as it is stored, on all held-out rows.
  std::vector<LayerFigures> figures_of(const Dictionary& dictionary) {
    std::vector<SparseRows> codes;
    std::vector<LayerFigures> out(layers_);
    for (std::size_t l = 0; l < layers_; ++l) {
      codes.push_back(encode(backend_, dictionary, l, heldout_.x(l)));
      std::vector<bool> fired(options_.shape.features);
      for (const std::uint32_t feature : codes.back().columns) {
        fired[feature] = true;
      }
      out[l].l0 = static_cast<double>(codes.back().stored()) / static_cast<double>(heldout_.rows());
      out[l].dead = static_cast<std::size_t>(std::count(fired.begin(), fired.end(), false));
    }
    for (std::size_t l = 0; l < layers_; ++l) {
      const ConstMatRef y = heldout_.y(l);
      Matrix error = make_matrix(backend_, y.rows, y.cols);
      decode(backend_, dictionary, l, codes, heldout_.x(l), error.ref());
      ops::add_scaled(backend_, std::as_const(error).ref(), y, -1.0, error.ref());
      out[l].fvu =
          ops::sum_of_squares(backend_, std::as_const(error).ref()) / summed_variance(backend_, y);
    }
    return out;
  }

  bool is_due(std::size_t every) const {
    return done() == steps_ || (every != 0 && done() % every == 0);
  }

  void save() {
    std::vector<NamedMatrix> tensors;
    std::vector<Matrix> kept;
    kept.reserve(learners_.size() + 3);
    for (std::size_t i = 0; i < learners_.size(); ++i) {
      const DictionaryLearner& learner = *learners_[i];
      add_parameters(fmt::format("param/{}", i), learner.values(), tensors);
      add_parameters(fmt::format("first/{}", i), learner.first(), tensors);
      add_parameters(fmt::format("second/{}", i), learner.second(), tensors);
      const auto since = learner.since_fired();
      kept.push_back(Matrix::host(1, since.size(), DType::I64));
      std::memcpy(kept.back().ref().data, since.data(), since.size_bytes());
      tensors.push_back({fmt::format("since_fired/{}", i), std::as_const(kept.back()).ref()});
    }
    kept.push_back(Matrix::host(layers_, 2, DType::F64));
    for (std::size_t l = 0; l < layers_; ++l) {
      kept.back().as<double>().at(l, 0) = l < scales_.size() ? scales_[l].input : 0.0;
      kept.back().as<double>().at(l, 1) = l < scales_.size() ? scales_[l].output : 0.0;
    }
    tensors.push_back({"scales", std::as_const(kept.back()).ref()});
    kept.push_back(Matrix::host(2, learners_.size(), DType::F64));
    for (std::size_t i = 0; i < learners_.size(); ++i) {
      kept.back().as<double>().at(0, i) = learners_[i]->penalty().factor;
      kept.back().as<double>().at(1, i) = learners_[i]->penalty().usual_log_l0;
    }
    tensors.push_back({"penalty", std::as_const(kept.back()).ref()});
    kept.push_back(to_matrix(history_, layers_));
    tensors.push_back({"history", std::as_const(kept.back()).ref()});
    checkpoints_.save(done(), tensors, {{"data", to_json(next_position()).dump()}});
    saved_ = done();
    write_history();
  }

  DictionaryRecipe recipe_of(std::size_t dictionary) const {
    DictionaryRecipe out = options_.recipe;
    if (!options_.k.empty()) {
      out.k = options_.k[dictionary];
      out.sparsity.target = out.k;
    }
    return out;
  }

  /// Where the documents of the filling begin that the next step takes rows of.
  std::vector<PartPosition> next_position() const {
    return done() % per_filling_ == 0 ? data_.positions() : position_;
  }

  void write_history() const {
    const fs::path folder = training_folder(options_.folder);
    write_file(folder / "learning.csv", to_csv(history_));
    write_file(folder / "layers.csv", layers_csv(history_, options_.result.layers));
  }

  void read(const Safetensors& file, std::size_t step) {
    for (std::size_t i = 0; i < learners_.size(); ++i) {
      DictionaryLearner& learner = *learners_[i];
      read_parameters(file, fmt::format("param/{}", i), learner.values());
      read_parameters(file, fmt::format("first/{}", i), learner.first());
      read_parameters(file, fmt::format("second/{}", i), learner.second());
      const ConstMatRef since = as_matrix(file.at(fmt::format("since_fired/{}", i)));
      if (since.cols != learner.since_fired().size() || since.dtype != DType::I64) {
        fail(ErrorCode::CorruptData, "{}: counts {} features of dictionary {}, not {}", file.name(),
             since.cols, i, learner.since_fired().size());
      }
      std::memcpy(learner.since_fired().data(), since.data, learner.since_fired().size_bytes());
      learner.restored(step, std::nullopt, penalty_in(file, i));
    }
    const ConstMatRef scales = as_matrix(file.at("scales"));
    if (scales.rows != layers_ || scales.cols != 2) {
      fail(ErrorCode::CorruptData, "{}: has scales of {} layers, not {}", file.name(), scales.rows,
           layers_);
    }
    scales_.clear();
    for (std::size_t l = 0; l < layers_ && step != 0; ++l) {
      scales_.push_back({element(scales, l, 0), element(scales, l, 1)});
    }
    history_ = learn_history_from(as_matrix(file.at("history")), layers_, file.name());
    data_.restore(
        positions_from(Json::parse(checkpoint_entry(file, "data"), file.name()), file.name()));
    saved_ = step;
  }

  /// Of dictionary i.
  static AdaptedPenalty penalty_in(const Safetensors& file, std::size_t i) {
    const ConstMatRef all = as_matrix(file.at("penalty"));
    if (all.rows != 2 || i >= all.cols) {
      fail(ErrorCode::CorruptData,
           "{}: keeps {} × {} figures of the penalty where this version keeps 2 of each of {} or "
           "more dictionaries; begin again with --force",
           file.name(), all.rows, all.cols, i + 1);
    }
    return {.factor = element(all, 0, i), .usual_log_l0 = element(all, 1, i)};
  }

  bool load() {
    std::vector<std::string> notes;
    const bool found = checkpoints_.load(
        [&](const Safetensors& file, std::size_t step) { read(file, step); }, notes);
    for (const std::string& note : notes) {
      observer_.note(note);
    }
    if (!found) {
      check(notes.empty(), "{}: no checkpoint there can be read", options_.folder.string());
      observer_.note("there is no checkpoint to go on from; beginning at the first step");
      return false;
    }
    write_history();
    return true;
  }

  Backend& backend_;
  const LearnOptions& options_;
  LearnObserver& observer_;
  FolderLock lock_;  // before anything there is read or removed
  std::size_t steps_;
  std::size_t layers_;
  std::size_t per_filling_;  // steps that one filling of the pool serves
  Mixture data_;
  ActivationPool pool_;
  ActivationPool heldout_;
  CheckpointFolder checkpoints_;
  std::vector<std::unique_ptr<DictionaryLearner>> learners_;
  std::vector<LayerScales> scales_;  // by layer; empty before the first filling
  std::vector<PartPosition> position_;
  std::vector<std::size_t> dead_;
  LearnHistory history_;
  std::size_t saved_ = ~std::size_t{0};
};

}  // namespace

Parameters fresh_dictionary(const DictionaryShape& shape, const DictionaryRecipe& recipe, bool tied,
                            double threshold, DType dtype, std::uint64_t seed) {
  Parameters out(dictionary_parameters(shape, recipe), dtype);
  for (std::size_t l = 0; l < shape.layers; ++l) {
    const DictionaryViews<MatRef> own = layer_of(out, shape, l);
    fill_rows(own.w_enc, tied ? kDecoderNorm : 1.0, seed, 4 * l);
    fill_rows(own.w_dec, kDecoderNorm, seed, tied ? 4 * l : 4 * l + 1);
    if (own.threshold) {
      const bool raw = recipe.jump.parameter == ThresholdParameter::Raw;
      store(std::vector<double>(shape.features, raw ? threshold : std::log(threshold)),
            own.threshold);
    }
  }
  return out;
}

LearnResult learn(Backend& backend, const LearnOptions& options, Beginning beginning,
                  LearnObserver& observer, const std::stop_token& stop) {
  check(options.recipe.schedule.steps != 0, "a learning of no steps; give steps or tokens");
  check(options.k.empty() || options.k.size() * options.shape.layers == options.pool.inputs.size(),
        "{} values of k for {} layers", options.k.size(), options.pool.inputs.size());
  check(options.pool.rows >= options.pool.batch && options.pool.rows % options.pool.batch == 0,
        "a pool of {} rows for batches of {}", options.pool.rows, options.pool.batch);
  Learning learning(backend, options, observer);
  learning.begin(beginning);
  return learning.run(stop);
}

}  // namespace cajal
