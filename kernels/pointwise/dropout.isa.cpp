// Dropout: one Philox counter in each lane.
#include "pointwise/vector.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

typedef uint32_t Word __attribute__((vector_size(4 * lanes)));
typedef uint64_t Wide __attribute__((vector_size(4 * lanes)));  // of two words each

/// The products of the even words with m, 64 bits each.
TAXON_INLINE Wide multiply_even(Wide x, uint32_t m) {
#if TAXON_ISA_avx512
  const __m512i factor = _mm512_set1_epi32(static_cast<int32_t>(m));
  return reinterpret_cast<Wide>(_mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(x), factor));
#elif TAXON_ISA_avx2
  const __m256i factor = _mm256_set1_epi32(static_cast<int32_t>(m));
  return reinterpret_cast<Wide>(_mm256_mul_epu32(reinterpret_cast<__m256i>(x), factor));
#elif TAXON_SIMD_X86
  const __m128i factor = _mm_set1_epi32(static_cast<int32_t>(m));
  return reinterpret_cast<Wide>(_mm_mul_epu32(reinterpret_cast<__m128i>(x), factor));
#else
  return (x & 0xffffffffu) * m;
#endif
}

/// The upper and lower halves of x * m.
TAXON_INLINE void multiply(Word x, uint32_t m, Word* high, Word* low) {
  const Wide even = multiply_even(reinterpret_cast<Wide>(x), m);
  const Wide odd = multiply_even(reinterpret_cast<Wide>(x) >> 32, m);
  *high = reinterpret_cast<Word>((even >> 32) | (odd & 0xffffffff00000000u));
  *low = reinterpret_cast<Word>((even & 0xffffffffu) | (odd << 32));
}

typedef uint32_t Four __attribute__((vector_size(16)));

TAXON_INLINE Four load_four(const uint32_t* p) {
  Four x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

/// out = a[0] b[0] c[0] d[0] a[1] ...
TAXON_INLINE void interleave(const uint32_t* a, const uint32_t* b, const uint32_t* c,
                             const uint32_t* d, uint32_t* out) {
  const Four ab = __builtin_shufflevector(load_four(a), load_four(b), 0, 4, 1, 5);
  const Four ab2 = __builtin_shufflevector(load_four(a), load_four(b), 2, 6, 3, 7);
  const Four cd = __builtin_shufflevector(load_four(c), load_four(d), 0, 4, 1, 5);
  const Four cd2 = __builtin_shufflevector(load_four(c), load_four(d), 2, 6, 3, 7);
  const Four rows[4] = {
      __builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
      __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5), __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7)};
  __builtin_memcpy(out, rows, sizeof rows);
}

constexpr int64_t words = 4 * lanes;

/// Words of the counters first, first + 1, ... (`first` a multiple of lanes): Philox4x32-10 (Salmon
/// et al., SC 2011), one counter after the other in `out`.
TAXON_INLINE void philox(uint64_t seed, uint64_t stream, uint64_t first, uint32_t (&out)[words]) {
  uint32_t lane[lanes];
  for (int64_t i = 0; i < lanes; ++i) lane[i] = static_cast<uint32_t>(i);
  Word a, b = static_cast<uint32_t>(first >> 32) - Word{};
  __builtin_memcpy(&a, lane, sizeof a);
  a += static_cast<uint32_t>(first);
  Word c = static_cast<uint32_t>(stream) - Word{}, d = static_cast<uint32_t>(stream >> 32) - Word{};
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    Word high0, low0, high1, low1;
    multiply(a, 0xD2511F53u, &high0, &low0);
    multiply(c, 0xCD9E8D57u, &high1, &low1);
    a = high1 ^ b ^ k0;
    b = low1;
    c = high0 ^ d ^ k1;
    d = low0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  uint32_t v[4][lanes];
  __builtin_memcpy(v[0], &a, sizeof a);
  __builtin_memcpy(v[1], &b, sizeof b);
  __builtin_memcpy(v[2], &c, sizeof c);
  __builtin_memcpy(v[3], &d, sizeof d);
  for (int64_t i = 0; i < lanes; i += 4)
    interleave(v[0] + i, v[1] + i, v[2] + i, v[3] + i, out + 4 * i);
}

template <class T>
void values(const DropoutArgs& g, const Exec& exec) {
  const T* x = static_cast<const T*>(g.x);
  T* y = static_cast<T*>(g.y);
  // word / 2^32 >= p, in integers; from 2^32 on nothing is kept
  const double bound = __builtin_ceil(g.p * 4294967296.0);
  const bool any = bound < 4294967296.0;
  const uint32_t least = any ? static_cast<uint32_t>(bound) : 0;
  const float scale = any ? static_cast<float>(1 / (1 - g.p)) : 0;
  parallel_elements(exec, g.n, [&](int64_t begin, int64_t end) {
    uint32_t word[words];
    for (int64_t i = begin; i < end; i += words) {
      philox(g.seed, g.stream, static_cast<uint64_t>(i / 4), word);
      each(i, i + words < end ? i + words : end, [&](int64_t j, auto part) {
        Word w;
        __builtin_memcpy(&w, word + (j - i), sizeof w);
        const Int kept = reinterpret_cast<Int>(w >= least);
        part.store(y + j, part.load(x + j) * select(kept, broadcast(scale), Vec{}));
      });
    }
  });
}

}  // namespace

namespace TAXON_ISA {

void dropout(const DropoutArgs& g, const Exec& exec) {
  values<float>(g, exec);
}
void dropout_bf16(const DropoutArgs& g, const Exec& exec) {
  values<Bf16>(g, exec);
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
