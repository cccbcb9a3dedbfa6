// See kernel_bench.h.
#include "kernel_bench.h"

#include <taxon/kernels/peak.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

namespace taxon::bench {
namespace {

std::vector<std::function<void()>>& families() {
  static std::vector<std::function<void()>> all;
  return all;
}

/// The best of a few runs of f() on `threads` threads, where f returns the work it did; a second.
template <class F>
double best_rate(int threads, F f) {
  set_num_threads(threads);
  double best = 0;
  for (int run = 0; run < 20; ++run) {
    std::vector<double> done(static_cast<std::size_t>(threads), 0);
    const auto start = std::chrono::steady_clock::now();
    parallel_chunks(threads, [&](std::int64_t i) { done[static_cast<std::size_t>(i)] = f(i); });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    double sum = 0;
    for (const double d : done) sum += d;
    best = std::max(best, sum / seconds.count());
  }
  return best;
}

void run_on_pool(std::int64_t chunks, void (*body)(void*, std::int64_t, int), void* arg) {
  parallel_chunks(chunks, body, arg);
}

}  // namespace

bool add_family(std::function<void()> add) {
  families().push_back(std::move(add));
  return true;
}

void register_all() {
  for (const auto& add : families()) add();
}

double peak_flops(kernels::Needs isa, int threads) {
  static std::map<std::pair<kernels::Needs, int>, double> known;
  double& peak = known[{isa, threads}];
  if (peak == 0) {
    peak = best_rate(threads, [&](std::int64_t) { return kernels::peak_f32(isa, 20000); });
  }
  return peak;
}

double peak_bytes(int threads) {
  static std::map<int, double> known;
  double& peak = known[threads];
  if (peak == 0) {
    constexpr std::int64_t kEach = std::int64_t{1} << 23;  // 32 MiB an array
    std::vector<float> a(kEach * 3, 1.0f);
    peak = best_rate(threads, [&](std::int64_t i) {
      const std::int64_t first = kEach * i / threads, count = kEach * (i + 1) / threads - first;
      float* p = a.data() + first;
      kernels::triad(count, 0.5f, p, p + kEach, p + 2 * kEach);
      return 12.0 * static_cast<double>(count);
    });
  }
  return peak;
}

std::vector<int> thread_counts() {
  static const int most = num_threads();
  if (most == 1) return {1};
  return {1, most};
}

Runner::Runner(int threads, std::size_t scratch_bytes) {
  exec_.threads = threads;
  exec_.scratch = scratch(scratch_bytes + 1);
  exec_.run = threads > 1 ? &run_on_pool : nullptr;
}

void report(benchmark::State& state, const Work& work, kernels::Needs isa, int threads) {
  using benchmark::Counter;
  const auto rate = Counter::kIsIterationInvariantRate;
  if (work.flops > 0) {
    state.counters["GFLOP/s"] = Counter(work.flops * 1e-9, rate);
    state.counters["of_peak"] = Counter(work.flops / peak_flops(isa, threads), rate);
  }
  if (work.bytes > 0) {
    state.counters["GB/s"] = Counter(work.bytes * 1e-9, rate);
    state.counters["of_triad"] = Counter(work.bytes / peak_bytes(threads), rate);
  }
}

}  // namespace taxon::bench
