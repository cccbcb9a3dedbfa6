// Conversions between element types: the table and the reference. Floating to integer truncates and
// saturates, NaN becomes 0; integer to a narrower integer wraps.
#include <taxon/base/dtype.h>
#include <taxon/kernels/pointwise.h>

#include <limits>
#include <type_traits>

#include "pointwise/vector.h"

namespace taxon::kernels {
namespace {

template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<From, bf16>) {
    return convert<To>(static_cast<float>(x));
  } else if constexpr (std::is_same_v<To, bf16>) {
    return bf16(static_cast<float>(x));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // 2^digits is the first value too large, and exact in every floating type.
    const From limit = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * 2;
    if (x != x) return 0;
    if (x >= limit) return std::numeric_limits<To>::max();
    if (x <= static_cast<From>(std::numeric_limits<To>::min())) {
      return std::numeric_limits<To>::min();
    }
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class To, class From>
void convert_all(const CastArgs& g) {
  const auto* x = static_cast<const From*>(g.x);
  auto* y = static_cast<To*>(g.y);
  for (int64_t i = 0; i < g.n; ++i) y[i] = convert<To>(x[i]);
}

template <class To>
void convert_from(const CastArgs& g) {
  switch (g.from) {
    case Type::f32:
      return convert_all<To, float>(g);
    case Type::f64:
      return convert_all<To, double>(g);
    case Type::bf16:
      return convert_all<To, bf16>(g);
    case Type::u8:
      return convert_all<To, uint8_t>(g);
    case Type::i32:
      return convert_all<To, int32_t>(g);
    case Type::i64:
      return convert_all<To, int64_t>(g);
  }
}

void reference(const CastArgs& g, const Exec&) {
  switch (g.to) {
    case Type::f32:
      return convert_from<float>(g);
    case Type::f64:
      return convert_from<double>(g);
    case Type::bf16:
      return convert_from<bf16>(g);
    case Type::u8:
      return convert_from<uint8_t>(g);
    case Type::i32:
      return convert_from<int32_t>(g);
    case Type::i64:
      return convert_from<int64_t>(g);
  }
}

const char* declines(const CastArgs& g) {
  const bool widen = g.to == Type::f32 && g.from != Type::f64 && g.from != Type::f32;
  const bool narrow = g.from == Type::f32 && g.to == Type::bf16;
  return widen || narrow ? nullptr : "only u8, i32, i64 and bf16 to f32, and f32 to bf16";
}

}  // namespace

Rows<CastArgs> cast_rows() {
  static const Row<CastArgs> rows[] = {
      TAXON_VECTOR_ROWS("cast", true, declines, nullptr, cast),
      {"cast/reference", Needs::baseline, true, nullptr, nullptr, reference}};
  return {rows, sizeof rows / sizeof rows[0]};
}

}  // namespace taxon::kernels
