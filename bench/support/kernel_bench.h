// What the benchmarks of the kernel tables share. A family's bench_NAME.cpp describes its problems
// and hands each to add_rows, in a function that it registers:
//
//   const bool registered = taxon::bench::add_family([] {
//     add_rows(softmax_rows(Type::f32), "1024x1000", {flops, bytes}, [] { return Problem(...); });
//   });
//
// A problem is made anew for each benchmark. It has `args()`; `check(run)`, which calls run() and
// returns whether the result is that of the reference; and `prepare()`, called before the timing.
#pragma once

#include <taxon/base/parallel.h>
#include <taxon/kernels/exec.h>

#include "kernel_test.h"

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

namespace taxon::bench {

/// Arithmetic and memory traffic of one call (0: not reported).
struct Work {
  double flops = 0, bytes = 0;
};

/// Keeps a family's function until register_all calls it; returns true.
bool add_family(std::function<void()> add);
/// Registers the benchmarks of all families.
void register_all();

/// Multiply-adds per second in registers, as floating-point operations, measured once a level and
/// number of threads.
double peak_flops(kernels::Needs isa, int threads);
/// Bytes per second of STREAM's triad on `threads` threads, measured once.
double peak_bytes(int threads);

/// 1 and the number of threads of the pool.
std::vector<int> thread_counts();

/// An Exec on the pool, with the calling thread's scratch memory: one at a time.
class Runner {
 public:
  Runner(int threads, std::size_t scratch_bytes);
  const kernels::Exec& exec() const { return exec_; }

 private:
  kernels::Exec exec_;
};

/// Rate and share of the peak.
void report(benchmark::State& state, const Work& work, kernels::Needs isa, int threads);

template <class Args, class Make>
void time_row(benchmark::State& state, const kernels::Row<Args>& row, int threads, const Work& work,
              Make make) {
  set_num_threads(threads);
  auto problem = make();
  const Args& args = problem.args();
  const Runner runner(threads, row.scratch == nullptr ? 0 : row.scratch(args, threads));
  if (!problem.check([&] { row.run(args, runner.exec()); })) {
    state.SkipWithError("differs from the reference");
    return;
  }
  problem.prepare();
  for (auto _ : state) {
    row.run(args, runner.exec());
    benchmark::ClobberMemory();
  }
  report(state, work, row.needs, threads);
}

/// A benchmark for every row that the ISA in force allows and that takes the problem.
template <class Args, class Make>
void add_rows(kernels::Rows<Args> rows, const Args& args, const std::string& shape, Work work,
              Make make) {
  test::for_each_row(rows, args, [&](const kernels::Row<Args>& row) {
    // The reference rows are for checking; timing them takes minutes.
    if (std::string(row.name).find("reference") != std::string::npos) return;
    for (const int threads : thread_counts()) {
      const std::string name =
          std::string(row.name) + "/" + shape + "/threads:" + std::to_string(threads);
      benchmark::RegisterBenchmark(name.c_str(),
                                   [&row, threads, work, make](benchmark::State& state) {
                                     time_row(state, row, threads, work, make);
                                   })
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond)
          ->MinTime(0.2);
    }
  });
}

}  // namespace taxon::bench
