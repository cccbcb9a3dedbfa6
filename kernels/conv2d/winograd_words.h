// How transformed values lie in words of 32 bits (see WinogradMicro): one f32 each, or two bf16
// that one multiplication of pairs sums.
#pragma once

#include "winograd.h"

#include "simd/simd.h"

namespace taxon::kernels {
namespace {

/// Every value a word.
struct WholeWords {
  static constexpr int64_t channels = 1;  ///< in a word of a tile
  static constexpr int64_t rows = 1;      ///< in a word of weights
  TAXON_INLINE static void put(float* word, Vec x) { store(word, x); }
  template <class F>
  TAXON_INLINE static void each_row(int64_t count, F row) {
    for (int64_t i = 0; i < count; ++i) row(i, WholeWords{});
  }
};

#if TAXON_ISA_avx512bf16
/// Neighbouring channels side by side.
struct ChannelPairs {
  static constexpr int64_t channels = 2;
  TAXON_INLINE static void put(float* word, Vec x) { store(reinterpret_cast<Bf16*>(word), x); }
};

/// The lower halves of words, the upper ones zero; or the upper halves, the lower ones kept.
template <bool upper>
struct HalfWords {
  static constexpr int64_t channels = 1;
  TAXON_INLINE static void put(float* word, Vec x) {
    Int half = reinterpret_cast<Int>(_mm512_maskz_cvtepu16_epi32(all_lanes, narrow(x)));
    if constexpr (upper) half = (half << 16) | load(reinterpret_cast<const int32_t*>(word));
    store(reinterpret_cast<int32_t*>(word), half);
  }
};

/// Rows of weights in pairs.
struct RowPairs {
  static constexpr int64_t rows = 2;
  template <class F>
  TAXON_INLINE static void each_row(int64_t count, F row) {
    for (int64_t i = 0; i < count; i += 2) {
      row(i, HalfWords<false>{});
      if (i + 1 < count) row(i + 1, HalfWords<true>{});
    }
  }
};
#endif

/// Those of a tile from channel c on, a multiple of the vector.
template <class Words>
TAXON_INLINE float* words_of(const WinogradValues& to, int64_t c) {
  const int64_t word = c / Words::channels;
  return to.words + word / kSlab * to.slab_stride + word % kSlab;
}

}  // namespace
}  // namespace taxon::kernels
