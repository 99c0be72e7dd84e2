// A random model with a tokenizer of its own, and tasks as a test writes them.
#pragma once

#include "corpus/world/task.h"
#include "io/json.h"
#include "measure/world_score.h"
#include "testing/files.h"
#include "testing/random_model.h"
#include "text/tokenizer_json.h"
#include "text/train/train_bpe.h"

namespace cajal::testing {

inline std::shared_ptr<const Tokenizer> small_tokenizer() {
  BpeTrainer trainer({.vocab = 500, .whole = {"Dallas", "Oakland", "Texas", "California"}});
  for (int i = 0; i < 9; ++i) {
    trainer.add("The state containing Dallas is Texas.\nThe state of Oakland is California.\n");
  }
  const std::string text = to_tokenizer_json(trainer.train()).dump();
  return read_tokenizer_json(Json::parse(text, "tokenizer.json"), "tokenizer.json", text.size());
}

/// Two layers of width 32, a context of 40 tokens.
class SmallModel {
 public:
  explicit SmallModel(std::unique_ptr<Backend> chosen = make_cpu_backend())
      : tokenizer(small_tokenizer()), backend(std::move(chosen)) {
    write_random_model(folder_.path(), R"({"model_type": "llama", "vocab_size": 500,
      "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
      "num_key_value_heads": 4, "head_dim": 8, "max_position_embeddings": 40,
      "tie_word_embeddings": true})");
    model = Model::load(folder_.path());
  }
  Asked asked() const { return {.backend = *backend, .model = *model, .tokenizer = *tokenizer}; }

 private:
  TemporaryFolder folder_;

 public:
  std::shared_ptr<const Tokenizer> tokenizer;
  std::unique_ptr<Backend> backend;
  std::shared_ptr<const Model> model;
};

/// A task that asks what it is told to.
class FakeTask : public Task {
 public:
  std::string_view name() const override { return "fake"; }
  std::string_view summary() const override { return "what a test made up"; }
  double weight() const override { return 1.0; }
  Document generate(Split, std::uint64_t, std::uint64_t) const override { return {}; }
  std::vector<Question> questions(Split split) const override {
    return split == Split::Train ? train : heldout;
  }
  Twins twins(std::uint64_t, std::uint64_t index) const override {
    return pairs.empty() ? Twins{} : pairs[index % pairs.size()];
  }
  std::vector<Aim> aims() const override { return score_aims; }
  std::vector<ProbeAim> probe_aims() const override { return seen_aims; }

  std::vector<Question> train;
  std::vector<Question> heldout;
  std::vector<Twins> pairs;
  std::vector<Aim> score_aims;
  std::vector<ProbeAim> seen_aims;
};

}  // namespace cajal::testing
