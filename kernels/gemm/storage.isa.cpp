// See storage.h.
#include "gemm/storage.h"

#include "gemm/micro.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

template <class T>
TAXON_INLINE void copy_row(const T* src, int64_t count, float* dst) {
  each(0, count, [&](int64_t i, auto part) { part.store(dst + i, part.load(src + i)); });
}
TAXON_INLINE void copy_row(const Bf16* src, int64_t count, Bf16* dst) {
  if (count > 0) __builtin_memcpy(dst, src, static_cast<size_t>(count) * sizeof(Bf16));
}

TAXON_INLINE void zero_row(int64_t first, int64_t last, float* dst) {
  each(first, last, [&](int64_t j, auto part) { part.store(dst + j, Vec{}); });
}
TAXON_INLINE void zero_row(int64_t first, int64_t last, Bf16* dst) {
  __builtin_memset(dst + first, 0, static_cast<size_t>(last - first) * sizeof(Bf16));
}

/// The kSlab elements of a pixel.
template <class T>
TAXON_INLINE void copy_slab(const T* src, float* dst) {
  for (int64_t e = 0; e < kSlab; e += lanes) store(dst + e, load(src + e));
}
TAXON_INLINE void copy_slab(const Bf16* src, Bf16* dst) {
  __builtin_memcpy(dst, src, kSlab * sizeof(Bf16));
}

template <class T, class To>
void copy(const void* src, int64_t src_stride, int64_t rows, int64_t cols, void* dst,
          int64_t dst_stride, int64_t padded) {
  for (int64_t i = 0; i < rows; ++i) {
    To* to = static_cast<To*>(dst) + i * dst_stride;
    copy_row(static_cast<const T*>(src) + i * src_stride, cols, to);
    if (padded > cols) zero_row(cols, padded, to);
  }
}

template <class T, class To>
void to_slabs(const void* src, int64_t src_stride, int64_t rows, int64_t depth, void* dst,
              int64_t row_stride, int64_t slab_stride) {
  const T* from = static_cast<const T*>(src);
  if (depth == src_stride && depth == row_stride) {
    copy_row(from, rows * depth, static_cast<To*>(dst));
    return;
  }
  const int64_t whole = depth / kSlab * kSlab;
  for (int64_t i = 0; i < rows; ++i, from += src_stride) {
    To* to = static_cast<To*>(dst) + i * row_stride;
    int64_t d = 0;
    for (; d < whole; d += kSlab, to += slab_stride) copy_slab(from + d, to);
    copy_row(from + d, depth - d, to);
  }
}

template <class T>
void column_sums(const void* src, int64_t src_stride, int64_t rows, int64_t cols, float* dst,
                 bool accumulate) {
  const T* from = static_cast<const T*>(src);
  each(0, cols, [&](int64_t j, auto part) {
    Vec sum = {};
    for (int64_t i = 0; i < rows; ++i) sum += part.load(from + i * src_stride + j);
    part.store(dst + j, accumulate ? sum + part.load(dst + j) : sum);
  });
}

template <class T>
void write(const WriteRows& w) {
  const Vec least = broadcast(w.relu ? 0.0f : -__builtin_inff());
  for (int64_t i = 0; i < w.rows; ++i) {
    const float* sums = w.sums + i * w.stride;
    T* y = static_cast<T*>(w.y) + w.offsets[i];
    const T* residual =
        w.residual == nullptr ? nullptr : static_cast<const T*>(w.residual) + w.offsets[i];
    each(0, w.cols, [&](int64_t j, auto part) {
      Vec x = part.load(sums + j);
      if (w.bias != nullptr) x += part.load(w.bias + j);
      if (residual != nullptr) x += part.load(residual + j);
      part.store(y + j, max(least, x));
    });
  }
}

template <class T, class To>
constexpr Storage storage() {
  return {sizeof(T), sizeof(To), copy<T, To>, to_slabs<T, To>, column_sums<T>, write<T>};
}

}  // namespace

namespace TAXON_ISA {

const Storage f32 = storage<float, float>();
const Storage bf16 = storage<Bf16, float>();
const Storage bf16_kept = storage<Bf16, Bf16>();

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
