// Multiply-adds in registers, compiled once per instruction set.
#include <stdint.h>

namespace taxon::kernels::TAXON_ISA {
namespace {

#if defined(TAXON_ISA_avx512)
constexpr int width = 16;
#elif defined(TAXON_ISA_avx2)
constexpr int width = 8;
#else
constexpr int width = 4;
#endif
typedef float Vector __attribute__((vector_size(width * sizeof(float))));
constexpr int inner = 64;

}  // namespace

/// Ten chains hide the latency of a multiply-add (4 to 5 cycles, two a cycle) and leave registers
/// for the factors on machines with sixteen.
double peak_f32(int64_t rounds, volatile float* sink) {
  const Vector a = Vector{} + 0.999f;
  const Vector b = Vector{} + 0.001f;
  Vector x0 = a, x1 = a + 0.1f, x2 = a + 0.2f, x3 = a + 0.3f, x4 = a + 0.4f;
  Vector x5 = a + 0.5f, x6 = a + 0.6f, x7 = a + 0.7f, x8 = a + 0.8f, x9 = a + 0.9f;
  for (int64_t i = 0; i < rounds * inner; ++i) {
    x0 = x0 * a + b;
    x1 = x1 * a + b;
    x2 = x2 * a + b;
    x3 = x3 * a + b;
    x4 = x4 * a + b;
    x5 = x5 * a + b;
    x6 = x6 * a + b;
    x7 = x7 * a + b;
    x8 = x8 * a + b;
    x9 = x9 * a + b;
  }
  const Vector sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9;
  for (int i = 0; i < width; ++i) *sink = sum[i];
  return 2.0 * 10 * width * inner * static_cast<double>(rounds);
}

}  // namespace taxon::kernels::TAXON_ISA
