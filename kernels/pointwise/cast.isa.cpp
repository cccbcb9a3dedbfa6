// The conversions that training and inference use, as plain loops that the compiler turns into
// vectors of the instruction set at hand.
#include "pointwise/vector.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

typedef uint32_t Word __attribute__((may_alias));  // the bits of a float

template <class From>
void to_f32(const CastArgs& g, const Exec& exec) {
  const From* x = static_cast<const From*>(g.x);
  float* y = static_cast<float*>(g.y);
  parallel_elements(exec, g.n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = static_cast<float>(x[i]);
  });
}

void bf16_to_f32(const CastArgs& g, const Exec& exec) {
  const uint16_t* x = static_cast<const uint16_t*>(g.x);
  Word* y = static_cast<Word*>(g.y);
  parallel_elements(exec, g.n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = static_cast<uint32_t>(x[i]) << 16;
  });
}

/// To nearest even; NaN stays NaN.
void f32_to_bf16(const CastArgs& g, const Exec& exec) {
  const Word* x = static_cast<const Word*>(g.x);
  uint16_t* y = static_cast<uint16_t*>(g.y);
  parallel_elements(exec, g.n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint32_t u = x[i], rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
      const uint32_t quiet = (u >> 16) | 0x40u;
      y[i] = static_cast<uint16_t>((u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
    }
  });
}

}  // namespace

namespace TAXON_ISA {

void cast(const CastArgs& g, const Exec& exec) {
  if (g.to == Type::bf16) return f32_to_bf16(g, exec);
  switch (g.from) {
    case Type::bf16:
      return bf16_to_f32(g, exec);
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
