// Benchmarks of the kernel tables: every row on typical shapes, on one thread and on all. A row's
// result is checked against the reference before it is timed. Names are row/shape/threads:
//
//   bench_kernels --benchmark_filter='conv2d.*avx512.*32x32'
//
// TAXON_ISA caps the rows, TAXON_THREADS the threads.
#include "kernel_bench.h"

#include <taxon/base/cpu.h>

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  taxon::bench::register_all();
  benchmark::AddCustomContext("processor", taxon::cpu_model());
  benchmark::AddCustomContext("isa", std::string(taxon::name_of(taxon::active_isa())));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
