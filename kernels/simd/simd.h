// The vector of the instruction set that a .isa.cpp file is compiled for: 16, 8 or 4 floats. All in
// an anonymous namespace and always inlined, so that nothing compiled for one instruction set can
// be called from code for another.
#pragma once

#if TAXON_ISA_avx512bf16  // the vectors are those of AVX-512
#define TAXON_ISA_avx512 1
#endif

#include <taxon/kernels/exec.h>

#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#define TAXON_SIMD_X86 1
#endif

#define TAXON_INLINE inline __attribute__((always_inline))

namespace taxon::kernels {
namespace {

#if TAXON_ISA_avx512
constexpr int64_t lanes = 16;
#elif TAXON_ISA_avx2
constexpr int64_t lanes = 8;
#else
constexpr int64_t lanes = 4;
#endif

typedef float Vec __attribute__((vector_size(4 * lanes)));
typedef int32_t Int __attribute__((vector_size(4 * lanes)));
typedef uint32_t Bits __attribute__((vector_size(4 * lanes)));

TAXON_INLINE Vec broadcast(float x) {
  return x - Vec{};
}
TAXON_INLINE Int broadcast_int(int32_t x) {
  return x - Int{};
}
TAXON_INLINE Int bits(Vec x) {
  return reinterpret_cast<Int>(x);
}
TAXON_INLINE Vec from_bits(Int x) {
  return reinterpret_cast<Vec>(x);
}
TAXON_INLINE Vec to_float(Int x) {
  return __builtin_convertvector(x, Vec);
}
TAXON_INLINE Int to_int(Vec x) {  // truncates
  return __builtin_convertvector(x, Int);
}
/// Lane by lane: mask (all bits or none) ? a : b.
TAXON_INLINE Vec select(Int mask, Vec a, Vec b) {
  return mask ? a : b;
}
TAXON_INLINE Int select(Int mask, Int a, Int b) {
  return mask ? a : b;
}
TAXON_INLINE Int is_nan(Vec x) {
  return x != x;
}
TAXON_INLINE Vec abs(Vec x) {
  return from_bits(bits(x) & 0x7fffffff);
}
TAXON_INLINE bool any(Int mask) {
#if TAXON_ISA_avx512
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) != 0;
#elif TAXON_ISA_avx2
  return _mm256_movemask_ps(reinterpret_cast<__m256>(mask)) != 0;
#else
  return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
#endif
}
/// The upper halves, rounded to nearest even, in the lower 16 bits; NaN stays NaN.
TAXON_INLINE Int round_to_bf16(Vec x) {
  const Bits u = reinterpret_cast<Bits>(x);
  const Bits rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  return select(is_nan(x), reinterpret_cast<Int>((u >> 16) | 0x40u),
                reinterpret_cast<Int>(rounded));
}
/// |x| with the sign of s.
TAXON_INLINE Vec copy_sign(Vec x, Vec s) {
  return from_bits((bits(x) & 0x7fffffff) | (bits(s) & INT32_MIN));
}

#if TAXON_ISA_avx512

// GCC 12 warns of uninitialised values inside its unmasked intrinsics; with all lanes it emits the
// same instruction.
constexpr __mmask16 all_lanes = 0xffff;

TAXON_INLINE Vec load(const float* p) {
  return _mm512_loadu_ps(p);
}
TAXON_INLINE Int load(const int32_t* p) {
  return reinterpret_cast<Int>(_mm512_loadu_si512(p));
}
TAXON_INLINE void store(float* p, Vec x) {
  _mm512_storeu_ps(p, x);
}
TAXON_INLINE void store(int32_t* p, Int x) {
  _mm512_storeu_si512(p, reinterpret_cast<__m512i>(x));
}
/// Past the caches; p is aligned to the vector.
TAXON_INLINE void stream(float* p, Vec x) {
  _mm512_stream_ps(p, x);
}
TAXON_INLINE __mmask16 first_lanes(int64_t n) {
  return static_cast<__mmask16>((1u << n) - 1u);
}
// The first n lanes (0 <= n < lanes); the others read as 0 and are not touched in memory.
TAXON_INLINE Vec load(const float* p, int64_t n) {
  return _mm512_maskz_loadu_ps(first_lanes(n), p);
}
TAXON_INLINE Int load(const int32_t* p, int64_t n) {
  return reinterpret_cast<Int>(_mm512_maskz_loadu_epi32(first_lanes(n), p));
}
TAXON_INLINE void store(float* p, Vec x, int64_t n) {
  _mm512_mask_storeu_ps(p, first_lanes(n), x);
}
TAXON_INLINE void store(int32_t* p, Int x, int64_t n) {
  _mm512_mask_storeu_epi32(p, first_lanes(n), reinterpret_cast<__m512i>(x));
}
// bf16 in memory is the upper half of a lane.
TAXON_INLINE Vec widen(__m256i x) {
  return reinterpret_cast<Vec>(
      _mm512_maskz_slli_epi32(all_lanes, _mm512_maskz_cvtepu16_epi32(all_lanes, x), 16));
}
TAXON_INLINE Vec load(const Bf16* p) {
  return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
TAXON_INLINE Vec load(const Bf16* p, int64_t n) {
  return widen(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}
#if TAXON_ISA_avx512bf16
/// Subnormal values become zero, as they do in products of bf16.
TAXON_INLINE __m256i narrow(Vec x) {
  return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x));
}
#else
/// As round_to_bf16, in fewer instructions: the carry and NaN by masks, the upper halves by one
/// permutation.
TAXON_INLINE __m256i narrow(Vec x) {
  const __m512i u = reinterpret_cast<__m512i>(x);
  const __mmask16 odd = _mm512_test_epi32_mask(u, _mm512_set1_epi32(0x10000));
  const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
  __m512i rounded = reinterpret_cast<__m512i>(reinterpret_cast<Bits>(x) + 0x7fffu);
  rounded = _mm512_mask_add_epi32(rounded, odd, rounded, _mm512_set1_epi32(1));
  rounded = _mm512_mask_or_epi32(rounded, nan, u, _mm512_set1_epi32(0x400000));
  typedef int16_t Words __attribute__((vector_size(64)));
  const Words words = reinterpret_cast<Words>(rounded);
  return reinterpret_cast<__m256i>(__builtin_shufflevector(words, words, 1, 3, 5, 7, 9, 11, 13, 15,
                                                           17, 19, 21, 23, 25, 27, 29, 31));
}
#endif
TAXON_INLINE void store(Bf16* p, Vec x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(x));
}
TAXON_INLINE void store(Bf16* p, Vec x, int64_t n) {
  _mm256_mask_storeu_epi16(p, first_lanes(n), narrow(x));
}
TAXON_INLINE void stream(Bf16* p, Vec x) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), narrow(x));
}
TAXON_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
/// The larger; the second where either is NaN (and where both are 0).
TAXON_INLINE Vec max(Vec a, Vec b) {
  return _mm512_maskz_max_ps(all_lanes, a, b);
}
TAXON_INLINE Vec min(Vec a, Vec b) {
  return _mm512_maskz_min_ps(all_lanes, a, b);
}
TAXON_INLINE Vec sqrt(Vec x) {
  return _mm512_maskz_sqrt_ps(all_lanes, x);
}

#elif TAXON_ISA_avx2

TAXON_INLINE Vec load(const float* p) {
  return _mm256_loadu_ps(p);
}
TAXON_INLINE Int load(const int32_t* p) {
  return reinterpret_cast<Int>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
TAXON_INLINE void store(float* p, Vec x) {
  _mm256_storeu_ps(p, x);
}
TAXON_INLINE void store(int32_t* p, Int x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(x));
}
/// Past the caches; p is aligned to the vector.
TAXON_INLINE void stream(float* p, Vec x) {
  _mm256_stream_ps(p, x);
}
TAXON_INLINE __m256i first_lanes(int64_t n) {
  const Int lane = {0, 1, 2, 3, 4, 5, 6, 7};
  return reinterpret_cast<__m256i>(lane < static_cast<int32_t>(n));
}
// The first n lanes (0 <= n < lanes); the others read as 0 and are not touched in memory.
TAXON_INLINE Vec load(const float* p, int64_t n) {
  return _mm256_maskload_ps(p, first_lanes(n));
}
TAXON_INLINE Int load(const int32_t* p, int64_t n) {
  return reinterpret_cast<Int>(_mm256_maskload_epi32(p, first_lanes(n)));
}
TAXON_INLINE void store(float* p, Vec x, int64_t n) {
  _mm256_maskstore_ps(p, first_lanes(n), x);
}
TAXON_INLINE void store(int32_t* p, Int x, int64_t n) {
  _mm256_maskstore_epi32(p, first_lanes(n), reinterpret_cast<__m256i>(x));
}
// bf16 in memory is the upper half of a lane.
TAXON_INLINE Vec widen(__m128i x) {
  return reinterpret_cast<Vec>(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
}
TAXON_INLINE Vec load(const Bf16* p) {
  return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
TAXON_INLINE __m128i narrow(Vec x) {
  const __m256i words = reinterpret_cast<__m256i>(round_to_bf16(x));
  return _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}
TAXON_INLINE void store(Bf16* p, Vec x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(x));
}
TAXON_INLINE void stream(Bf16* p, Vec x) {
  _mm_stream_si128(reinterpret_cast<__m128i*>(p), narrow(x));
}
TAXON_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
/// The larger; the second where either is NaN (and where both are 0).
TAXON_INLINE Vec max(Vec a, Vec b) {
  return _mm256_max_ps(a, b);
}
TAXON_INLINE Vec min(Vec a, Vec b) {
  return _mm256_min_ps(a, b);
}
TAXON_INLINE Vec sqrt(Vec x) {
  return _mm256_sqrt_ps(x);
}

#else  // any processor

TAXON_INLINE Vec load(const float* p) {
  Vec x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}
TAXON_INLINE Int load(const int32_t* p) {
  Int x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}
TAXON_INLINE void store(float* p, Vec x) {
  __builtin_memcpy(p, &x, sizeof x);
}
TAXON_INLINE void store(int32_t* p, Int x) {
  __builtin_memcpy(p, &x, sizeof x);
}
/// Past the caches; p is aligned to the vector.
TAXON_INLINE void stream(float* p, Vec x) {
#if TAXON_SIMD_X86
  _mm_stream_ps(p, x);
#else
  store(p, x);
#endif
}
// The first n lanes (0 <= n < lanes); the others read as 0 and are not touched in memory.
TAXON_INLINE Vec load(const float* p, int64_t n) {
  return Vec{n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, 0};
}
TAXON_INLINE Int load(const int32_t* p, int64_t n) {
  return Int{n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, 0};
}
TAXON_INLINE void store(float* p, Vec x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) p[i] = x[i];
}
TAXON_INLINE void store(int32_t* p, Int x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) p[i] = x[i];
}
// bf16 in memory is the upper half of a lane.
TAXON_INLINE Vec load(const Bf16* p) {
  return from_bits(Int{p[0].bits, p[1].bits, p[2].bits, p[3].bits} << 16);
}
TAXON_INLINE void store(Bf16* p, Vec x) {
  const Int words = round_to_bf16(x);
  for (int64_t i = 0; i < lanes; ++i) p[i].bits = static_cast<uint16_t>(words[i]);
}
TAXON_INLINE void stream(Bf16* p, Vec x) {
  store(p, x);
}
TAXON_INLINE Vec fma(Vec a, Vec b, Vec c) {
  return a * b + c;
}
/// The larger; the second where either is NaN (and where both are 0).
TAXON_INLINE Vec max(Vec a, Vec b) {
#if TAXON_SIMD_X86
  return _mm_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}
TAXON_INLINE Vec min(Vec a, Vec b) {
#if TAXON_SIMD_X86
  return _mm_min_ps(a, b);
#else
  return a < b ? a : b;
#endif
}
TAXON_INLINE Vec sqrt(Vec x) {
#if TAXON_SIMD_X86
  return _mm_sqrt_ps(x);
#else
  for (int64_t i = 0; i < lanes; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

#endif

#if !TAXON_ISA_avx512
TAXON_INLINE Vec load(const Bf16* p, int64_t n) {
  Int words = {};
  for (int64_t i = 0; i < n; ++i) words[i] = p[i].bits;
  return from_bits(words << 16);
}
TAXON_INLINE void store(Bf16* p, Vec x, int64_t n) {
  const Int words = round_to_bf16(x);
  for (int64_t i = 0; i < n; ++i) p[i].bits = static_cast<uint16_t>(words[i]);
}
#endif

/// A full vector, or the tail of a loop: what loops hand to their bodies.
struct Full {
  TAXON_INLINE Vec load(const float* p) const { return kernels::load(p); }
  TAXON_INLINE Vec load(const Bf16* p) const { return kernels::load(p); }
  TAXON_INLINE Int load(const int32_t* p) const { return kernels::load(p); }
  TAXON_INLINE void store(float* p, Vec x) const { kernels::store(p, x); }
  TAXON_INLINE void store(Bf16* p, Vec x) const { kernels::store(p, x); }
  TAXON_INLINE void store(int32_t* p, Int x) const { kernels::store(p, x); }
  TAXON_INLINE Vec or_else(Vec x, Vec) const { return x; }
};
/// A full vector whose results go past the caches.
struct Streamed : Full {
  TAXON_INLINE void store(float* p, Vec x) const { stream(p, x); }
  TAXON_INLINE void store(Bf16* p, Vec x) const { stream(p, x); }
};
struct Tail {
  int64_t n;
  TAXON_INLINE Vec load(const float* p) const { return kernels::load(p, n); }
  TAXON_INLINE Vec load(const Bf16* p) const { return kernels::load(p, n); }
  TAXON_INLINE Int load(const int32_t* p) const { return kernels::load(p, n); }
  TAXON_INLINE void store(float* p, Vec x) const { kernels::store(p, x, n); }
  TAXON_INLINE void store(Bf16* p, Vec x) const { kernels::store(p, x, n); }
  TAXON_INLINE void store(int32_t* p, Int x) const { kernels::store(p, x, n); }
  /// x in the lanes that are there, `other` in the rest.
  TAXON_INLINE Vec or_else(Vec x, Vec other) const {
    Int lane;
    for (int32_t i = 0; i < static_cast<int32_t>(lanes); ++i) lane[i] = i;
    return select(lane < static_cast<int32_t>(n), x, other);
  }
};

/// Calls f(i, part) for i = begin, begin + lanes, ... below end.
template <class F, class Whole = Full>
TAXON_INLINE void each(int64_t begin, int64_t end, F f, Whole whole = {}) {
  int64_t i = begin;
  for (; i + lanes <= end; i += lanes) f(i, whole);
  if (i < end) f(i, Tail{end - i});
}

/// Whether n results written to y should go past the caches: where they would push each other out
/// of a usual last-level cache anyway, that saves reading every line before it is overwritten.
/// Vectors that start at multiples of `step` elements must be aligned.
template <class T>
TAXON_INLINE bool streams(const T* y, int64_t n, int64_t step) {
  constexpr int64_t large = 24 << 20;  // bytes
  return n * static_cast<int64_t>(sizeof(T)) >= large && step % lanes == 0 &&
         reinterpret_cast<uintptr_t>(y) % (lanes * sizeof(T)) == 0;
}
/// After streamed stores, before another thread may read.
TAXON_INLINE void finish_stream() {
#if TAXON_SIMD_X86
  _mm_sfence();
#endif
}

/// A parallel loop over n elements: calls f(begin, end) for chunks of at least 32768, at most 64 of
/// them.
template <class F>
TAXON_INLINE void parallel_elements(const Exec& exec, int64_t n, F f) {
  constexpr int64_t least = 32768;
  const int64_t share = (n / 64 + least - 1) / least * least, size = share > least ? share : least;
  parallel(exec, (n + size - 1) / size, [&](int64_t chunk, int) {
    const int64_t begin = chunk * size;
    f(begin, begin + size < n ? begin + size : n);
  });
}

/// The same for loops that write y[0 .. n) and do not read it: calls f(i, part) for each vector.
template <class T, class F>
TAXON_INLINE void parallel_map(const Exec& exec, T* y, int64_t n, F f) {
  if (streams(y, n, lanes)) {
    parallel_elements(exec, n, [&](int64_t begin, int64_t end) {
      each(begin, end, f, Streamed{});
      finish_stream();
    });
  } else {
    parallel_elements(exec, n, [&](int64_t begin, int64_t end) { each(begin, end, f); });
  }
}

/// A parallel loop over rows of `cols` elements: calls f(begin, end) for groups of rows.
template <class F>
TAXON_INLINE void parallel_rows(const Exec& exec, int64_t rows, int64_t cols, F f) {
  const int64_t size = 1 + 16384 / (cols + 1);
  parallel(exec, (rows + size - 1) / size, [&](int64_t chunk, int) {
    const int64_t begin = chunk * size;
    f(begin, begin + size < rows ? begin + size : rows);
  });
}

/// Lane 0 of all lanes combined: the lower half with the upper, and so on.
template <class F>
TAXON_INLINE float fold(Vec x, F combine) {
#if TAXON_ISA_avx512
#define TAXON_LANES(i)                                                                            \
  __builtin_shufflevector(x, x, i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7, 8, 9, 10, 11, \
                          12, 13, 14, 15)
  x = combine(x, TAXON_LANES(8));
  x = combine(x, TAXON_LANES(4));
#elif TAXON_ISA_avx2
#define TAXON_LANES(i) __builtin_shufflevector(x, x, i, i + 1, i + 2, i + 3, 4, 5, 6, 7)
  x = combine(x, TAXON_LANES(4));
#else
#define TAXON_LANES(i) __builtin_shufflevector(x, x, i, i + 1, 2, 3)
#endif
  x = combine(x, TAXON_LANES(2));
  return combine(x, TAXON_LANES(1))[0];
#undef TAXON_LANES
}
/// The sum of the lanes, pairwise.
TAXON_INLINE float sum_of(Vec x) {
  return fold(x, [](Vec a, Vec b) { return a + b; });
}
/// The largest lane; NaN if any is.
TAXON_INLINE float max_of(Vec x) {
  return fold(x, [](Vec a, Vec b) { return select((b > a) | is_nan(b), b, a); });
}
/// The larger, NaN where either is.
TAXON_INLINE Vec max_or_nan(Vec a, Vec b) {
  return select(is_nan(a), a, max(a, b));
}

/// Where x is larger than best, or the first NaN: best = x, place = at.
TAXON_INLINE void take_larger(Vec x, int32_t at, Vec& best, Int& place) {
#if TAXON_ISA_avx512
  const __mmask16 ordered = _mm512_cmp_ps_mask(best, best, _CMP_ORD_Q);
  const __mmask16 take = _mm512_mask_cmp_ps_mask(ordered, x, best, _CMP_NLE_UQ);
  best = _mm512_mask_mov_ps(best, take, x);
  place = reinterpret_cast<Int>(_mm512_mask_set1_epi32(reinterpret_cast<__m512i>(place), take, at));
#else
  const Int take = ~(x <= best) & (best == best);
  best = select(take, x, best);
  place = select(take, broadcast_int(at), place);
#endif
}

}  // namespace
}  // namespace taxon::kernels
