// Chooses the loop of a level of ISA; the bf16 loops, which are written with target attributes.
#include <taxon/kernels/peak.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace taxon::kernels {

namespace baseline {
double peak_f32(int64_t rounds, volatile float* sink);
}
#if defined(__x86_64__)
namespace avx2 {
double peak_f32(int64_t rounds, volatile float* sink);
}
namespace avx512 {
double peak_f32(int64_t rounds, volatile float* sink);
}
#endif

double peak_f32(Needs isa, int64_t rounds) {
  volatile float sink = 0;
#if defined(__x86_64__)
  if (isa >= Needs::avx512) return avx512::peak_f32(rounds, &sink);
  if (isa >= Needs::avx2) return avx2::peak_f32(rounds, &sink);
#endif
  (void)isa;
  return baseline::peak_f32(rounds, &sink);
}

#if defined(__x86_64__)
namespace {

constexpr int inner = 64;

__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16"))) double dot_bf16(
    int64_t rounds, volatile float* sink) {
  const __m512bh a = reinterpret_cast<__m512bh>(_mm512_set1_epi32(0x3c003c00));
  __m512 x[10];
  for (auto& v : x) v = _mm512_setzero_ps();
  for (int64_t i = 0; i < rounds * inner; ++i) {
    for (auto& v : x) v = _mm512_dpbf16_ps(v, a, a);
  }
  __m512 sum = _mm512_setzero_ps();
  for (auto& v : x) sum = _mm512_add_ps(sum, v);
  *sink = _mm512_cvtss_f32(sum);
  return 4.0 * 10 * 16 * inner * static_cast<double>(rounds);
}

struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t column_bytes[16] = {};
  uint8_t rows[16] = {};
};

// Four accumulators (0-3), two left (4, 5) and two right tiles (6, 7) of 16 rows of 64 bytes.
__attribute__((target("amx-tile,amx-bf16"))) double tiles_bf16(int64_t rounds,
                                                               volatile float* sink) {
  TileConfig config;
  for (int t = 0; t < 8; ++t) {
    config.column_bytes[t] = 64;
    config.rows[t] = 16;
  }
  alignas(64) uint16_t ones[16 * 32];
  for (auto& one : ones) one = 0x3c00;
  alignas(64) float out[16 * 16];
  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_loadd(4, ones, 64);
  _tile_loadd(5, ones, 64);
  _tile_loadd(6, ones, 64);
  _tile_loadd(7, ones, 64);
  for (int64_t i = 0; i < rounds * inner; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, out, 64);
  *sink = out[0];
  _tile_release();
  return 4.0 * 2 * 16 * 16 * 32 * inner * static_cast<double>(rounds);
}

}  // namespace

double peak_bf16(Needs isa, int64_t rounds) {
  volatile float sink = 0;
  return isa >= Needs::avx512bf16 ? dot_bf16(rounds, &sink) : 0.0;
}

double peak_amx(Needs isa, int64_t rounds) {
  volatile float sink = 0;
  return isa >= Needs::amx ? tiles_bf16(rounds, &sink) : 0.0;
}
#else
double peak_bf16(Needs, int64_t) {
  return 0;
}
double peak_amx(Needs, int64_t) {
  return 0;
}
#endif

void triad(int64_t n, float s, const float* b, const float* c, float* a) {
  for (int64_t i = 0; i < n; ++i) a[i] = b[i] + s * c[i];
}

}  // namespace taxon::kernels
