// Gradients at points of every golden model, with everything frozen or not, against finite
// differences of a forward pass in double in which the same things are held constant by edits.
#include <cmath>
#include <utility>

#include <gtest/gtest.h>

#include "base/random.h"
#include "model/backward/experiment_test.h"
#include "testing/compare.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSeeds = 2;

std::string name_of_freeze(const Freeze& f) {
  return fmt::format("patterns {} denominators {} mlps {}", f.patterns, f.denominators, f.mlps);
}

/// What gradients are taken of: for each seed, random multiples of the values at these points.
std::vector<Point> targets(const Experiment& e, const Freeze& freeze) {
  const std::size_t last = e.config().layers - 1;
  std::vector<Point> out = {{PointKind::FinalNorm, 0},
                            {PointKind::Logits, 0},
                            {PointKind::ResidMid, last},
                            {PointKind::MlpIn, last},
                            {PointKind::MlpInNormalized, last - 1},
                            {PointKind::ResidPost, 0},
                            {PointKind::Z, last},
                            {PointKind::Value, last},
                            {PointKind::MlpPre, last},
                            {PointKind::AttnIn, 0}};
  if (!freeze.denominators || e.config().qk_norm == QkNorm::None) {
    out.push_back({PointKind::Q, last});
    out.push_back({PointKind::K, 1});
  }
  std::erase_if(out, [&](Point p) {
    // A norm held constant by an edit of its result leaves the value before the gain as it is.
    const bool hidden = p.kind == PointKind::MlpInNormalized && freeze.denominators;
    return !e.exists(p) || hidden;
  });
  return out;
}

/// Where the input of the rest of the model is changed.
std::vector<Point> sources(const Experiment& e, const Freeze& freeze) {
  std::vector<Point> out;
  for (const Point p : points_of(e.config())) {
    switch (p.kind) {
      case PointKind::Embeddings:
      case PointKind::ResidPre:
      case PointKind::AttnIn:
      case PointKind::Value:
      case PointKind::Z:
      case PointKind::AttnOut:
      case PointKind::AttnOutPost:
      case PointKind::ResidMid:
      case PointKind::MlpIn:
      case PointKind::MlpOut:
      case PointKind::MlpOutPost:
      case PointKind::ResidPost:
      case PointKind::FinalNorm:
      case PointKind::LogitsPresoftcap:
        out.push_back(p);
        break;
      case PointKind::Q:
      case PointKind::K:
      case PointKind::MlpPre:
      case PointKind::MlpAct:
        if (!freeze.patterns && !freeze.mlps) {
          out.push_back(p);
        }
        break;
      case PointKind::MlpInNormalized:
        if (!freeze.denominators) {
          out.push_back(p);
        }
        break;
      default:
        break;
    }
  }
  return out;
}

/// The values at `targets` where `steps` are added at their points.
Values measure(Experiment& e, const Freeze& freeze, const std::vector<Point>& targets,
               const Values& steps, double factor) {
  PointSet points;
  Values seen;
  Values out;
  e.freeze(freeze, points, seen);
  for (const auto& [point, step] : steps) {
    points.edit(point, [&by = step, factor](MatRef value, const PointContext&) {
      add_to(value, by, factor);
    });
  }
  for (const Point target : targets) {
    points.read(target, [&out](ConstMatRef value, const PointContext& c) {
      out[c.point] = testing::elements(value);
    });
  }
  e.forward(points);
  return out;
}

/// The gradient at each source, [seeds][elements]; absent: 0.
std::vector<Values> gradients(Experiment& e, const Freeze& freeze,
                              const std::vector<Point>& targets,
                              const std::vector<Point>& sources) {
  Tape tape(e.backend(), {.mlps = !freeze.mlps});
  e.model().forward(e.backend(), e.batch(), tape, {.logits = LogitRows::All});
  std::vector<Values> out(kSeeds);
  PointSet points;
  for (const Point target : targets) {
    points.edit(target, [&e](MatRef value, const PointContext& c) {
      for (std::size_t seed = 0; seed < kSeeds; ++seed) {
        const std::size_t rows = value.rows / kSeeds;
        add_to(value.row_range(seed * rows, rows), e.noise(c.point, 1 + seed), 1.0);
      }
    });
  }
  for (const Point source : sources) {
    points.read(source, [&out](ConstMatRef value, const PointContext& c) {
      for (std::size_t seed = 0; seed < kSeeds; ++seed) {
        const std::size_t rows = value.rows / kSeeds;
        out[seed][c.point] = testing::elements(value.row_range(seed * rows, rows));
      }
    });
  }
  backward(e.backend(), e.model(), tape, {.freeze = freeze, .seeds = kSeeds, .points = &points});
  return out;
}

/// Whether what remains is linear but for rounding: then a step of any size will do.
bool is_linear(const Experiment& e, const Freeze& f) {
  return f.patterns && f.denominators && f.mlps && e.config().clip_qkv == 0.0;
}

void check_steps(Experiment& e, const Freeze& freeze, const Values& steps,
                 const std::vector<Point>& targets, const std::vector<Values>& gradient) {
  // Central differences: the error is of second order in h, which is chosen small, since relu and
  // clipping have kinks; what remains is the rounding of the objective over h.
  const double h = is_linear(e, freeze) ? 0.5 : 1e-6;
  const Values up = measure(e, freeze, targets, steps, h);
  const Values down = measure(e, freeze, targets, steps, -h);
  for (std::size_t seed = 0; seed < kSeeds; ++seed) {
    double slope = 0.0;
    double size = 0.0;
    for (const Point target : targets) {
      const auto weights = e.noise(target, 1 + seed);
      slope += (dot(weights, up.at(target)) - dot(weights, down.at(target))) / (2.0 * h);
      size += dot_abs(weights, up.at(target));
    }
    double want = 0.0;
    double terms = 0.0;
    for (const auto& [point, step] : steps) {
      const auto found = gradient[seed].find(point);
      if (found != gradient[seed].end()) {
        ASSERT_EQ(found->second.size(), step.size()) << name_of(point);
        want += dot(found->second, step);
        terms += dot_abs(found->second, step);
      }
    }
    const double rounding = 64.0 * 2.3e-16 * size / h;
    const double curvature = is_linear(e, freeze) ? 1e-12 * terms : 1e-8 * terms;
    EXPECT_NEAR(slope, want, rounding + curvature)
        << name_of(steps.begin()->first) << " and " << steps.size() - 1 << " more, "
        << name_of_freeze(freeze);
  }
}

class GradientsOf : public ::testing::TestWithParam<fs::path> {
 protected:
  void check_each_source(const Freeze& freeze) {
    Experiment e(GetParam());
    const auto from = sources(e, freeze);
    auto to = targets(e, freeze);
    if (is_linear(e, freeze)) {  // a cap on logits is not frozen
      std::erase(to, Point{PointKind::Logits, 0});
    }
    const auto gradient = gradients(e, freeze, to, from);
    for (const Point source : from) {
      check_steps(e, freeze, {{source, e.noise(source, 9)}}, to, gradient);
    }
  }
  void check_all_sources(const Freeze& freeze) {
    Experiment e(GetParam());
    const auto from = sources(e, freeze);
    const auto to = targets(e, freeze);
    Values steps;
    for (const Point source : from) {
      steps[source] = e.noise(source, 9);
    }
    check_steps(e, freeze, steps, to, gradients(e, freeze, to, from));
  }
  bool is_mixture() const { return Model::load(GetParam())->config().mixture.experts != 0; }
};

TEST_P(GradientsOf, TheFrozenModelAreItsFiniteDifferencesAtEveryPoint) {
  check_each_source(Freeze::everything());
}

TEST_P(GradientsOf, TheWholeModelAreItsFiniteDifferencesAtEveryPoint) {
  if (!is_mixture()) {
    check_each_source({});
  }
}

TEST_P(GradientsOf, AnyPartFrozenAreFiniteDifferences) {
  const ModelConfig config = Model::load(GetParam())->config();
  for (int bits = 1; bits < 7; ++bits) {
    const Freeze freeze = {
        .patterns = bits % 2 == 1, .denominators = bits / 2 % 2 == 1, .mlps = bits / 4 == 1};
    // Norms of heads cannot be held constant by an edit while something flows through them.
    const bool hidden = !freeze.patterns && freeze.denominators && config.qk_norm != QkNorm::None;
    if ((freeze.mlps || config.mixture.experts == 0) && !hidden) {
      check_all_sources(freeze);
    }
  }
}

/// Mean negative log-likelihood of the batch's next tokens, and where asked its gradient.
double loss_of(Experiment& e, const Model& model, const Gradients* gradients) {
  Tape tape(e.backend());
  model.forward(e.backend(), e.batch(), tape, {.logits = LogitRows::All});
  std::vector<std::int32_t> targets(e.batch().tokens.begin() + 1, e.batch().tokens.end());
  targets.push_back(-1);
  Matrix dlogits = make_matrix(e.backend(), tape.logits().rows, tape.logits().cols);
  const double loss = ops::cross_entropy(
      e.backend(), {.logits = tape.logits(), .targets = targets, .dlogits = dlogits.ref()});
  if (gradients != nullptr) {
    backward(e.backend(), model, tape, {.dlogits = dlogits.ref(), .gradients = gradients});
  }
  return loss;
}

TEST_P(GradientsOf, ParametersAreFiniteDifferencesAlongARandomDirection) {
  Experiment e(GetParam());
  const auto values = std::make_shared<Parameters>(load_parameters(GetParam(), DType::F64));
  const auto model = model_of(e.config(), values);
  const std::vector<ParameterSpec> specs(values->specs().begin(), values->specs().end());
  if (is_mixture() || !model->weights().owned.empty()) {
    return;  // not supported: what was copied when bound (StableLM's norms of heads) has no place
  }
  Parameters sums(specs, DType::F64);
  const Gradients gradients(e.config(), sums);
  loss_of(e, *model, &gradients);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto g = testing::elements(sums.at(i));
    std::vector<double> direction(g.size());
    for (std::size_t j = 0; j < g.size(); ++j) {
      direction[j] = random_normal(5, i, j);
    }
    const double h = 1e-6;
    add_to(values->at(i), direction, h);
    const double up = loss_of(e, *model, nullptr);
    add_to(values->at(i), direction, -2.0 * h);
    const double down = loss_of(e, *model, nullptr);
    add_to(values->at(i), direction, h);
    const double rounding = 64.0 * 2.3e-16 * up / h;
    EXPECT_NEAR((up - down) / (2.0 * h), dot(g, direction), rounding + 1e-8 * dot_abs(g, direction))
        << specs[i].name;
  }
}

/// Normal numbers that every backend can hold.
void add_noise(MatRef value, const PointContext& /*context*/) {
  Matrix noise = Matrix::host(value.rows, value.cols, DType::F32);
  for (std::size_t r = 0; r < value.rows; ++r) {
    for (std::size_t c = 0; c < value.cols; ++c) {
      noise.as<float>().at(r, c) = static_cast<float>(random_normal(2, r, c));
    }
  }
  convert(std::as_const(noise).ref(), value);
}

/// At the embeddings, of three seeds at the final norm.
Matrix frozen_gradient(Backend& backend, const Model& model, const Batch& batch) {
  Tape tape(backend, {.mlps = false});
  model.forward(backend, batch, tape, {.logits = LogitRows::All});
  PointSet points;
  points.edit({PointKind::FinalNorm, 0}, add_noise);
  Matrix out;
  points.read({PointKind::Embeddings, 0}, [&out](ConstMatRef value, const PointContext&) {
    out = Matrix::host(value.rows, value.cols, value.dtype);
    convert(value, out.ref());
  });
  backward(backend, model, tape, {.freeze = Freeze::everything(), .seeds = 3, .points = &points});
  return out;
}

TEST_P(GradientsOf, TheFrozenModelAreTheSameOnTheProcessorInF32) {
  Experiment e(GetParam());
  const auto cpu = make_cpu_backend();
  const Matrix exact = frozen_gradient(e.backend(), e.model(), e.batch());
  const Matrix fast = frozen_gradient(*cpu, e.model(), e.batch());
  double most = 0.0;
  for (const double x : testing::elements(exact.ref())) {
    most = std::max(most, std::abs(x));
  }
  // Rounding of f32 grows with the length of the sums, at most d_model terms in each of the three
  // products and the norm of a layer.
  const auto terms = static_cast<double>(4 * e.config().layers * e.config().d_model);
  EXPECT_LE(testing::largest_error(fast.ref(), exact.ref()), terms * 6e-8 * most);
}

std::string case_name(const ::testing::TestParamInfo<fs::path>& info) {
  return info.param.filename().string();
}

INSTANTIATE_TEST_SUITE_P(Models, GradientsOf,
                         ::testing::ValuesIn(testing::golden_folders("models")), case_name);

}  // namespace
}  // namespace cajal
