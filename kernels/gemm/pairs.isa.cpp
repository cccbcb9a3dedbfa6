// See pairs.h. Depths are even.
#include "gemm/pairs.h"

#include "gemm/micro.h"
#include "gemm/transpose.h"
#include "simd/simd.h"

namespace taxon::kernels::TAXON_ISA {

void pack_pair_columns(const float* src, int64_t stride, int64_t cols, int64_t depth, void* dst,
                       int64_t width) {
  // A pair is 32 bits: rounded row by row, then transposed as if it were a float.
  constexpr int64_t most = 32;
  alignas(64) Bf16 rows[most * kSlab];
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

}  // namespace taxon::kernels::TAXON_ISA
