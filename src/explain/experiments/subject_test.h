// A small random model as the subject of experiments: the fixtures of this folder's tests.
#pragma once

#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "dictionary/load.h"
#include "explain/experiments/experiment.h"
#include "measure/small_model_test.h"

namespace cajal::testing {

/// Without a dictionary.
class SubjectTest : public ::testing::Test {
 protected:
  explicit SubjectTest(std::unique_ptr<Backend> backend = make_cpu_backend())
      : small_(std::move(backend)) {}

  SmallModel small_;
  Subject subject_ = {.backend = *small_.backend,
                      .model = small_.model,
                      .dictionary = nullptr,
                      .tokenizer = small_.tokenizer};
};

/// With random transcoders of 64 features, 8 of which fire at each token.
class TranscodedSubjectTest : public SubjectTest {
 protected:
  explicit TranscodedSubjectTest(std::unique_ptr<Backend> backend = make_cpu_backend())
      : SubjectTest(std::move(backend)) {
    write_random_transcoders(folder_.path(), {.layers = 2, .width = 32, .features = 64, .k = 8});
    subject_.dictionary = load_dictionary(folder_.path());
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace cajal::testing
