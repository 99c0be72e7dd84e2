#include "measure/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "measure/small_model_test.h"

namespace cajal {
namespace {

/// Labels that a direction in the vectors carries, in noise.
ProbeData noisy(std::size_t examples, std::size_t width, double strength, std::uint64_t stream) {
  ProbeData out{Matrix::host(examples, width, DType::F64), {}};
  for (std::size_t r = 0; r < examples; ++r) {
    const std::size_t label = r % 4;
    for (std::size_t c = 0; c < width; ++c) {
      const double direction = random_normal(7, label, c);
      out.vectors.as<double>().at(r, c) =
          5.0 + strength * direction + random_normal(8, stream, r * width + c);
    }
    out.labels.push_back(std::string(1, static_cast<char>('a' + label)));
  }
  return out;
}

TEST(Probe, FindsWhatADirectionCarries) {
  EXPECT_GT(probe_accuracy(noisy(200, 16, 1.0, 1), noisy(200, 16, 1.0, 2)), 0.97);
}

TEST(Probe, FindsNothingInNoise) {
  EXPECT_LT(probe_accuracy(noisy(400, 16, 0.0, 1), noisy(400, 16, 0.0, 2)), 0.35);
}

TEST(Probe, DoesNotMindMoreColumnsThanExamplesOrALabelItNeverSaw) {
  ProbeData test = noisy(40, 64, 1.0, 2);
  test.labels[0] = "unseen";
  EXPECT_GT(probe_accuracy(noisy(40, 64, 1.0, 1), test), 0.8);
  EXPECT_EQ(probe_accuracy({}, test), 0.0);
}

TEST(ProbeTask, FindsATokenOfTheQuestionInItsEmbeddingAndNotWhatComesLater) {
  const testing::SmallModel small;
  testing::FakeTask task;
  for (std::size_t form = 0; form < 2; ++form) {
    for (int n = 0; n < 40; ++n) {
      const char* const city = n % 2 == 0 ? "Dallas" : "Oakland";
      const std::string prompt = std::string(form == 0 ? "The " : "So ") + city + " is";
      const std::size_t begin = form == 0 ? 4 : 3;
      const std::string number = std::to_string(n % 3);
      Question question{.prompt = prompt, .answer = "x", .kind = "k", .form = form};
      question.hidden = {{begin, prompt.size() - 3, "city", city}, {0, 2, "nothing", number}};
      task.train.push_back(question);
    }
  }
  task.seen_aims = {{.kind = "city", .question = "k", .at_least = 0.9}};
  const auto probes = probe_task(small.asked(), task, 0);
  ASSERT_EQ(probes.size(), 2U * 2U * 3U) << "kinds, places, points";
  EXPECT_EQ(probes[0].point, "embeddings");
  EXPECT_EQ(probes[0].hidden, "city");
  EXPECT_EQ(probes[0].accuracy, 1.0);
  EXPECT_EQ(probes[0].at_most, 0.2);
  EXPECT_EQ(probes[1].at_least, 0.9);
  EXPECT_EQ(probes[3].place, "last");
  EXPECT_LE(probes[3].accuracy, 0.5) << "the last token is always the same";
  EXPECT_LE(probes[6].accuracy, 0.6) << "nothing is what it says";
}

}  // namespace
}  // namespace cajal
