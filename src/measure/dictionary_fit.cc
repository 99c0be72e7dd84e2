#include "measure/dictionary_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/error.h"
#include "dictionary/encode.h"

namespace cajal {
namespace {

constexpr double kBad = 0.8;   // FVU above which users are warned
constexpr double kGood = 0.5;  // FVU that shows that a point is right
constexpr std::array<PointKind, 10> kInputs = {
    PointKind::ResidPre,   PointKind::AttnIn,   PointKind::AttnOut,         PointKind::AttnOutPost,
    PointKind::ResidMid,   PointKind::MlpIn,    PointKind::MlpInNormalized, PointKind::MlpOut,
    PointKind::MlpOutPost, PointKind::ResidPost};

/// Rows of `from` that count, in double.
Matrix counted(ConstMatRef from, const std::vector<std::size_t>& rows) {
  Matrix out = Matrix::host(rows.size(), from.cols, from.dtype);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    convert(from.row_range(rows[i], 1), out.ref().row_range(i, 1));
  }
  return out;
}

std::vector<std::size_t> all_but_first(const Batch& batch) {
  std::vector<std::size_t> out;
  for (std::size_t s = 0; s + 1 < batch.starts.size(); ++s) {
    for (auto t = batch.starts[s] + 1; t < batch.starts[s + 1]; ++t) {
      out.push_back(static_cast<std::size_t>(t));
    }
  }
  return out;
}

double fvu_of(ConstMatRef target, ConstMatRef reconstruction) {
  double unexplained = 0.0;
  double variance = 0.0;
  for (std::size_t c = 0; c < target.cols; ++c) {
    double sum = 0.0;
    for (std::size_t r = 0; r < target.rows; ++r) {
      sum += element(target, r, c);
    }
    const double mean = sum / static_cast<double>(target.rows);
    for (std::size_t r = 0; r < target.rows; ++r) {
      const double y = element(target, r, c);
      const double e = y - element(reconstruction, r, c);
      unexplained += e * e;
      variance += (y - mean) * (y - mean);
    }
  }
  return variance > 0.0 ? unexplained / variance : (unexplained > 0.0 ? INFINITY : 0.0);
}

struct PointFit {
  double fvu = 0.0;
  double l0 = 0.0;
};

/// A dictionary at the points of one model.
class Trial {
 public:
  Trial(Backend& backend, const Model& model, const Dictionary& dictionary, const Batch& batch,
        Precision precision)
      : backend_(backend),
        model_(model),
        dictionary_(dictionary),
        batch_(batch),
        precision_(precision),
        rows_(all_but_first(batch)) {
    check(rows_.size() > 1, "{}: its fit cannot be measured on {} tokens", dictionary.info().name,
          rows_.size());
  }

  /// By layers().
  std::vector<PointFit> at(const std::vector<DictionarySite>& sites) const {
    const std::map<Point, Matrix> values = read(sites);
    std::vector<SparseRows> codes;
    codes.reserve(sites.size());
    std::vector<PointFit> out;
    for (std::size_t l = 0; l < sites.size(); ++l) {
      codes.push_back(
          encode(backend_, dictionary_, l, values.at(sites[l].input).ref(), precision_));
    }
    for (std::size_t l = 0; l < sites.size(); ++l) {
      const Matrix& target = values.at(sites[l].output);
      Matrix made = make_matrix(backend_, target.rows(), target.cols());
      decode(backend_, dictionary_, l, codes, values.at(sites[l].input).ref(), made.ref());
      out.push_back(
          {.fvu = fvu_of(target.ref(), made.ref()),
           .l0 = static_cast<double>(codes[l].stored()) / static_cast<double>(rows_.size())});
    }
    return out;
  }

 private:
  std::map<Point, Matrix> read(const std::vector<DictionarySite>& sites) const {
    std::map<Point, Matrix> values;
    PointSet points;
    for (const DictionarySite& site : sites) {
      for (const Point point : {site.input, site.output}) {
        if (values.emplace(point, Matrix()).second) {
          points.read(point, [&](ConstMatRef value, const PointContext& context) {
            values[context.point] = counted(value, rows_);
          });
        }
      }
    }
    KvCache cache(model_.config(), backend_, batch_.starts.size() - 1);
    model_.forward(
        backend_, batch_, cache,
        {.precision = precision_, .logits = LogitRows::None, .points = &points, .keep = false});
    return values;
  }

  Backend& backend_;
  const Model& model_;
  const Dictionary& dictionary_;
  const Batch& batch_;
  Precision precision_;
  std::vector<std::size_t> rows_;
};

/// Kinds of point that a layer of this width could read instead.
std::vector<PointKind> other_kinds(const Dictionary& dictionary, const DictionarySite& site,
                                   const ModelConfig& config) {
  std::vector<PointKind> out;
  const bool as_wide = dictionary.layers().front().d_in() == config.d_model;
  const std::vector<Point> all = points_of(config);
  for (const PointKind kind : kInputs) {
    const bool exists = std::find(all.begin(), all.end(), Point{kind, 0}) != all.end();
    if (as_wide && exists && kind != site.input.kind && has_layer(site.input.kind)) {
      out.push_back(kind);
    }
  }
  return out;
}

std::vector<DictionarySite> moved_to(const std::vector<DictionarySite>& sites, PointKind kind) {
  std::vector<DictionarySite> out = sites;
  for (DictionarySite& site : out) {
    const bool autoencoder = site.output == site.input;
    site.input.kind = kind;
    site.output = autoencoder ? site.input : site.output;
  }
  return out;
}

bool fits_elsewhere(const LayerFit& fit) {
  return fit.other && fit.other_fvu < kGood && fit.other_fvu < fit.fvu / 2;
}

}  // namespace

std::vector<LayerFit> measure_fit(Backend& backend, const Model& model,
                                  const Dictionary& dictionary, const Batch& batch,
                                  Precision precision) {
  const std::vector<DictionarySite> sites = sites_of(dictionary, model.config());
  const Trial trial(backend, model, dictionary, batch, precision);
  const std::vector<PointFit> declared = trial.at(sites);
  std::vector<LayerFit> out;
  out.reserve(sites.size());
  for (std::size_t l = 0; l < sites.size(); ++l) {
    out.push_back({.site = sites[l], .fvu = declared[l].fvu, .l0 = declared[l].l0});
  }
  for (const PointKind kind : other_kinds(dictionary, sites.front(), model.config())) {
    const std::vector<DictionarySite> others = moved_to(sites, kind);
    const std::vector<PointFit> fits = trial.at(others);
    for (std::size_t l = 0; l < sites.size(); ++l) {
      if (!out[l].other || fits[l].fvu < out[l].other_fvu) {
        out[l].other = others[l].input;
        out[l].other_fvu = fits[l].fvu;
      }
    }
  }
  return out;
}

bool fits_well(const std::vector<LayerFit>& fits) {
  return std::none_of(fits.begin(), fits.end(),
                      [](const LayerFit& fit) { return fit.fvu > kBad || fits_elsewhere(fit); });
}

std::vector<std::string> judge_fit(const Dictionary& dictionary, const std::vector<LayerFit>& fits,
                                   std::string_view text) {
  std::vector<std::string> notes;
  for (const LayerFit& fit : fits) {
    const std::string declared = name_of(fit.site.input);
    if (fits_elsewhere(fit)) {
      fail(ErrorCode::InvalidArgument,
           "{}: fits {} ({:.2f}), not {} ({:.2f}), by the fraction of variance unexplained; use "
           "another dictionary, or --trust to skip this check",
           dictionary.info().name, name_of(*fit.other), fit.other_fvu, declared, fit.fvu);
    }
    if (fit.fvu > kBad) {
      notes.push_back(fmt::format(
          "{}: at {} it leaves {:.2f} of the variance unexplained on {} (L0 {:.1f}): is "
          "it for this model?",
          dictionary.info().name, declared, fit.fvu, text, fit.l0));
    }
  }
  return notes;
}

}  // namespace cajal
