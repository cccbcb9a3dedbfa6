// Softmax of one row; for the .isa.cpp files of this folder.
#pragma once

#include "simd/math.h"

namespace taxon::kernels {
namespace {

TAXON_INLINE Vec row_max(const float* x, int64_t n) {
  const Vec lowest = broadcast(-__builtin_inff());
  Vec most = lowest;  // a NaN is passed over here and comes back through the sum
  each(0, n,
       [&](int64_t i, auto part) { most = max(part.or_else(part.load(x + i), lowest), most); });
  return broadcast(max_of(most));
}

TAXON_INLINE void softmax_row(const float* x, float* y, int64_t n) {
  const Vec most = row_max(x, n);
  Vec total = {};
  each(0, n, [&](int64_t i, auto part) {
    const Vec e = exp(part.load(x + i) - most);
    part.store(y + i, e);
    total += part.or_else(e, Vec{});
  });
  const Vec scale = broadcast(1.0f / sum_of(total));
  each(0, n, [&](int64_t i, auto part) { part.store(y + i, part.load(y + i) * scale); });
}

TAXON_INLINE void log_softmax_row(const float* x, float* y, int64_t n) {
  const Vec most = row_max(x, n);
  Vec total = {};
  each(0, n,
       [&](int64_t i, auto part) { total += part.or_else(exp(part.load(x + i) - most), Vec{}); });
  const Vec log_sum = log(broadcast(sum_of(total)));
  each(0, n, [&](int64_t i, auto part) { part.store(y + i, (part.load(x + i) - most) - log_sum); });
}

}  // namespace
}  // namespace taxon::kernels
