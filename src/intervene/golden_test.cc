// Interventions and generations of every golden circuit, on both backends.
#include "testing/golden.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "dictionary/load.h"
#include "intervene/run.h"
#include "io/safetensors.h"
#include "model/generate.h"
#include "testing/compare.h"

namespace cajal {
namespace {

using testing::elements;

Interventions interventions_of(const Json& notes) {
  Interventions out = interventions_from_json(
      Json::object({{"features", notes.at("interventions", "")}}), "expected.json");
  out.frozen.attention = notes.at("freeze_attention", "").as_bool("");
  if (const Json* layers = notes.find_value("constrained_layers")) {
    const Json::Array& range = layers->as_array("");
    out.frozen.layers = std::pair(static_cast<std::size_t>(range[0].as_int("")),
                                  static_cast<std::size_t>(range[1].as_int("")));
  }
  return out;
}

std::vector<double> dense(const std::vector<SparseRows>& layers) {
  std::vector<double> out;
  for (const SparseRows& rows : layers) {
    const std::size_t begin = out.size();
    out.resize(begin + rows.rows() * rows.cols);
    for (std::size_t r = 0; r < rows.rows(); ++r) {
      for (std::size_t i = 0; i < rows.row(r).size(); ++i) {
        out[begin + r * rows.cols + rows.row(r).columns[i]] =
            static_cast<double>(rows.row(r).values[i]);
      }
    }
  }
  return out;
}

std::vector<double> dense(const std::vector<Matrix>& layers) {
  std::vector<double> out;
  for (const Matrix& m : layers) {
    const std::vector<double> some = elements(m.ref());
    out.insert(out.end(), some.begin(), some.end());
  }
  return out;
}

/// One folder of golden/circuits.
struct GoldenCircuit {
  explicit GoldenCircuit(const std::filesystem::path& folder)
      : notes(Json::load(folder / "expected.json")),
        expected(Safetensors::open(folder / "expected.safetensors")),
        model(Model::load(folder / "model")),
        dictionary(load_dictionary(folder / "transcoders")) {
    for (const double id : numbers("tokens")) {
      tokens.push_back(static_cast<TokenId>(id));
    }
  }
  std::vector<double> numbers(const std::string& name) const {
    return elements(as_matrix(expected->at(name)));
  }
  /// Within max(10 * the package's own f32 error, 1e-5 * the largest value), as the README has it.
  void expect(const std::vector<double>& got, const std::string& name) const {
    const std::vector<double> want = numbers(name);
    ASSERT_EQ(got.size(), want.size()) << name;
    const double error = notes.at("f32_error", "").at(name, "f32_error").as_double(name);
    double largest = 0.0;
    double difference = 0.0;
    for (std::size_t i = 0; i < want.size(); ++i) {
      largest = std::max(largest, std::abs(want[i]));
      const double d = std::abs(got[i] - want[i]);
      difference = d <= difference ? difference : d;  // NaN ends up there
    }
    EXPECT_LE(difference, std::max(10.0 * error, 1e-5 * largest)) << name;
  }

  Json notes;
  std::shared_ptr<const Safetensors> expected;
  std::shared_ptr<const Model> model;
  std::shared_ptr<const Dictionary> dictionary;
  std::vector<TokenId> tokens;
};

class GoldenInterventions : public ::testing::TestWithParam<bool> {  // whether on `ref`
 protected:
  template <typename Body>
  void each(const Body& body) {
    const auto backend = GetParam() ? make_reference_backend() : make_cpu_backend();
    testing::each_circuit_folder([&](const std::filesystem::path& folder) {
      const GoldenCircuit circuit(folder);
      body(*backend, circuit);
      if (!GetParam()) {
        testing::count_golden_case("circuits", folder);
      }
    });
  }
};

TEST_P(GoldenInterventions, LogitsAndActivationsOfEveryModeAreWithinTolerance) {
  each([](Backend& backend, const GoldenCircuit& c) {
    const Json::Array& all = c.notes.at("interventions", "").as_array("");
    for (std::size_t i = 0; i < all.size(); ++i) {
      SCOPED_TRACE(all[i].at("name", "").as_string(""));
      const bool active = all[i].at("apply_activation_function", "").as_bool("");
      InterventionRun run(backend, c.model, c.dictionary, c.tokens, interventions_of(all[i]),
                          {.record = active ? Record::Activations : Record::Preactivations});
      const std::string name = fmt::format("intervention/{}/", i);
      c.expect(elements(run.forward().ref()), name + "logits");
      c.expect(active ? dense(run.take_activations()) : dense(run.take_preactivations()),
               name + "activations");
    }
  });
}

TEST_P(GoldenInterventions, GenerationsAreWithinTolerance) {
  each([](Backend& backend, const GoldenCircuit& c) {
    for (const std::string name : {"generate", "generate_free"}) {
      SCOPED_TRACE(name);
      InterventionRun run(backend, c.model, c.dictionary, c.tokens,
                          interventions_of(c.notes.at(name, "")), {.record = Record::Activations});
      std::vector<double> logits;
      PointSet points = run.points();
      points.read({PointKind::Logits, 0}, [&](ConstMatRef value, const PointContext&) {
        const std::vector<double> row = elements(value);
        logits.insert(logits.end(), row.begin(), row.end());
      });
      GenerateOptions options;
      options.max_tokens = 8;
      options.sampling.temperature = 0.0;
      options.points = &points;
      const Generation got =
          generate(backend, *c.model, nullptr, std::span(&c.tokens, 1), options).front();
      std::vector<TokenId> ids = c.tokens;
      ids.insert(ids.end(), got.ids.begin(), got.ids.end());
      EXPECT_EQ(std::vector<double>(ids.begin(), ids.end()), c.numbers(name + "/tokens"));
      c.expect(logits, name + "/logits");
      c.expect(dense(run.take_activations()), name + "/activations");
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Backends, GoldenInterventions, ::testing::Bool(),
                         [](const auto& backend) { return backend.param ? "Ref" : "Cpu"; });

}  // namespace
}  // namespace cajal
