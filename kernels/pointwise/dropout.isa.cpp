// Dropout: 16 Philox counters at a time, as loops over arrays that the compiler turns into vectors.
#include "pointwise/vector.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

constexpr int64_t counters = 16;  // each gives 4 words

/// Words of the counters first, first + 1, ...: Philox4x32-10 (Salmon et al., SC 2011), one
/// counter after the other in `out`.
void philox(uint64_t seed, uint64_t stream, uint64_t first, uint32_t (&out)[4 * counters]) {
  uint32_t a[counters], b[counters], c[counters], d[counters];
  for (int64_t i = 0; i < counters; ++i) {
    const uint64_t index = first + static_cast<uint64_t>(i);
    a[i] = static_cast<uint32_t>(index);
    b[i] = static_cast<uint32_t>(index >> 32);
    c[i] = static_cast<uint32_t>(stream);
    d[i] = static_cast<uint32_t>(stream >> 32);
  }
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int64_t i = 0; i < counters; ++i) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * a[i], p1 = uint64_t{0xCD9E8D57u} * c[i];
      a[i] = static_cast<uint32_t>(p1 >> 32) ^ b[i] ^ k0;
      b[i] = static_cast<uint32_t>(p1);
      c[i] = static_cast<uint32_t>(p0 >> 32) ^ d[i] ^ k1;
      d[i] = static_cast<uint32_t>(p0);
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int64_t i = 0; i < counters; ++i) {
    out[4 * i] = a[i];
    out[4 * i + 1] = b[i];
    out[4 * i + 2] = c[i];
    out[4 * i + 3] = d[i];
  }
}

}  // namespace

namespace TAXON_ISA {

void dropout(const DropoutArgs& g, const Exec& exec) {
  const float* x = static_cast<const float*>(g.x);
  float* y = static_cast<float*>(g.y);
  const float scale = static_cast<float>(g.p < 1 ? 1 / (1 - g.p) : 0);
  // word / 2^32 >= p, in integers
  const uint64_t least = static_cast<uint64_t>(__builtin_ceil(g.p * 4294967296.0));
  parallel_elements(exec, g.n, [&](int64_t begin, int64_t end) {
    uint32_t words[4 * counters];
    for (int64_t i = begin; i < end; i += 4 * counters) {
      philox(g.seed, g.stream, static_cast<uint64_t>(i / 4), words);
      const int64_t n = end - i < 4 * counters ? end - i : 4 * counters;
      for (int64_t j = 0; j < n; ++j) y[i + j] = x[i + j] * (words[j] >= least ? scale : 0.0f);
    }
  });
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
