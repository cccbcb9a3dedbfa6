// The table of matrix products.
#include <taxon/kernels/gemm.h>

#include "packed.h"

namespace taxon::kernels {
namespace {

template <const Micro& micro>
void run(const GemmArgs& args, const Exec& exec) {
  packed_gemm(args, exec, micro);
}
template <const Micro& micro>
size_t scratch(const GemmArgs& args, int threads) {
  return packed_gemm_scratch(args, threads, micro);
}
template <const Micro& micro>
constexpr Row<GemmArgs> packed(const char* name, Needs needs) {
  return {name,
          needs,
          true,
          nullptr,
          scratch<micro>,
          run<micro>,
          [](const GemmArgs& args) { return packed_gemm_prepared_bytes(args, micro); },
          [](const GemmArgs& args, const Exec& exec, void* to) {
            packed_gemm_prepare(args, exec, micro, to);
          }};
}

constexpr Row<GemmArgs> f32[] = {
#if defined(__x86_64__) || defined(_M_X64)
    packed<avx512::micro>("gemm/packed/avx512", Needs::avx512),
    packed<avx2::micro>("gemm/packed/avx2", Needs::avx2),
#endif
    packed<baseline::micro>("gemm/packed/baseline", Needs::baseline),
    {"gemm/reference", Needs::baseline, true, nullptr, nullptr, reference_gemm<float>},
};
constexpr Row<GemmArgs> f64[] = {
    {"gemm/reference", Needs::baseline, true, nullptr, nullptr, reference_gemm<double>},
};

}  // namespace

Rows<GemmArgs> gemm_rows(Type type) {
  if (type == Type::f32) return {f32, sizeof(f32) / sizeof(f32[0])};
  return {f64, sizeof(f64) / sizeof(f64[0])};
}

}  // namespace taxon::kernels
