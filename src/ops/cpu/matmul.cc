#include "ops/cpu/matmul.h"

#include <oneapi/dnnl/dnnl.hpp>

#include "base/error.h"
#include "base/parallel.h"

namespace cajal::cpu {
namespace {

const dnnl::engine& engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::desc describe(std::size_t rows, std::size_t cols, dnnl::memory::data_type type,
                            std::size_t row_stride, std::size_t col_stride) {
  const auto dim = [](std::size_t x) { return static_cast<dnnl::memory::dim>(x); };
  return {{dim(rows), dim(cols)}, type, {dim(row_stride), dim(col_stride)}};
}

/// One thread for its lifetime: oneDNN plans for the number that it finds.
class OneThread {
 public:
  OneThread() : before_(threads()) { set_threads(1); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;
  ~OneThread() { set_threads(before_); }

 private:
  int before_;
};

}  // namespace

struct Matmul::Primitive {
  dnnl::memory::desc a, b, c, scratch;
  dnnl::matmul matmul;
};

Matmul::Matmul(const MatmulShape& shape) {
  const OneThread one_thread;
  try {
    const auto type = shape.bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
    const auto a = shape.transpose_a ? describe(shape.m, shape.k, type, 1, shape.lda)
                                     : describe(shape.m, shape.k, type, shape.lda, 1);
    const auto b = shape.transpose_b ? describe(shape.k, shape.n, type, 1, shape.ldb)
                                     : describe(shape.k, shape.n, type, shape.ldb, 1);
    const auto out = shape.bf16_out ? type : dnnl::memory::data_type::f32;
    const auto c = describe(shape.m, shape.n, out, shape.ldc, 1);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (shape.accumulate) {
      dnnl::post_ops sum;
      sum.append_sum(1.0F);
      attributes.set_post_ops(sum);
    }
    const dnnl::matmul::primitive_desc plan({a, b, c}, attributes, engine());
    primitive_ = std::make_unique<const Primitive>(
        Primitive{a, b, c, plan.scratchpad_desc(), dnnl::matmul(plan)});
  } catch (const dnnl::error& error) {
    fail(ErrorCode::Unsupported, "oneDNN cannot multiply [{}, {}] by [{}, {}] in {} here: {}",
         shape.m, shape.k, shape.k, shape.n, shape.bf16 ? "bf16" : "f32", error.what());
  }
}

Matmul::~Matmul() = default;

std::size_t Matmul::scratch_bytes() const noexcept {
  return primitive_->scratch.get_size();
}

// NOLINTNEXTLINE(bugprone-exception-escape): what was prepared can only fail by a bug
void Matmul::run(const std::byte* a, const std::byte* b, void* c,
                 std::byte* scratch) const noexcept {
  const auto memory = [](const dnnl::memory::desc& desc, const void* data) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): oneDNN's interface knows no const
    return dnnl::memory(desc, engine(), const_cast<void*>(data));
  };
  const dnnl::stream stream(engine());
  primitive_->matmul.execute(stream, {{DNNL_ARG_SRC, memory(primitive_->a, a)},
                                      {DNNL_ARG_WEIGHTS, memory(primitive_->b, b)},
                                      {DNNL_ARG_DST, memory(primitive_->c, c)},
                                      {DNNL_ARG_SCRATCHPAD, memory(primitive_->scratch, scratch)}});
}

std::shared_ptr<const Matmul> Matmuls::get(const MatmulShape& shape) {
  const auto found = prepared_.find(shape);
  if (found != prepared_.end()) {
    return found->second;
  }
  if (prepared_.size() >= kMost) {
    prepared_.clear();
  }
  return prepared_.emplace(shape, std::make_shared<const Matmul>(shape)).first->second;
}

bool has_native_bf16() noexcept {
  static const bool native = [] {
    const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
    if (isa != dnnl::cpu_isa::avx512_core_bf16 && isa != dnnl::cpu_isa::avx512_core_amx) {
      return false;
    }
    try {
      const Matmul probe(
          {.m = 16, .k = 64, .n = 64, .lda = 64, .ldb = 64, .ldc = 64, .bf16 = true});
      return true;
    } catch (const Error&) {
      return false;
    }
  }();
  return native;
}

}  // namespace cajal::cpu
