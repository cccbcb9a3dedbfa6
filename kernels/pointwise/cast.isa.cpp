// The conversions that training and inference use: from and to bf16 by vectors, past the caches
// where that pays; from integers as plain loops that the compiler turns into vectors.
#include "pointwise/vector.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

template <class From>
void to_f32(const CastArgs& g, const Exec& exec) {
  const From* x = static_cast<const From*>(g.x);
  float* y = static_cast<float*>(g.y);
  parallel_elements(exec, g.n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = static_cast<float>(x[i]);
  });
}

/// Between f32 and bf16: to nearest even; NaN stays NaN.
template <class To, class From>
void copy_as(const CastArgs& g, const Exec& exec) {
  const From* x = static_cast<const From*>(g.x);
  To* y = static_cast<To*>(g.y);
  parallel_map(exec, y, g.n, [&](int64_t i, auto part) { part.store(y + i, part.load(x + i)); });
}

}  // namespace

namespace TAXON_ISA {

void cast(const CastArgs& g, const Exec& exec) {
  if (g.to == Type::bf16) return copy_as<Bf16, float>(g, exec);
  switch (g.from) {
    case Type::bf16:
      return copy_as<float, Bf16>(g, exec);
    case Type::u8:
      return to_f32<uint8_t>(g, exec);
    case Type::i32:
      return to_f32<int32_t>(g, exec);
    default:
      return to_f32<int64_t>(g, exec);
  }
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
