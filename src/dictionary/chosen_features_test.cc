// Features asked for one by one are those that encode() gives.
#include "dictionary/chosen_features.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "dictionary/encode.h"
#include "dictionary/load.h"
#include "testing/golden.h"

namespace cajal {
namespace {

constexpr double kRelativeError = 1e-5;  // as of encode(): the golden set's README

/// Numbers of the size that they have after a norm.
Matrix some_rows(Backend& backend, std::size_t cols) {
  Matrix out = make_matrix(backend, 5, cols);
  for (std::size_t r = 0; r < out.rows(); ++r) {
    for (std::size_t c = 0; c < cols; ++c) {
      const double x = 2.0 * std::sin(static_cast<double>(7 * r * cols + 3 * c) + 0.5);
      if (out.dtype() == DType::F64) {
        out.as<double>().at(r, c) = x;
      } else {
        out.as<float>().at(r, c) = static_cast<float>(x);
      }
    }
  }
  return out;
}

/// All features at all rows, the last ones first.
std::vector<RowFeature> everything(std::size_t rows, std::size_t features) {
  std::vector<RowFeature> out;
  for (std::size_t r = rows; r-- > 0;) {
    for (std::size_t f = features; f-- > 0;) {
      out.push_back({r, f});
    }
  }
  return out;
}

double stored(const SparseRows& codes, const RowFeature& at) {
  const SparseRows::Row row = codes.row(at.row);
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row.columns[i] == at.feature) {
      return static_cast<double>(row.values[i]);
    }
  }
  return 0.0;
}

/// How many of them fire.
std::size_t expect_encoded(Backend& backend, const Dictionary& dictionary, std::size_t index) {
  const DictionaryLayer& layer = dictionary.layers()[index];
  const Matrix x = some_rows(backend, layer.d_in());
  const SparseRows codes = encode(backend, dictionary, index, x.ref());
  const std::vector<RowFeature> asked = everything(x.rows(), layer.features());
  const std::vector<double> got = chosen_activations(backend, dictionary, index, x.ref(), asked);
  EXPECT_EQ(got.size(), asked.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double want = stored(codes, asked[i]);
    EXPECT_NEAR(got[i], want, kRelativeError * std::max(1.0, std::abs(want)))
        << "row " << asked[i].row << ", feature " << asked[i].feature;
  }
  return codes.stored();
}

template <typename Body>
void each_dictionary(const Body& body) {
  testing::each_circuit_folder(
      [&](const std::filesystem::path& folder) { body(load_dictionary(folder / "transcoders")); });
}

TEST(ChosenFeatures, AreThoseOfAllThatAreEncoded) {
  std::size_t fired = 0;
  for (const bool on_ref : {false, true}) {
    const auto backend = on_ref ? make_reference_backend() : make_cpu_backend();
    each_dictionary([&](const std::shared_ptr<const Dictionary>& dictionary) {
      for (std::size_t i = 0; i < dictionary->layers().size(); ++i) {
        fired += expect_encoded(*backend, *dictionary, i);
      }
    });
  }
  EXPECT_GT(fired, 500U);  // of the golden core alone, too
}

/// The same dictionaries with JumpReLU, scaled inputs and a bias before them.
TEST(ChosenFeatures, AreThoseOfAllWithScalesAndThresholdsOfBothSigns) {
  const auto backend = make_reference_backend();
  each_dictionary([&](const std::shared_ptr<const Dictionary>& from) {
    for (const bool keeps_negative : {false, true}) {
      std::vector<DictionaryLayer> layers(from->layers().begin(), from->layers().end());
      for (DictionaryLayer& layer : layers) {
        layer.activation = {.kind = ActivationKind::JumpRelu, .keeps_negative = keeps_negative};
        layer.pre_bias.assign(layer.d_in(), 0.125F);
        layer.input_scale = 1.5;
        for (std::size_t f = 0; f < layer.features(); ++f) {
          layer.activation.threshold.push_back(f % 2 == 0 ? 0.2F : -0.2F);
        }
      }
      const Dictionary changed(from->info(), std::move(layers), from);
      for (std::size_t i = 0; i < changed.layers().size(); ++i) {
        EXPECT_GT(expect_encoded(*backend, changed, i), 0U);
      }
    }
  });
}

TEST(ChosenFeatures, ThatAreNotThereAreRefused) {
  const auto backend = make_cpu_backend();
  each_dictionary([&](const std::shared_ptr<const Dictionary>& dictionary) {
    const std::size_t features = dictionary->layers()[0].features();
    const Matrix x = some_rows(*backend, dictionary->layers()[0].d_in());
    const Matrix narrow = some_rows(*backend, x.cols() - 1);
    const auto ask = [&](const Matrix& rows, const RowFeature& one) {
      return chosen_activations(*backend, *dictionary, 0, rows.ref(), std::span(&one, 1));
    };
    EXPECT_THROW(ask(x, {0, features}), Error);
    EXPECT_THROW(ask(x, {x.rows(), 0}), Error);
    EXPECT_THROW(ask(narrow, {0, 0}), Error);
    EXPECT_TRUE(chosen_activations(*backend, *dictionary, 0, x.ref(), {}).empty());
  });
}

}  // namespace
}  // namespace cajal
