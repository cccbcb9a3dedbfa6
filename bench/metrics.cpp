// Benchmarks of the metrics: all figures of many predictions at once, from memory; the bootstrap;
// the reading of predictions.csv.
//
//   bench_metrics --benchmark_filter=single
#include <taxon/base/error.h>
#include <taxon/base/random.h>
#include <taxon/metrics/predictions.h>

#include <benchmark/benchmark.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

namespace taxon::bench {
namespace {

/// Softmax of normal logits that favour the truth in most samples: floats, as models give them.
Predictions random_predictions(std::int64_t samples, std::int64_t classes) {
  const auto n = static_cast<std::size_t>(samples), c = static_cast<std::size_t>(classes);
  Predictions p;
  Rng rng(1);
  std::vector<float> row(c), all;
  all.reserve(n * c);
  for (std::size_t k = 0; k < c; ++k) p.classes.push_back(text("class ", k));
  for (std::size_t i = 0; i < n; ++i) {
    const auto truth = static_cast<std::size_t>(rng.below(c));
    float sum = 0;
    for (std::size_t k = 0; k < c; ++k) {
      row[k] = std::exp(static_cast<float>(2 * rng.normal() + (k == truth ? 4 : 0)));
      sum += row[k];
    }
    for (const float v : row) all.push_back(v / sum);
    p.truth.push_back(static_cast<std::int64_t>(truth));
  }
  p.probability.assign(all.begin(), all.end());
  return p;
}

// Of this program alone: what getrusage says counts the parent before it started this.
double peak_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  return 0;
}

void single(benchmark::State& state) {
  const Predictions p = random_predictions(state.range(0), state.range(1));
  MetricsOptions options;
  options.one_vs_one = false;
  for (auto _ : state) benchmark::DoNotOptimize(single_label_metrics(p, options));
  state.counters["peak_mb"] = peak_mb();
}

void bootstrap(benchmark::State& state) {
  const Predictions p = random_predictions(state.range(0), state.range(1));
  const SingleLabelInput input{p.classes, p.truth, {}, p.probability};
  for (auto _ : state) benchmark::DoNotOptimize(bootstrap_intervals(input));
}

void read_csv(benchmark::State& state) {
  Predictions p = random_predictions(state.range(0), state.range(1));
  p.probability = as_written(std::vector<float>(p.probability.begin(), p.probability.end()));
  const std::string path = std::filesystem::temp_directory_path() / "taxon-bench-predictions.csv";
  write_predictions(path, p);
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
  PredictionsOptions options;
  options.texts = state.range(2) != 0;
  for (auto _ : state) benchmark::DoNotOptimize(read_predictions(path, options));
  state.SetBytesProcessed(bytes * static_cast<std::int64_t>(state.iterations()));
  std::filesystem::remove(path);
}

BENCHMARK(single)
    ->Args({1'000'000, 10})
    ->Args({50'000, 1000})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(bootstrap)
    ->Args({10'000, 10})
    ->Args({10'000, 100})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(read_csv)
    ->Args({1'000'000, 10, 0})
    ->Args({1'000'000, 10, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace taxon::bench

BENCHMARK_MAIN();
