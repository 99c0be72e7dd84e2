#include "service/learn_options.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "service/grow_data.h"
#include "service/learn_ids.h"

namespace cajal {
namespace {

// Of a ReLU's penalty on its way to the L0 that was asked for.
constexpr double kPace = 0.03;
constexpr double kHorizon = 100.0;

/// Documents as the model's own tokenizer has them, or prompts of ids with its answers.
GrowData data_of(const LearnRecipe& recipe, const Session& session, const std::stop_token& stop) {
  if (!recipe.data.front().ids.empty()) {
    return prepare_ids(recipe, session, stop);
  }
  const std::filesystem::path tokenizer = session.path / "tokenizer.json";
  check(std::filesystem::exists(tokenizer),
        "{}: has no tokenizer.json to read the text with; take a model that has one",
        session.path.string());
  Recipe out;
  out.file = recipe.file;
  out.seed = recipe.seed;
  out.tokenizer.file = std::filesystem::absolute(tokenizer).string();
  out.model.context = session.context();
  out.data = recipe.data;
  return prepare_data(out);
}

bool is_sae(const LearnRecipe& recipe) {
  return recipe.dictionary.kind == "sae";
}

bool is_clt(const LearnRecipe& recipe) {
  return recipe.dictionary.kind == "clt";
}

/// Names of points without their layer.
struct PointNames {
  std::string input;
  std::string output;
};

PointNames points_of(const LearnRecipe& recipe, const ModelConfig& config) {
  const LearnRecipeDictionary& d = recipe.dictionary;
  if (is_sae(recipe)) {
    const std::string point = d.point.empty() ? "resid_post" : d.point;
    check(d.target.empty() || d.target == point,
          "an SAE gives back what it reads, {}, not {}; leave target out", point, d.target);
    return {point, point};
  }
  const std::string written = config.branch_is_changed() ? "mlp_out_post" : "mlp_out";
  return {d.point.empty() ? "mlp_in" : d.point, d.target.empty() ? written : d.target};
}

/// The numbers of columns at points, seen in a pass over one token.
std::vector<std::size_t> widths_of(const Session& session, std::span<const Point> points) {
  std::vector<std::size_t> out(points.size(), 0);
  PointSet readers;
  for (std::size_t i = 0; i < points.size(); ++i) {
    readers.read(points[i],
                 [&out, i](ConstMatRef value, const PointContext&) { out[i] = value.cols; });
  }
  const std::vector<TokenId> tokens = {0};
  const std::vector<std::int32_t> starts = {0, 1};
  KvCache cache(session.model->config(), *session.backend, 1);
  session.model->forward(*session.backend, {tokens, starts}, cache,
                         {.precision = session.precision,
                          .logits = LogitRows::None,
                          .points = &readers,
                          .keep = false});
  return out;
}

/// From what was asked for to what learn() takes.
class LearnPreparation {
 public:
  LearnPreparation(const LearnRecipe& recipe, const Session& session, const std::stop_token& stop)
      : recipe_(recipe), session_(session), stop_(stop), config_(session.model->config()) {}

  LearnOptions run() {
    const auto layers = layers_from(recipe_.dictionary.layers, config_.layers);
    set_points(layers);
    const GrowData data = data_of(recipe_, session_, stop_);  // long, so after what may be wrong
    out_.folder = recipe_.resolve(recipe_.output);
    out_.model = session_.model;
    out_.seed = recipe_.seed;
    out_.data = data.parts;
    out_.heldout = data.heldout;
    out_.heldout_rows = recipe_.evaluation.tokens;
    out_.evaluate_every = recipe_.evaluation.every;
    out_.checkpoint_every = recipe_.checkpoints.every;
    out_.keep = recipe_.checkpoints.keep;
    set_pool(data);
    set_recipe();
    set_result(layers);
    describe(data);
    return std::move(out_);
  }

 private:
  void set_points(const std::vector<std::size_t>& layers) {
    const PointNames names = points_of(recipe_, config_);
    for (const std::size_t layer : layers) {
      out_.pool.inputs.push_back(parse_point(fmt::format("{}.{}", names.input, layer), config_));
      out_.pool.outputs.push_back(parse_point(fmt::format("{}.{}", names.output, layer), config_));
    }
    const auto in = widths_of(session_, out_.pool.inputs);
    const auto out = widths_of(session_, out_.pool.outputs);
    const std::size_t features =
        recipe_.dictionary.features == 0 ? 8 * config_.d_model : recipe_.dictionary.features;
    out_.shape = {.layers = is_clt(recipe_) ? layers.size() : 1,
                  .features = features,
                  .d_in = in.front(),
                  .d_out = out.front(),
                  .skip = recipe_.dictionary.kind == "skip-transcoder"};
    set_k(layers);
  }

  void set_k(const std::vector<std::size_t>& layers) {
    const LearnRecipeDictionary& d = recipe_.dictionary;
    check(d.k_of_layers.empty() || !is_clt(recipe_),
          "k_of_layers: the layers of a cross-layer transcoder share one k; leave it out");
    out_.k = is_clt(recipe_) ? std::vector{d.k}
                             : k_of_layers_from(d.k_of_layers, d.k, layers, config_.layers);
    const double most = *std::ranges::max_element(out_.k);
    check(most <= static_cast<double>(out_.shape.features),
          "k is {}, but there are {} features; give a smaller k, or more features", most,
          out_.shape.features);
  }

  void set_pool(const GrowData& data) {
    const LearnRecipeTraining& t = recipe_.training;
    out_.pool.left_out = {data.bos, data.eos, data.pad};
    out_.pool.rows = t.pool * t.batch;
    out_.pool.batch = t.batch;
    out_.pool.longest = session_.context();
    out_.pool.pass = std::max<std::size_t>(2048, session_.context());
    out_.pool.pad = data.pad;
    out_.pool.seed = recipe_.seed;
    out_.pool.precision = session_.precision;
  }

  void set_recipe() {
    const LearnRecipeTraining& t = recipe_.training;
    const auto steps = static_cast<double>(recipe_.steps());
    DictionaryRecipe& r = out_.recipe;
    r.k = recipe_.dictionary.k;
    r.subtracts_bias = is_sae(recipe_);
    // Matryoshka (Bussmann et al. 2025): the mean of the errors of all prefixes.
    r.error.prefixes = prefixes_from(recipe_.dictionary.prefixes, out_.shape.features);
    r.error.weights.assign(r.error.prefixes.size(),
                           1.0 / static_cast<double>(r.error.prefixes.size()));
    r.start = Start::MeanTarget;
    r.decoder.frozen = recipe_.dictionary.decoder == "random";
    r.schedule = {
        .peak = t.learning_rate != 0.0
                    ? t.learning_rate
                    : 2e-4 / std::sqrt(static_cast<double>(out_.shape.features) / 16384.0),
        .steps = recipe_.steps(),
        .warmup = static_cast<std::size_t>(steps * t.warmup),
        .decay = static_cast<std::size_t>(steps * t.decay)};
    r.adam = {.beta1 = t.beta1, .beta2 = t.beta2, .epsilon = 1e-8, .decay = 0.0, .clip = t.clip};
    r.dead = {.window = static_cast<std::int64_t>(t.dead_after)};
    r.auxiliary = {
        .coefficient = t.auxiliary, .count = t.auxiliary_count, .relu = false, .partial = true};
    r.precision = precision();
    set_code();
  }

  /// The code and its penalty; units are those of data whose rows are root d long.
  void set_code() {
    const LearnRecipeTraining& t = recipe_.training;
    DictionaryRecipe& r = out_.recipe;
    const std::string& activation = recipe_.dictionary.activation;
    if (activation == "batchtopk" || activation == "topk") {
      r.code = activation == "topk" ? CodeKind::TopK : CodeKind::BatchTopK;
      r.ranks_by_norm = true;
      return;
    }
    const auto or_usual = [&](double usual) { return t.sparsity == 0.0 ? usual : t.sparsity; };
    if (activation == "relu") {
      r.code = CodeKind::Relu;
      r.sparsity = {.kind = SparsityKind::L1,
                    .coefficient = {.value = or_usual(5.0), .steps = recipe_.steps() / 20},
                    .target = recipe_.dictionary.k,
                    .pace = t.sparsity == 0.0 ? kPace : 0.0,
                    .horizon = kHorizon};
      return;
    }
    r.code = CodeKind::JumpRelu;
    r.jump = {.bandwidth = t.bandwidth, .clamped = true, .calibrated = true};
    r.sparsity = {.kind = SparsityKind::Quadratic,
                  .coefficient = {.value = or_usual(0.05), .steps = recipe_.steps() / 10},
                  .target = recipe_.dictionary.k};
    out_.threshold = 0.5;
  }

  Precision precision() const {
    const std::string& wanted = recipe_.training.precision;
    const Backend& backend = *session_.backend;
    const bool exact = backend.activation_dtype() == DType::F64;
    if (wanted == "bf16" && !exact && !backend.has(Precision::BF16)) {
      fail(ErrorCode::Unsupported,
           "training: precision: this machine has no bf16 units; write precision: f32");
    }
    return wanted == "f32" || exact || !backend.has(Precision::BF16) ? Precision::F32
                                                                     : Precision::BF16;
  }

  void set_result(const std::vector<std::size_t>& layers) {
    ExportOptions& r = out_.result;
    r.kind = is_sae(recipe_)   ? DictionaryKind::Sae
             : is_clt(recipe_) ? DictionaryKind::CrossLayer
                               : DictionaryKind::Transcoder;
    r.dtype = recipe_.training.store == "f32" ? DType::F32 : DType::BF16;
    r.model_name = session_.path.filename().string();
    r.layers = layers;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      r.inputs.push_back(name_of(out_.pool.inputs[i]));
      r.outputs.push_back(name_of(out_.pool.outputs[i]));
    }
  }

  /// What a checkpoint must have in common with this learning, and what the result says of it.
  void describe(const GrowData& data) {
    Json about = to_json(recipe_);
    about.set("read", data.fingerprint);
    about.set("model", session_.provenance().model_hash);
    about.set("device", session_.backend->name());
    about.set("precision", name_of(out_.recipe.precision));
    out_.description = about.dump();
    about.set("folded",
              "decoder rows have norm 1, scales of inputs and outputs are in the weights");
    out_.result.metadata = std::move(about);
  }

  const LearnRecipe& recipe_;
  const Session& session_;
  const std::stop_token& stop_;
  const ModelConfig& config_;
  LearnOptions out_;
};

}  // namespace

LearnOptions learn_options(const LearnRecipe& recipe, const Session& session,
                           const std::stop_token& stop) {
  return LearnPreparation(recipe, session, stop).run();
}

}  // namespace cajal
