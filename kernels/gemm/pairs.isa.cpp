// See pairs.h.
#include "gemm/pairs.h"

#include "gemm/micro.h"
#include "gemm/transpose.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

constexpr int64_t kBlock = 32;

/// Two rows side by side: dst[j] = even[j] | odd[j] << 16; no odd row: zeros.
TAXON_INLINE void pair_rows(const Bf16* even, const Bf16* odd, int64_t cols, int32_t* dst) {
  each(0, cols, [&](int64_t j, auto part) {
    const Int low = reinterpret_cast<Int>(reinterpret_cast<Bits>(part.load(even + j)) >> 16);
    const Int high = odd == nullptr ? Int{} : bits(part.load(odd + j));
    part.store(dst + j, low | high);
  });
}

void pack_pixels(const Bf16* src, const int64_t* offsets, int64_t pixels, int64_t cols, Bf16* dst,
                 int64_t width) {
  auto* to = reinterpret_cast<int32_t*>(dst);
  for (int64_t i = 0; i < pixels; i += 2, to += width) {
    pair_rows(src + offsets[i], i + 1 < pixels ? src + offsets[i + 1] : nullptr, cols, to);
    each(cols, width, [&](int64_t j, auto part) { part.store(to + j, Int{}); });
  }
}

void transpose_pairs(const Bf16* src, int64_t stride, int64_t rows, int64_t cols, Bf16* dst,
                     int64_t dst_stride) {
  alignas(64) int32_t block[kBlock / 2 * kBlock];
  for (int64_t i = 0; i < rows; i += kBlock) {
    const int64_t pairs = (rows - i < kBlock ? rows - i + 1 : kBlock) / 2;
    for (int64_t j = 0; j < cols; j += kBlock) {
      const int64_t count = cols - j < kBlock ? cols - j : kBlock;
      const Bf16* from = src + i * stride + j;
      for (int64_t p = 0; p < pairs; ++p, from += 2 * stride) {
        const bool last = i + 2 * p + 1 == rows;
        pair_rows(from, last ? nullptr : from + stride, count, block + p * kBlock);
      }
      TAXON_ISA::transpose(reinterpret_cast<const float*>(block), kBlock, pairs, count,
                           reinterpret_cast<float*>(dst + j * dst_stride + i), dst_stride / 2,
                           pairs);
    }
  }
}

}  // namespace

namespace TAXON_ISA {

// A pair is 32 bits: rounded row by row, then transposed as if it were a float.
void pack_pair_columns(const float* src, int64_t stride, int64_t cols, int64_t depth, void* dst,
                       int64_t width) {
  alignas(64) Bf16 rows[kBlock * kSlab];
  auto* to = static_cast<float*>(dst);
  for (int64_t first = 0; first < depth; first += kSlab, to += kSlab / 2 * width) {
    const int64_t steps = depth - first < kSlab ? depth - first : kSlab;
    for (int64_t j = 0; j < cols; ++j) {
      each(0, steps, [&](int64_t d, auto part) {
        part.store(rows + j * kSlab + d, part.load(src + j * stride + first + d));
      });
    }
    transpose(reinterpret_cast<const float*>(rows), kSlab / 2, cols, steps / 2, to, width, width);
  }
}

void pack_pair_rows(const float* src, int64_t stride, int64_t depth, int64_t cols, void* dst,
                    int64_t width) {
  auto* to = static_cast<int32_t*>(dst);
  for (int64_t d = 0; d < depth; d += 2, src += 2 * stride, to += width) {
    each(0, cols, [&](int64_t j, auto part) {
      const Int even = round_to_bf16(part.load(src + j));
      const Int odd = round_to_bf16(part.load(src + stride + j));
      part.store(to + j, even | (odd << 16));
    });
    each(cols, width, [&](int64_t j, auto part) { part.store(to + j, Int{}); });
  }
}

const Pairs pairs = {pack_pixels, transpose_pairs};

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
