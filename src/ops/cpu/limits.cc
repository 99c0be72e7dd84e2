#include "ops/cpu/limits.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include <hwy/cache_control.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "base/parallel.h"
#include "tensor/matrix.h"

namespace cajal {
namespace {

template <typename Body>
double seconds_of_best(int runs, const Body& body) {
  double best = 1e30;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

/// 1.0 everywhere: rates do not depend on values, but denormals would be slow.
void fill_with_ones(dnnl::memory& memory, bool bf16) {
  auto* bytes = static_cast<std::byte*>(memory.get_data_handle());
  const std::size_t size = memory.get_desc().get_size();
  if (bf16) {
    std::fill_n(reinterpret_cast<std::uint16_t*>(bytes), size / 2, to_bf16(1.0F).bits);
  } else {
    std::fill_n(reinterpret_cast<float*>(bytes), size / 4, 1.0F);
  }
}

/// Each thread reads in `Places` places at the same time, as far apart as can be.
template <std::size_t Places>
double seconds_to_read(std::span<const float> data) {
  constexpr std::size_t kChunks = 64;
  const std::size_t apart = data.size() / Places;
  std::array<float, kChunks> sums{};
  const double seconds = seconds_of_best(1, [&] {
    parallel_for(apart, apart / kChunks, [&](std::size_t begin, std::size_t end) {
      std::array<float, 64> lanes{};  // enough chains to hide the latency of additions
      constexpr std::size_t kStep = 64 / Places;
      constexpr std::size_t kAhead = Places == 1 ? 0 : 512;  // measured: best so, in both
      for (std::size_t i = begin; i < end; i += kStep) {
        for (std::size_t place = 0; place < Places; ++place) {
          hwy::Prefetch(data.data() + place * apart + i + kAhead);
          for (std::size_t j = 0; j < kStep; ++j) {  // becomes vectors
            lanes[place * kStep + j] += data[place * apart + i + j];
          }
        }
      }
      sums[begin / (apart / kChunks)] = std::accumulate(lanes.begin(), lanes.end(), 0.0F);
    });
  });
  const bool read = sums[0] > 0.0F;  // so that the loop is not optimised away
  return read ? seconds : 1e30;
}

}  // namespace

double onednn_gemm_rate(std::size_t m, std::size_t k, std::size_t n, bool bf16, int runs) {
  using dnnl::memory;
  const auto dim = [](std::size_t x) { return static_cast<memory::dim>(x); };
  const auto type = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
  try {
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    const memory::desc a({dim(m), dim(k)}, type, memory::format_tag::ab);
    const memory::desc b({dim(k), dim(n)}, type, memory::format_tag::any);
    const memory::desc c({dim(m), dim(n)}, memory::data_type::f32, memory::format_tag::ab);
    const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, c), engine);
    const dnnl::matmul product(description);
    memory am(a, engine);
    memory bm(description.weights_desc(), engine);
    const memory cm(c, engine);
    fill_with_ones(am, bf16);
    fill_with_ones(bm, bf16);
    dnnl::stream stream(engine);
    const double seconds = seconds_of_best(runs, [&] {
      product.execute(stream, {{DNNL_ARG_SRC, am}, {DNNL_ARG_WEIGHTS, bm}, {DNNL_ARG_DST, cm}});
      stream.wait();
    });
    return 2.0 * static_cast<double>(m) * static_cast<double>(k) * static_cast<double>(n) / seconds;
  } catch (const dnnl::error&) {
    return 0.0;  // no such product on this machine
  }
}

double read_bandwidth(int runs) {
  constexpr std::size_t kFloats = std::size_t{1} << 27U;  // 512 MiB
  Matrix buffer = Matrix::host(1, kFloats, DType::F32);
  const std::span<float> data(buffer.as<float>().data, kFloats);
  std::fill(data.begin(), data.end(), 1.0F);
  double seconds = 1e30;
  for (int run = 0; run < runs; ++run) {
    seconds = std::min(seconds, seconds_to_read<1>(data));
    seconds = std::min(seconds, seconds_to_read<4>(data));
  }
  return static_cast<double>(data.size_bytes()) / seconds;
}

}  // namespace cajal
