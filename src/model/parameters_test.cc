// A model's parameters by name: what a new model has is what files of its family hold, and a model
// that views them computes what the file's does.
#include "model/parameters.h"

#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "io/safetensors.h"
#include "model/architecture.h"
#include "testing/compare.h"
#include "testing/golden.h"

namespace cajal {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// Golden folders of families that can be grown.
std::vector<fs::path> grown_folders() {
  std::vector<fs::path> out;
  for (const fs::path& folder : testing::golden_folders("models")) {
    for (const char* name : {"llama", "llama_tied", "gpt2", "qwen3", "gemma2"}) {
      if (folder.filename() == name) {
        out.push_back(folder);
      }
    }
  }
  return out;
}

ModelConfig config_in(const fs::path& folder) {
  return model_config(Json::load(folder / "config.json"), folder.string());
}

Architecture small(const std::string& family) {
  return {.family = family,
          .layers = 2,
          .heads = 4,
          .d_model = 32,
          .d_mlp = 48,
          .vocab = 50,
          .context = 64,
          .bos = 1,
          .pad = 0};
}

Matrix logits_of(const Model& model, Backend& backend) {
  const std::vector<TokenId> tokens = {3, 1, 4, 1, 5, 9, 2, 6};
  const std::int32_t starts[] = {0, static_cast<std::int32_t>(tokens.size())};
  KvCache cache(model.config(), backend, 1);
  return model.forward(backend, {tokens, starts}, cache, {.logits = LogitRows::All});
}

double largest_difference(const Matrix& a, const Matrix& b) {
  double worst = 0.0;
  for (std::size_t r = 0; r < a.rows(); ++r) {
    for (std::size_t c = 0; c < a.cols(); ++c) {
      worst = std::max(worst, std::abs(element(a.ref(), r, c) - element(b.ref(), r, c)));
    }
  }
  return worst;
}

TEST(Parameters, OfANewModelAreThoseOfTheFamilysFiles) {
  for (const fs::path& folder : grown_folders()) {
    const auto file = Safetensors::open(folder);
    const auto specs = fresh_parameters(config_in(folder));
    EXPECT_EQ(specs.size(), file->tensors().size()) << folder;
    for (const ParameterSpec& spec : specs) {
      EXPECT_EQ(file->at(spec.name).shape, spec.shape) << folder << spec.name;
    }
  }
}

TEST(Parameters, LoadedFromAFileGiveTheFilesModel) {
  const auto backend = make_reference_backend();
  for (const fs::path& folder : testing::golden_folders("models")) {
    const auto loaded = std::make_shared<Parameters>(load_parameters(folder, DType::F64));
    const auto model = Model::load(folder);
    EXPECT_EQ(loaded->elements(), model->parameters()) << folder;
    const auto view = model_of(model->config(), loaded);
    EXPECT_EQ(largest_difference(logits_of(*view, *backend), logits_of(*model, *backend)), 0.0)
        << folder;
  }
}

TEST(Parameters, InBf16TakeThePlaceOfMatricesOnly) {
  const ModelConfig config = model_config(small("llama"));
  const auto masters = std::make_shared<Parameters>(fresh_parameters(config), DType::F32);
  const auto copies = std::make_shared<Parameters>(fresh_parameters(config), DType::BF16);
  const auto model = model_of(config, masters, copies);
  EXPECT_EQ(model->weights().embeddings.dtype, DType::BF16);
  EXPECT_EQ(model->weights().layers[0].q.weight.dtype, DType::BF16);
  EXPECT_EQ(model->weights().layers[0].attn_norm.gain.dtype, DType::F32);
}

TEST(Parameters, DecayUnlessTheyAreVectorsOrEmbeddings) {
  std::set<std::string> still;
  for (const ParameterSpec& spec : fresh_parameters(model_config(small("gpt2")))) {
    if (!spec.decays && spec.shape.size() > 1) {
      still.insert(spec.name);
    }
  }
  EXPECT_EQ(still, (std::set<std::string>{"transformer.wte.weight", "transformer.wpe.weight"}));
}

/// What a parameter's elements are around 0, and how far off that many draws may be.
void check_size(const ParameterSpec& spec, ConstMatRef values) {
  double squares = 0.0;
  for (std::size_t r = 0; r < values.rows; ++r) {
    for (std::size_t c = 0; c < values.cols; ++c) {
      squares += element(values, r, c) * element(values, r, c);
    }
  }
  const auto n = static_cast<double>(values.rows * values.cols);
  const std::map<FreshValue, double> sizes = {{FreshValue::One, 1.0},
                                              {FreshValue::Zero, 0.0},
                                              {FreshValue::Normal, 0.02},
                                              {FreshValue::Residual, 0.01}};  // 2 layers
  const double want = sizes.at(spec.fresh);
  // The deviation of n normal numbers is known to 1 / sqrt(2 n); five of those.
  EXPECT_NEAR(std::sqrt(squares / n), want, want * 5.0 / std::sqrt(2.0 * n)) << spec.name;
}

TEST(Parameters, StartAsTheirKindSaysAndTheSameForEveryType) {
  for (const char* family : {"llama", "gpt2", "qwen3", "gemma2"}) {
    const ModelConfig config = model_config(small(family));
    Parameters floats(fresh_parameters(config), DType::F32);
    Parameters doubles(fresh_parameters(config), DType::F64);
    initialize(floats, config, 7);
    initialize(doubles, config, 7);
    Matrix rounded = Matrix::host(1, doubles.all().cols, DType::F32);
    convert(std::as_const(doubles).all(), rounded.ref());
    EXPECT_EQ(testing::largest_error(std::as_const(floats).all(), rounded.ref()), 0.0) << family;
    for (std::size_t i = 0; i < doubles.specs().size(); ++i) {
      check_size(doubles.specs()[i], doubles.at(i));
    }
  }
}

TEST(Parameters, OfOneModelDependOnTheSeedAlone) {
  const ModelConfig config = model_config(small("llama"));
  Parameters a(fresh_parameters(config), DType::F32);
  Parameters b(fresh_parameters(config), DType::F32);
  initialize(a, config, 1);
  initialize(b, config, 2);
  EXPECT_NE(element(a.at(0), 0, 0), element(b.at(0), 0, 0));
}

TEST(Parameters, MissingOrOfAnotherShapeAreNamed) {
  const ModelConfig config = model_config(small("llama"));
  auto specs = fresh_parameters(config);
  specs.erase(specs.begin() + 2);
  const std::string name = fresh_parameters(config)[2].name;
  try {
    model_of(config, std::make_shared<Parameters>(std::move(specs), DType::F32));
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr(name));
  }
}

TEST(Parameters, OfFamiliesThatCannotBeGrownAreRefused) {
  Architecture a = small("mixtral");
  EXPECT_THROW(model_config(a), Error);
  a = small("llama");
  a.kv_heads = 3;
  EXPECT_THROW(model_config(a), Error);
  a = small("llama");
  a.layers = 0;
  EXPECT_THROW(model_config(a), Error);
}

TEST(Gradients, LieWhereTheirWeightsAreViewed) {
  const ModelConfig config = model_config(small("gpt2"));
  Parameters values(fresh_parameters(config), DType::F32);
  const Gradients gradients(config, values);
  const Projection& k = gradients.weights().layers[1].k;
  gradients.at(k.weight).as<float>().at(2, 3) = 5.0F;
  const auto packed = values.find("transformer.h.1.attn.c_attn.weight");
  EXPECT_EQ(element(values.at(packed.value_or(0)), 2, 32 + 3), 5.0);
}

}  // namespace
}  // namespace cajal
