// The checks that come before every op, on both backends of the host.
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/backend.h"
#include "ops/sample_test.h"

namespace cajal {
namespace {

using ::testing::HasSubstr;

class Checks : public ::testing::TestWithParam<std::string_view> {
 protected:
  Sample matrix(std::size_t rows, std::size_t cols) {
    return {rows, cols, backend_->activation_dtype()};
  }
  /// Runs `call`, which must throw InvalidArgument with `text` in its message.
  template <typename Call>
  void expect_refused(const Call& call, const std::string& text) {
    try {
      call();
      ADD_FAILURE() << "not refused: " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
      EXPECT_THAT(error.what(), HasSubstr(text));
    }
  }

  std::unique_ptr<Backend> backend_ =
      GetParam() == "cpu" ? make_cpu_backend() : make_reference_backend();
};

TEST_P(Checks, GemmRefusesWrongShapesAndTypes) {
  Sample a = matrix(2, 3);
  Sample b = matrix(4, 5);
  Sample out = matrix(2, 5);
  expect_refused([&] { ops::gemm(*backend_, {.a = a.ref(), .b = b.ref(), .out = out.ref()}); },
                 "a is [2, 3], b is [4, 5]");
  Sample fitting = matrix(3, 6);
  expect_refused(
      [&] { ops::gemm(*backend_, {.a = a.ref(), .b = fitting.ref(), .out = out.ref()}); },
      "out is [2, 5]; expected [2, 6]");
  const Matrix whole = Matrix::host(3, 5, DType::I32);
  expect_refused([&] { ops::gemm(*backend_, {.a = a.ref(), .b = whole.ref(), .out = out.ref()}); },
                 "holds I32");
  Sample right = matrix(3, 5);
  expect_refused([&] { ops::gemm(*backend_, {.a = a.ref(), .b = {}, .out = out.ref()}); }, "b");
  expect_refused(
      [&] {
        ops::gemm(*backend_, {.a = a.ref(), .b = right.ref(), .bias = a.ref(), .out = out.ref()});
      },
      "bias is [2, 3]; expected [1, 5]");
  Sample halves(2, 3, DType::F16);
  expect_refused(
      [&] { ops::gemm(*backend_, {.a = halves.ref(), .b = right.ref(), .out = out.ref()}); },
      "a holds F16");
}

TEST_P(Checks, RowOpsRefuseWrongShapes) {
  Sample x = matrix(2, 6);
  Sample y = matrix(3, 6);
  expect_refused([&] { ops::normalize(*backend_, {.in = x.ref(), .out = y.ref()}); }, "[3, 6]");
  expect_refused(
      [&] {
        ops::normalize(*backend_, {.in = x.ref(), .gain = x.ref().col_range(0, 5), .out = x.ref()});
      },
      "gain is [2, 5]");
  expect_refused([&] { ops::activate(*backend_, Activation::Silu, x.ref(), y.ref()); }, "[2, 6]");
  expect_refused([&] { ops::add_scaled(*backend_, x.ref(), y.ref(), 1, y.ref()); }, "[2, 6]");
  expect_refused([&] { ops::soft_cap(*backend_, x.ref(), 0, x.ref()); }, "cap 0");
  expect_refused([&] { ops::clamp(*backend_, x.ref(), -1, x.ref()); }, "limit -1");
}

TEST_P(Checks, RotateRefusesWhatIsNotHeads) {
  Sample x = matrix(2, 6);
  const Sample angles = matrix(2, 2);
  const auto rotate = [&](std::size_t d_head) {
    ops::rotate(*backend_,
                {.x = x.ref(), .cos = angles.ref(), .sin = angles.ref(), .d_head = d_head});
  };
  expect_refused([&] { rotate(4); }, "6 columns are not heads of 4");
  expect_refused([&] { rotate(0); }, "heads of 0");
  expect_refused([&] { rotate(3); }, "2 pairs do not fit a head of 3");
}

TEST_P(Checks, GatherAndScatterRefuseRowsOutOfRange) {
  Sample table = matrix(4, 3);
  Sample out = matrix(1, 3);
  for (const std::int32_t row : {-1, 4}) {
    const std::vector<std::int32_t> rows = {row};
    const std::vector<double> factors = {1.0};
    expect_refused([&] { ops::gather(*backend_, table.ref(), rows, 1, out.ref()); },
                   "of a matrix of 4 rows");
    expect_refused([&] { ops::scatter_add(*backend_, out.ref(), rows, factors, table.ref()); },
                   "of a matrix of 4 rows");
  }
}

TEST_P(Checks, AttentionRefusesWrongShapes) {
  const Sample q = matrix(3, 8);
  const Sample k = matrix(5, 4);
  Sample z = matrix(3, 8);
  AttentionShape shape = {.heads = 2, .kv_heads = 1, .d_head = 4, .first = 2};
  const auto attend = [&] { ops::attend(*backend_, shape, q.ref(), k.ref(), k.ref(), z.ref()); };
  attend();
  shape.first = 3;
  expect_refused(attend, "k has 5 rows, not 3 before the queries and 3");
  shape.first = 2;
  shape.kv_heads = 0;
  expect_refused(attend, "2 heads cannot share 0 key heads");
  shape.kv_heads = 1;
  shape.d_head = 3;
  expect_refused(attend, "not 2 heads of 3");
  shape.d_head = 4;
  Sample scores = matrix(6, 4);
  expect_refused([&] { ops::attention_scores(*backend_, shape, q.ref(), k.ref(), scores.ref()); },
                 "not 2 before the queries and 3");
  const Sample sinks = matrix(1, 3);
  shape.sinks = sinks.ref();
  expect_refused(attend, "sinks is [1, 3]; expected [1, 2]");
}

TEST_P(Checks, GradientsOfRowsRefuseWrongShapes) {
  Sample x = matrix(2, 6);
  Sample y = matrix(3, 6);
  const auto norm = [&](NormVjpArgs args) { ops::normalize_vjp(*backend_, args); };
  expect_refused([&] { norm({.in = x.ref(), .dy = y.ref()}); }, "dy is [3, 6]; expected [2, 6]");
  expect_refused([&] { norm({.in = x.ref(), .dy = x.ref(), .dx = y.ref()}); }, "dx is [3, 6]");
  expect_refused([&] { norm({.in = x.ref(), .dy = x.ref(), .rounded_dx = x.ref()}); },
                 "rounded_dx holds");
  expect_refused([&] { norm({.in = x.ref(), .dy = x.ref(), .dgain = x.ref()}); },
                 "dgain is [2, 6]; expected [1, 6]");
  expect_refused([&] { ops::activate_vjp(*backend_, Activation::Silu, x.ref(), y.ref(), x.ref()); },
                 "dy is [3, 6]");
  expect_refused([&] { ops::soft_cap_vjp(*backend_, x.ref(), 0, x.ref(), x.ref()); }, "cap 0");
  expect_refused([&] { ops::clamp_vjp(*backend_, x.ref(), -1, x.ref(), x.ref()); }, "limit -1");
  expect_refused([&] { ops::add_column_sums(*backend_, x.ref(), x.ref()); }, "sums is [2, 6]");
}

TEST_P(Checks, GradientsOfAttentionRefuseSegmentsThatDoNotFit) {
  Sample x = matrix(6, 4);
  const AttentionShape shape = {.heads = 2, .kv_heads = 2, .d_head = 2, .first = 1};
  const auto attend = [&](std::vector<AttentionSegment> segments) {
    ops::attend_segments(*backend_, shape, segments, x.ref(), x.ref(), x.ref(), x.ref());
  };
  expect_refused([&] { attend({{0, 0, 6}}); }, "a segment has rows 0 to 7; there are 6");
  expect_refused([&] { attend({{0, 0, 2}, {1, 3, 1}}); }, "two segments share row 1");
  expect_refused([&] { attend({{0, 0, 2}, {2, 2, 1}}); }, "two segments share row 2");
  const std::vector<AttentionSegment> one = {{0, 0, 5}};
  const auto pull = [&](AttendVjpArgs args) { ops::attend_vjp(*backend_, shape, one, args); };
  expect_refused(
      [&] { pull({.q = x.ref(), .k = x.ref(), .v = x.ref(), .dz = x.ref(), .dq = x.ref()}); },
      "dq and dk are wanted together");
  expect_refused(
      [&] { pull({.q = x.ref(), .k = x.ref(), .dz = x.ref().row_range(0, 5), .dv = x.ref()}); },
      "dz is [5, 4]");
  const Sample pattern = matrix(6, 4);
  const std::array<ConstMatRef, 1> blocks = {pattern.ref()};
  const auto mix = [&](std::size_t queries) {
    ops::attention_mix_vjp(*backend_, shape,
                           {.blocks = blocks, .queries = queries, .dz = x.ref(), .dv = x.ref()});
  };
  expect_refused([&] { mix(3); }, "dv has 6 rows, not 8");
  expect_refused([&] { mix(6); }, "6 rows of dz are not seeds of 6 queries of the pattern's 3");
}

TEST_P(Checks, LossRefusesIdsThatAreNotThere) {
  const Sample logits = matrix(2, 3);
  for (const std::int32_t id : {-2, 3}) {
    const std::vector<std::int32_t> targets = {0, id};
    expect_refused(
        [&] { ops::cross_entropy(*backend_, {.logits = logits.ref(), .targets = targets}); },
        "among 3 ids");
  }
  const std::vector<std::int32_t> one = {0};
  expect_refused([&] { ops::cross_entropy(*backend_, {.logits = logits.ref(), .targets = one}); },
                 "1 targets for 2 rows");
}

TEST_P(Checks, OptimisersRefuseWrongShapes) {
  Sample p = matrix(2, 3);
  Sample wrong = matrix(3, 3);
  expect_refused(
      [&] {
        ops::adamw_step(*backend_, {.p = p.ref(), .m = p.ref(), .v = wrong.ref(), .g = p.ref()});
      },
      "v is [3, 3]; expected [2, 3]");
  expect_refused([&] { ops::round_to_bf16(*backend_, p.ref(), p.ref()); }, "not BF16");
}

TEST_P(Checks, EmptyMatricesAreFine) {
  Sample none = matrix(0, 6);
  ops::normalize(*backend_, {.in = none.ref(), .out = none.ref()});
  ops::activate(*backend_, Activation::Silu, none.ref(), none.ref());
  const Sample b = matrix(6, 6);
  ops::gemm(*backend_, {.a = none.ref(), .b = b.ref(), .out = none.ref()});
  const AttentionShape shape = {.heads = 2, .kv_heads = 1, .d_head = 3, .first = 4};
  const Sample k = matrix(4, 3);
  ops::attend(*backend_, shape, none.ref(), k.ref(), k.ref(), none.ref());
}

TEST_P(Checks, CopiesAndMakesMatrices) {
  const DType dtype = backend_->activation_dtype();
  const Sample from = normal_sample(3, 5, dtype, 1);
  Matrix to = make_matrix(*backend_, 3, 5);
  EXPECT_EQ(to.dtype(), dtype);
  backend_->copy(from.ref(), to.ref());
  EXPECT_EQ(bytes_of(to.ref()), bytes_of(from.ref()));
  EXPECT_THROW(make_matrix(*backend_, std::size_t{1} << 40U, std::size_t{1} << 40U), Error);
}

INSTANTIATE_TEST_SUITE_P(Backends, Checks, ::testing::Values("cpu", "ref"),
                         [](const auto& backend) { return std::string(backend.param); });

TEST(Precision, HasNames) {
  for (const char* name : {"f32", "bf16", "bf16x2", "bf16x3"}) {
    EXPECT_EQ(name_of(parse_precision(name)), name);
  }
  EXPECT_THROW(parse_precision("f16"), Error);
}

}  // namespace
}  // namespace cajal
