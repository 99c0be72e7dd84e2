#include "measure/measure_dictionary.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/cancel.h"
#include "base/error.h"
#include "dictionary/decoder_cosine.h"
#include "measure/dictionary_metrics.h"
#include "measure/dictionary_replacement.h"
#include "measure/mlp_neurons.h"
#include "measure/splice_figures.h"

namespace cajal {
namespace {

constexpr std::size_t kWidestPca = 1024;  // columns: its time grows with their cube
constexpr std::size_t kMostCosines = std::size_t{1} << 16;  // features: with their square

/// Gathers the mean and covariance, or the mean alone, of what sites hold.
class CovarianceRecorder : public Replacement {
 public:
  CovarianceRecorder(Backend& backend, std::size_t sites) : backend_(backend), sums_(sites) {}
  void replace(std::size_t site, ConstMatRef, MatRef output) override {
    sums_[site].add(backend_, output);
  }
  const Covariance& at(std::size_t site) const { return sums_[site]; }

 private:
  Backend& backend_;
  std::vector<Covariance> sums_;
};

class MeanRecorder : public Replacement {
 public:
  explicit MeanRecorder(std::size_t sites) : sums_(sites), rows_(sites) {}
  void replace(std::size_t site, ConstMatRef, MatRef output) override {
    sums_[site].resize(output.cols);
    for (std::size_t r = 0; r < output.rows; ++r) {
      for (std::size_t c = 0; c < output.cols; ++c) {
        sums_[site][c] += element(output, r, c);
      }
    }
    rows_[site] += output.rows;
  }
  std::vector<double> mean(std::size_t site) const {
    std::vector<double> out = sums_[site];
    for (double& x : out) {
      x /= static_cast<double>(std::max<std::size_t>(rows_[site], 1));
    }
    return out;
  }

 private:
  std::vector<std::vector<double>> sums_;
  std::vector<std::size_t> rows_;
};

/// Several replacements in one pass: site i is route i's.
class Routed : public Replacement {
 public:
  void add(const DictionarySite& site, Replacement& replacement, std::size_t index) {
    sites_.push_back(site);
    routes_.emplace_back(&replacement, index);
  }
  void replace(std::size_t site, ConstMatRef input, MatRef output) override {
    routes_[site].first->replace(routes_[site].second, input, output);
  }
  std::span<const DictionarySite> sites() const { return sites_; }

 private:
  std::vector<DictionarySite> sites_;
  std::vector<std::pair<Replacement*, std::size_t>> routes_;
};

/// A baseline's own figures and the dictionary's zero ablation give what it recovers of that.
void add_recovered(const std::vector<Metric>& ablated, std::vector<Metric>& figures) {
  const auto zero = value_of(ablated, "ce_zero_keep_bos");
  const auto kept = value_of(figures, "ce_sae_keep_bos");
  const auto original = value_of(figures, "ce_original");
  if (zero && kept && original) {
    figures.push_back(
        {"ce_recovered_sae_keep_bos_vs_zero_keep_bos", ce_recovered(*original, *kept, *zero)});
  }
}

SpliceResult result_of(const SpliceFigures& figures) {
  return {.all = figures.all(), .non_bos = figures.non_bos()};
}

/// Figures of one baseline as they are gathered.
struct BaselineSums {
  std::vector<Basis> bases;
  std::vector<DictionaryMetrics> metrics;
  SpliceFigures splice;
};

class Measuring {
 public:
  Measuring(const Asked& asked, const Dictionary& dictionary, const DocumentSource& corpus,
            const MeasureOptions& options)
      : asked_(asked),
        dictionary_(dictionary),
        options_(options),
        sites_(sites_of(dictionary, asked.model.config())),
        batches_(asked.tokenizer, corpus,
                 batch_options(asked.model.config(), options.bos, options.tokens)),
        figures_(sites_.size()) {
    for (const DictionaryLayer& layer : dictionary.layers()) {
      metrics_.emplace_back(layer.features());
    }
    neurons_exist_ = std::all_of(sites_.begin(), sites_.end(), [&](const DictionarySite& site) {
      return has_neurons(site, asked.model.config());
    });
    narrow_ = std::all_of(dictionary.layers().begin(), dictionary.layers().end(),
                          [](const DictionaryLayer& l) { return l.d_out() <= kWidestPca; });
  }

  DictionaryResult run() {
    gather();
    check(metrics_[0].tokens() != 0,
          "the corpus has no token that a dictionary could be measured on");
    decoder_cosines_of_layers();
    if (options_.baselines) {
      make_baselines();
    }
    splice();
    return result();
  }

 private:
  std::optional<TokenBatch> next(const char* what) {
    check_cancelled(options_.cancel);
    std::optional<TokenBatch> out = batches_.next();
    if (out) {
      rows_ = options_.bos ? rows_except(out->tokens, std::span(&*options_.bos, 1))
                           : rows_except(out->tokens, {});
      if (options_.progress) {
        options_.progress(what, batches_.tokens());
      }
    }
    return out;
  }

  Matrix run(const TokenBatch& batch, Replacement& replacement,
             std::span<const DictionarySite> sites, std::span<const std::size_t> rows) {
    return spliced_logits(asked_.backend, asked_.model, batch.batch(), asked_.precision, sites,
                          rows, replacement);
  }

  void gather() {
    CovarianceRecorder covariance(asked_.backend, sites_.size());
    MeanRecorder neurons(sites_.size());
    while (const auto batch = next("reading activations")) {
      DictionaryRecorder clean(asked_.backend, dictionary_, asked_.precision);
      Routed all;
      for (std::size_t s = 0; s < sites_.size(); ++s) {
        if (neurons_exist_ && options_.baselines) {
          all.add(neurons_of(sites_[s]), neurons, s);
        }
        if (narrow_ && options_.baselines) {
          all.add({sites_[s].output, sites_[s].output}, covariance, s);
        }
        all.add(sites_[s], clean, s);
      }
      run(*batch, all, all.sites(), rows_);
      for (std::size_t s = 0; s < sites_.size(); ++s) {
        metrics_[s].add(clean.target(s).ref(), clean.reconstruction(s).ref(), clean.codes(s));
      }
    }
    if (options_.baselines && metrics_[0].tokens() != 0) {
      keep_bases(covariance, neurons);
    }
  }

  void keep_bases(const CovarianceRecorder& covariance, const MeanRecorder& neurons) {
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      if (narrow_) {
        pca_.bases.push_back(
            {.mean = covariance.at(s).mean(), .vectors = covariance.at(s).components().vectors});
      }
      neurons_.bases.push_back({.mean = neurons_exist_ ? neurons.mean(s) : metrics_[s].mean()});
    }
  }

  void decoder_cosines_of_layers() {
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      if (dictionary_.layers()[s].features() <= kMostCosines) {
        const DecoderCosines cosines = decoder_cosines(asked_.backend, dictionary_, s);
        metrics_[s].set_decoder_cosines(cosines.largest, cosines.absolute);
      }
    }
  }

  void make_baselines() {
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      const auto k =
          std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(metrics_[s].l0_mean())));
      Basis& neurons = neurons_.bases[s];
      neurons.k = k;
      if (neurons_exist_) {
        neurons.weights = neuron_norms(asked_.model, sites_[s].output.layer);
      }
      neurons_.metrics.emplace_back(neurons.mean.size());
      if (narrow_) {
        pca_.bases[s].k = k;
        pca_.metrics.emplace_back(pca_.bases[s].mean.size());
      }
    }
  }

  void splice() {
    batches_.rewind();
    while (total_.predictions() < options_.splice_tokens) {
      const auto batch = next("replacing layers");
      if (!batch) {
        break;
      }
      DictionaryRecorder clean(asked_.backend, dictionary_, asked_.precision);
      original_ = run(*batch, clean, sites_, rows_);
      for (std::size_t s = 0; s < sites_.size(); ++s) {
        metrics_[s].add_again(clean.target(s).ref(), clean.reconstruction(s).ref());
      }
      add_original(*batch);
      splice_all(*batch, clean);
      if (sites_.size() > 1) {
        splice_each(*batch, clean);
      }
      if (options_.baselines) {
        add_baselines(*batch, clean);
      }
    }
    while (const auto batch = next("reading activations again")) {  // for one figure of all rows
      DictionaryRecorder clean(asked_.backend, dictionary_, asked_.precision);
      run(*batch, clean, sites_, rows_);
      for (std::size_t s = 0; s < sites_.size(); ++s) {
        metrics_[s].add_again(clean.target(s).ref(), clean.reconstruction(s).ref());
      }
    }
  }

  void add_original(const TokenBatch& batch) {
    const auto add = [&](SpliceFigures& figures) {
      figures.add_original(original_.ref(), batch.tokens, batch.targets, options_.bos);
    };
    add(total_);
    std::for_each(figures_.begin(), figures_.end(), add);
    add(neurons_.splice);
    add(pca_.splice);
  }

  void add(SpliceFigures& figures, SpliceVariant variant, const TokenBatch& batch,
           Replacement&& replacement, std::span<const DictionarySite> sites,
           std::span<const std::size_t> rows) {
    figures.add(variant, original_.ref(), run(batch, replacement, sites, rows).ref(), batch.tokens,
                batch.targets, options_.bos);
  }

  DictionaryReplacement dictionary(std::span<const Matrix> errors = {}) {
    return {asked_.backend, dictionary_, asked_.precision, errors};
  }

  void splice_all(const TokenBatch& batch, const DictionaryRecorder& clean) {
    const std::vector<std::size_t> every = rows_except(batch.tokens, {});
    std::vector<std::vector<double>> means;
    means.reserve(metrics_.size());
    for (const DictionaryMetrics& metrics : metrics_) {
      means.push_back(metrics.mean());
    }
    const std::vector<Matrix> errors = clean.errors();
    add(total_, SpliceVariant::DictionaryKeepBos, batch, dictionary(), sites_, rows_);
    add(total_, SpliceVariant::DictionaryAll, batch, dictionary(), sites_, every);
    add(total_, SpliceVariant::ZeroKeepBos, batch, Ablation(), sites_, rows_);
    add(total_, SpliceVariant::ZeroAll, batch, Ablation(), sites_, every);
    add(total_, SpliceVariant::MeanKeepBos, batch, Ablation(means), sites_, rows_);
    add(total_, SpliceVariant::ErrorAddedBack, batch, dictionary(errors), sites_, rows_);
  }

  void splice_each(const TokenBatch& batch, const DictionaryRecorder& clean) {
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      const auto site = std::span(sites_).subspan(s, 1);
      const Matrix* const given = &clean.reconstruction(s);
      add(figures_[s], SpliceVariant::DictionaryKeepBos, batch, GivenRows(std::span(&given, 1)),
          site, rows_);
      add(figures_[s], SpliceVariant::ZeroKeepBos, batch, Ablation(), site, rows_);
      add(figures_[s], SpliceVariant::MeanKeepBos, batch, Ablation({metrics_[s].mean()}), site,
          rows_);
    }
  }

  void add_baselines(const TokenBatch& batch, const DictionaryRecorder& clean) {
    std::vector<DictionarySite> outputs;
    std::vector<DictionarySite> neurons;
    for (const DictionarySite& site : sites_) {
      outputs.push_back({site.output, site.output});
      neurons.push_back(neurons_exist_ ? neurons_of(site) : outputs.back());
    }
    if (narrow_) {
      add_reconstructions(pca_, clean);
      add(pca_.splice, SpliceVariant::DictionaryKeepBos, batch,
          TopOfBasis(asked_.backend, pca_.bases), outputs, rows_);
    }
    if (neurons_exist_) {
      add_neurons(batch, clean);
    } else {
      add_reconstructions(neurons_, clean);
    }
    add(neurons_.splice, SpliceVariant::DictionaryKeepBos, batch,
        TopOfBasis(asked_.backend, neurons_.bases), neurons, rows_);
  }

  void add_reconstructions(BaselineSums& sums, const DictionaryRecorder& clean) {
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      const ConstMatRef target = clean.target(s).ref();
      Matrix out = Matrix::host(target.rows, target.cols, target.dtype);
      convert(target, out.ref());
      const SparseRows kept = keep_largest(asked_.backend, sums.bases[s], out.ref());
      sums.metrics[s].add(target, out.ref(), kept);
    }
  }

  void add_neurons(const TokenBatch& batch, const DictionaryRecorder& clean) {
    std::vector<DictionarySite> sites;
    std::vector<const Matrix*> targets;
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      sites.push_back(neurons_of(sites_[s]));
      sites.push_back({sites_[s].output, sites_[s].output});
      targets.push_back(&clean.target(s));
    }
    NeuronRecorder recorder(asked_.backend, neurons_.bases, targets);
    run(batch, recorder, sites, rows_);
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      neurons_.metrics[s].add(clean.target(s).ref(), recorder.written(s).ref(), recorder.kept(s));
    }
  }

  std::vector<LayerResult> layers_of(const std::vector<DictionaryMetrics>& metrics) const {
    std::vector<LayerResult> out;
    out.reserve(metrics.size());
    for (std::size_t s = 0; s < metrics.size(); ++s) {
      out.push_back({.layer = dictionary_.layers()[s].layer,
                     .input_point = name_of(sites_[s].input),
                     .output_point = name_of(sites_[s].output),
                     .features = metrics[s].fires().size(),
                     .metrics = metrics[s].metrics(),
                     .splice = {}});
    }
    return out;
  }

  static std::vector<Metric> pooled(const std::vector<DictionaryMetrics>& metrics) {
    DictionaryMetrics total = metrics.front();
    for (std::size_t s = 1; s < metrics.size(); ++s) {
      total.pool(metrics[s]);
    }
    return total.metrics();
  }

  BaselineResult baseline(const BaselineSums& sums, std::string name, std::string how) const {
    BaselineResult out{.name = std::move(name), .how = std::move(how)};
    for (const Basis& basis : sums.bases) {
      out.k.push_back(basis.k);
    }
    out.layers = layers_of(sums.metrics);
    out.total = pooled(sums.metrics);
    out.splice = result_of(sums.splice);
    add_recovered(total_.all(), out.splice.all);
    add_recovered(total_.non_bos(), out.splice.non_bos);
    return out;
  }

  DictionaryResult result() const {
    DictionaryResult out{.tokens = metrics_[0].tokens(),
                         .splice_tokens = total_.predictions(),
                         .layers = layers_of(metrics_),
                         .total = pooled(metrics_),
                         .splice = result_of(total_)};
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      out.layers[s].splice = sites_.size() == 1 ? out.splice : result_of(figures_[s]);
    }
    if (!options_.baselines) {
      return out;
    }
    if (narrow_) {
      out.baselines.push_back(baseline(
          pca_, "pca", "the k largest principal components of each token, around the mean"));
    } else {
      out.baselines.push_back(
          {.name = "pca",
           .why_not = fmt::format("its time grows with the cube of the width; up to {} columns",
                                  kWidestPca)});
    }
    out.baselines.push_back(baseline(
        neurons_, "neurons",
        neurons_exist_ ? "the k neurons of each token that write most, the others at their mean"
                       : "the k largest coordinates of each token, around the mean"));
    return out;
  }

  const Asked& asked_;
  const Dictionary& dictionary_;
  const MeasureOptions& options_;
  std::vector<DictionarySite> sites_;
  TokenBatches batches_;
  std::vector<std::size_t> rows_;  // of the batch at hand that are not <bos>
  Matrix original_;                // its logits
  std::vector<DictionaryMetrics> metrics_;
  SpliceFigures total_;
  std::vector<SpliceFigures> figures_;
  BaselineSums pca_;
  BaselineSums neurons_;
  bool neurons_exist_ = false;
  bool narrow_ = false;
};

}  // namespace

DictionaryResult measure_dictionary(const Asked& asked, const Dictionary& dictionary,
                                    const DocumentSource& corpus, const MeasureOptions& options) {
  return Measuring(asked, dictionary, corpus, options).run();
}

std::optional<double> value_of(const std::vector<Metric>& metrics, std::string_view name) {
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [&](const Metric& metric) { return metric.name == name; });
  return found == metrics.end() ? std::nullopt : found->value;
}

}  // namespace cajal
