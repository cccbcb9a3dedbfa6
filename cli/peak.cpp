// Times the loops of kernels/peak on one thread and on all.
#include <taxon/base/cpu.h>
#include <taxon/base/parallel.h>
#include <taxon/kernels/peak.h>

#include <nlohmann/json.hpp>

#include "peak.h"

#include "command.h"

#include <algorithm>
#include <vector>

namespace taxon::cli {
namespace {

using Loop = double (*)(kernels::Needs isa, std::int64_t rounds);

// The best of five: the peak is what the processor can do undisturbed.
double gflops(Loop loop, int threads) {
  const auto isa = static_cast<kernels::Needs>(active_isa());
  constexpr std::int64_t rounds = 20000;
  if (loop(isa, 1) == 0) return 0;
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    std::vector<double> done(static_cast<std::size_t>(threads));
    const double start = now();
    parallel_chunks(threads,
                    [&](std::int64_t i) { done[static_cast<std::size_t>(i)] = loop(isa, rounds); });
    double sum = 0;
    for (const double d : done) sum += d;
    best = std::max(best, sum / (now() - start) * 1e-9);
  }
  return best;
}

// STREAM's triad (McCalpin 1995) over arrays much larger than the caches; counts two reads and a
// write.
double bandwidth_gb_s() {
  constexpr std::int64_t n = std::int64_t{32} << 20, chunks = 64;
  std::vector<float> a(n), b(n, 1.0f), c(n, 2.0f);
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double start = now();
    parallel_chunks(chunks, [&](std::int64_t i) {
      const std::int64_t part = n / chunks;
      kernels::triad(part, 0.5f, b.data() + i * part, c.data() + i * part, a.data() + i * part);
    });
    best = std::max(best, 3.0 * n * sizeof(float) / (now() - start) * 1e-9);
  }
  return best;
}

nlohmann::ordered_json or_null(double value) {
  return value > 0 ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

}  // namespace

nlohmann::ordered_json measure_peak() {
  const int n = num_threads();
  nlohmann::ordered_json j;
  j["f32_gflops_1"] = or_null(gflops(kernels::peak_f32, 1));
  j["f32_gflops_n"] = or_null(gflops(kernels::peak_f32, n));
  j["bf16_gflops_1"] = or_null(gflops(kernels::peak_bf16, 1));
  j["bf16_gflops_n"] = or_null(gflops(kernels::peak_bf16, n));
  j["amx_gflops_n"] = or_null(gflops(kernels::peak_amx, n));
  j["bandwidth_gb_s"] = or_null(bandwidth_gb_s());
  return j;
}

}  // namespace taxon::cli
