#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/files.h"
#include "train/checkpoint.h"
#include "train/grow.h"
#include "train/schedule.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Schedule, RisesInALineToThePeak) {
  const Schedule schedule{.peak = 0.1, .steps = 10, .warmup = 4};
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 1), 0.025);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 4), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 5), 0.1);
}

TEST(Schedule, FallsToWhatIsToBeLeftAfterTheLastStep) {
  const Schedule linear{.peak = 1.0, .steps = 10, .decay = Decay::Linear};
  EXPECT_DOUBLE_EQ(learning_rate(linear, 6), 0.5);
  EXPECT_NEAR(learning_rate(linear, 11), 0.0, 1e-15);
  const Schedule cosine{.peak = 1.0, .steps = 10, .decay = Decay::Cosine, .last = 0.1};
  EXPECT_NEAR(learning_rate(cosine, 6), 0.55, 1e-12);
  EXPECT_NEAR(learning_rate(cosine, 11), 0.1, 1e-12);
  const Schedule constant{.peak = 1.0, .steps = 10, .decay = Decay::None};
  EXPECT_DOUBLE_EQ(learning_rate(constant, 10), 1.0);
}

TEST(History, SurvivesAsAMatrix) {
  const History history = {{1, 100, 0.5, 6.1, 1.0}, {2, 200, 0.25, 5.9, 0.1, 5.5}};
  const Matrix matrix = to_matrix(history);
  EXPECT_EQ(to_csv(history_from(matrix.ref(), "x")), to_csv(history));
  EXPECT_EQ(to_csv(history),
            "step,tokens,learning_rate,loss,gradient_norm,heldout_loss\n"
            "1,100,0.5,6.1,1,\n2,200,0.25,5.9,0.1,5.5\n");
}

TEST(History, IsDrawnWithoutAnyPointOutsideThePicture) {
  EXPECT_THAT(to_svg({}), ::testing::Not(HasSubstr("nan")));
  EXPECT_THAT(to_svg({{1, 1, 1, 3.0, 1}}), ::testing::Not(HasSubstr("nan")));
}

/// A training of three steps on `ref`, small enough to run many times.
class SmallGrow {
 public:
  explicit SmallGrow(const std::filesystem::path& folder) {
    auto texts = std::make_shared<TokenizedTexts>(Framing{1, 2, 16});
    for (TokenId i = 0; i < 12; ++i) {
      texts->add_document(std::vector<TokenId>{1, 3 + i % 5, 4 + i % 7, 3 + i % 3, 2});
    }
    options_.folder = folder;
    options_.model.architecture = {
        .layers = 1, .heads = 2, .d_model = 8, .d_mlp = 12, .vocab = 12, .context = 16};
    options_.model.stop = {2};
    options_.trainer.schedule = {.peak = 0.01, .steps = 6};
    options_.seed = 5;
    options_.data = {{.name = "texts", .source = texts}};
    options_.heldout = {texts};
    options_.batch_tokens = 16;
    options_.evaluation_tokens = 32;
    options_.checkpoint_every = 1;
    options_.recipe = R"({"seed":5})";
  }

  GrowOptions& options() { return options_; }
  GrowResult run(Beginning beginning, std::size_t stop_after = 1000) {
    std::stop_source source;
    struct StopAfter final : GrowObserver {
      void stepped(const HistoryRow& row, std::size_t) override {
        if (row.step >= after) {
          source->request_stop();
        }
      }
      void note(std::string_view sentence) override { notes += sentence; }
      std::size_t after = 0;
      std::stop_source* source = nullptr;
      std::string notes;
    } observer;
    observer.after = stop_after;
    observer.source = &source;
    if (stop_after == 0) {
      source.request_stop();
    }
    GrowResult result =
        grow(make_reference_backend, options_, beginning, observer, source.get_token());
    notes_ = observer.notes;
    return result;
  }
  const std::string& notes() const { return notes_; }

 private:
  GrowOptions options_;
  std::string notes_;
};

std::string bytes_of_grown(const std::filesystem::path& folder) {
  return read_file(folder / "model.safetensors") + read_file(folder / "config.json") +
         read_file(training_folder(folder) / "loss.csv") +
         read_file(training_folder(folder) / "step-00000006.safetensors");
}

TEST(Grow, EndsWithTheSameBytesWhenItWasStoppedOnTheWay) {
  const testing::TemporaryFolder folder;
  EXPECT_TRUE(SmallGrow(folder / "whole").run(Beginning::New).finished);
  for (const std::size_t stop : {0U, 1U, 2U, 4U, 6U}) {
    const auto path = folder / fmt::format("stopped{}", stop);
    EXPECT_EQ(SmallGrow(path).run(Beginning::New, stop).finished, stop == 6);
    const GrowResult result = SmallGrow(path).run(Beginning::Resumed);
    EXPECT_TRUE(result.finished);
    EXPECT_EQ(result.history.size(), 6U);
    EXPECT_EQ(bytes_of_grown(path), bytes_of_grown(folder / "whole")) << "stopped after " << stop;
  }
}

TEST(Grow, KeepsTheNewestCheckpointsOnly) {
  const testing::TemporaryFolder folder;
  SmallGrow small(folder / "m");
  small.options().keep = 2;
  small.run(Beginning::New);
  EXPECT_FALSE(std::filesystem::exists(folder / "m/training/step-00000004.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(folder / "m/training/step-00000005.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(folder / "m/training/step-00000006.safetensors"));
}

TEST(Grow, KeepsMilestonesAsModels) {
  const testing::TemporaryFolder folder;
  SmallGrow small(folder / "m");
  small.options().milestones = 3;
  small.run(Beginning::New);
  for (const char* step : {"step-00000002", "step-00000004", "step-00000006"}) {
    EXPECT_EQ(Model::load(folder / "m/milestones" / step)->config().layers, 1U);
  }
}

TEST(Grow, LowersTheLoss) {
  const testing::TemporaryFolder folder;
  SmallGrow small(folder / "m");
  small.options().trainer.schedule = {.peak = 0.05, .steps = 40};
  small.options().checkpoint_every = 0;
  const GrowResult result = small.run(Beginning::New);
  EXPECT_NEAR(result.history.front().loss, std::log(12.0), 0.2);
  EXPECT_LT(result.history.back().heldout, 1.7);
}

TEST(Grow, RefusesToBeginOverATrainingThatIsThere) {
  const testing::TemporaryFolder folder;
  SmallGrow(folder / "m").run(Beginning::New, 2);
  const auto thrown = testing::thrown_by([&] { SmallGrow(folder / "m").run(Beginning::New); });
  EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument);
  EXPECT_THAT(thrown.message, HasSubstr("step-00000002.safetensors: a training has left"));
}

TEST(Grow, BeginsOverWhereItIsToldTo) {
  const testing::TemporaryFolder folder;
  SmallGrow(folder / "whole").run(Beginning::New);
  SmallGrow(folder / "m").run(Beginning::New, 2);
  EXPECT_EQ(SmallGrow(folder / "m").run(Beginning::Over).history.size(), 6U);
  EXPECT_EQ(bytes_of_grown(folder / "m"), bytes_of_grown(folder / "whole"));
}

TEST(Grow, RefusesToGoOnWithAnotherRecipe) {
  const testing::TemporaryFolder folder;
  SmallGrow(folder / "m").run(Beginning::New, 2);
  SmallGrow other(folder / "m");
  other.options().recipe = R"({"seed":6})";
  EXPECT_THAT(testing::thrown_by([&] { other.run(Beginning::Resumed); }).message,
              HasSubstr("another recipe: seed is 6 now and was 5"));
}

TEST(Grow, BeginsWhereThereIsNothingToGoOnFrom) {
  const testing::TemporaryFolder folder;
  SmallGrow small(folder / "m");
  EXPECT_TRUE(small.run(Beginning::Resumed).finished);
  EXPECT_THAT(small.notes(), HasSubstr("there is no checkpoint"));
}

TEST(Grow, GoesOnFromTheCheckpointBeforeADamagedOne) {
  const testing::TemporaryFolder folder;
  SmallGrow(folder / "whole").run(Beginning::New);
  SmallGrow(folder / "m").run(Beginning::New, 3);
  const auto newest = folder / "m/training/step-00000003.safetensors";
  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) / 2);
  SmallGrow small(folder / "m");
  EXPECT_TRUE(small.run(Beginning::Resumed).finished);
  EXPECT_THAT(small.notes(), HasSubstr("using the checkpoint before it"));
  EXPECT_EQ(bytes_of_grown(folder / "m"), bytes_of_grown(folder / "whole"));
}

TEST(Grow, LeavesTheCheckpointBeforeWhenTheDiskIsFull) {
  const testing::TemporaryFolder folder;
  SmallGrow(folder / "m").run(Beginning::New, 2);
  const std::string before = read_file(folder / "m/training/step-00000002.safetensors");
  {
    testing::FailingDisk disk(20000, ENOSPC);
    const FileSystemGuard guard(disk);
    const auto thrown =
        testing::thrown_by([&] { SmallGrow(folder / "m").run(Beginning::Resumed); });
    EXPECT_EQ(thrown.code, ErrorCode::ResourceExhausted);
    EXPECT_THAT(thrown.message, HasSubstr("--resume"));
  }
  EXPECT_EQ(read_file(folder / "m/training/step-00000002.safetensors"), before);
  EXPECT_TRUE(SmallGrow(folder / "m").run(Beginning::Resumed).finished);
}

TEST(Grow, LosesNothingWhereverTheDiskIsFull) {
  const testing::TemporaryFolder folder;
  SmallGrow(folder / "whole").run(Beginning::New);
  bool finished = false;
  std::size_t failures = 0;
  for (std::size_t room = 0; !finished; room += 9000) {  // fills up in files of every kind
    const auto path = folder / fmt::format("room{}", room);
    SmallGrow(path).run(Beginning::New, 4);
    const auto thrown = testing::thrown_by([&] {
      testing::FailingDisk disk(room, ENOSPC);
      const FileSystemGuard guard(disk);
      finished = SmallGrow(path).run(Beginning::Resumed).finished;
    });
    if (!finished) {
      ++failures;
      EXPECT_EQ(thrown.code, ErrorCode::ResourceExhausted) << room << ": " << thrown.message;
      EXPECT_TRUE(SmallGrow(path).run(Beginning::Resumed).finished) << room;
    }
    EXPECT_EQ(bytes_of_grown(path), bytes_of_grown(folder / "whole")) << room;
  }
  EXPECT_GE(failures, 5U);
}

TEST(Grow, StopsWhenTheLossBlowsUp) {
  const testing::TemporaryFolder folder;
  SmallGrow small(folder / "m");
  small.options().trainer.schedule = {.peak = 1e6, .steps = 100, .decay = Decay::None};
  const auto thrown = testing::thrown_by([&] { small.run(Beginning::New); });
  EXPECT_EQ(thrown.code, ErrorCode::InvalidArgument);
  EXPECT_THAT(thrown.message, StartsWith("step "));
  EXPECT_THAT(thrown.message, HasSubstr("try a smaller learning rate"));
}

TEST(Grow, KeepsNoCheckpointOfWeightsThatHaveBlownUp) {
  for (const std::size_t steps : {1U, 100U}) {
    const testing::TemporaryFolder folder;
    SmallGrow small(folder / "m");
    small.options().trainer.schedule = {.peak = 1e6, .steps = steps, .decay = Decay::None};
    EXPECT_THAT(testing::thrown_by([&] { small.run(Beginning::New); }).message,
                HasSubstr("step 1: the loss after it is"));
    EXPECT_FALSE(std::filesystem::exists(folder / "m/training/step-00000001.safetensors"));
    EXPECT_FALSE(std::filesystem::exists(folder / "m/model.safetensors"));
  }
}

TEST(Grow, NamesTheLastGoodCheckpointWhenItBlowsUpLater) {
  const testing::TemporaryFolder folder;
  SmallGrow(folder / "m").run(Beginning::New, 3);
  SmallGrow small(folder / "m");
  small.options().trainer.schedule.peak = 1e6;
  EXPECT_THAT(
      testing::thrown_by([&] { small.run(Beginning::Resumed); }).message,
      AllOf(StartsWith("step 4: "), HasSubstr("the last good checkpoint is " +
                                              (folder / "m/training/step-00000003").string())));
  EXPECT_TRUE(SmallGrow(folder / "m").run(Beginning::Resumed).finished);
}

TEST(Grow, DoesNotTakeADamagedCheckpointForTheNewest) {
  const testing::TemporaryFolder folder;
  SmallGrow(folder / "m").run(Beginning::New, 3);
  const auto damaged = folder / "m/training/step-00000005.safetensors";
  write_file(damaged, "damaged");
  SmallGrow small(folder / "m");
  small.options().keep = 1;
  small.run(Beginning::Resumed, 4);
  EXPECT_FALSE(std::filesystem::exists(damaged));
  EXPECT_TRUE(std::filesystem::exists(folder / "m/training/step-00000004.safetensors"));
}

TEST(Grow, LeavesCopiesUnderOtherNamesAlone) {
  const testing::TemporaryFolder folder;
  SmallGrow small(folder / "m");
  small.options().keep = 1;
  small.run(Beginning::New, 1);
  const auto own = folder / "m/training/step-00000001-kept.safetensors";
  std::filesystem::copy_file(folder / "m/training/step-00000001.safetensors", own);
  small.run(Beginning::Resumed);
  EXPECT_TRUE(std::filesystem::exists(own));
}

TEST(Grow, RemovesWhatAKilledProcessLeftHalfWritten) {
  const testing::TemporaryFolder folder;
  SmallGrow(folder / "m").run(Beginning::New, 2);
  const auto half = folder / "m/training/.step-00000003.safetensors.999999999-0";
  write_file(half, "half");
  SmallGrow(folder / "m").run(Beginning::Resumed);
  EXPECT_FALSE(std::filesystem::exists(half));
}

TEST(Grow, SumsTheGradientsOfSeveralPassesIntoOneStep) {
  TokenizedTexts texts(Framing{1, 2, 16});
  for (TokenId i = 0; i < 4; ++i) {
    texts.add_document(std::vector<TokenId>{1, 3 + i, 4 + i, 2});
  }
  const ModelConfig config = model_config(
      Architecture{.layers = 1, .heads = 2, .d_model = 8, .d_mlp = 12, .vocab = 12, .context = 16});
  const TrainerOptions options{.schedule = {.peak = 0.01, .steps = 6}};
  Trainer one(make_reference_backend, config, 1, options);
  Trainer two(make_reference_backend, config, 1, options);
  std::uint64_t next = 0;
  const PackedBatch whole = pack(texts, next, {.tokens = 16});
  next = 0;
  const std::vector<PackedBatch> halves = {pack(texts, next, {.tokens = 8}),
                                           pack(texts, next, {.tokens = 8})};
  const StepResult a = one.step(std::span(&whole, 1));
  const StepResult b = two.step(halves);
  EXPECT_NEAR(a.loss, b.loss, 1e-12);
  EXPECT_NEAR(a.gradient_norm, b.gradient_norm, 1e-12);
  EXPECT_EQ(a.predictions, b.predictions);
}

}  // namespace
}  // namespace cajal
