// Conversions between element types. Floating to integer truncates and saturates, NaN becomes 0;
// integer to a narrower integer wraps.
#include <limits>
#include <type_traits>

#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

/// As constants of a class, which device code may read.
template <class T>
struct Limits {
  static constexpr T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
};

template <class To, class From>
__device__ __forceinline__ To truncated(From x) {
  constexpr To low = Limits<To>::low, high = Limits<To>::high;
  // 2^digits is the first value too large, and exact in every floating type.
  constexpr From limit = static_cast<From>(high / 2 + 1) * 2;
  if (x != x) return 0;
  if (x >= limit) return high;
  if (x <= static_cast<From>(low)) return low;
  return static_cast<To>(x);
}

template <class To, class From>
__device__ __forceinline__ To convert(From x) {
  if constexpr (std::is_same_v<From, To>) {
    return x;
  } else if constexpr (std::is_same_v<From, Bf16>) {
    return convert<To>(widen(x));
  } else if constexpr (std::is_same_v<To, Bf16>) {
    return narrow<Bf16>(static_cast<float>(x));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return truncated<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

constexpr int size = 4;

template <class To, class From>
__global__ void cast(const From* x, To* y, int64_t n, int64_t packs) {
  for (int64_t i = first_step(); i < packs; i += all_steps()) {
    const Pack<From, size> p = load_pack<From, size>(x + i * size);
    Pack<To, size> q;
    TAXON_UNROLL
    for (int j = 0; j < size; ++j) q.v[j] = convert<To>(p.v[j]);
    store_pack(y + i * size, q);
  }
  for (int64_t i = packs * size + first_step(); i < n; i += all_steps()) y[i] = convert<To>(x[i]);
}

template <class To, class From>
void start(const CastArgs& g, const Exec& exec) {
  const auto* x = static_cast<const From*>(g.x);
  auto* y = static_cast<To*>(g.y);
  const bool packed = aligned(x, size * sizeof(From)) && aligned(y, size * sizeof(To));
  const int64_t packs = packed ? g.n / size : 0;
  TAXON_LAUNCH((cast<To, From>), grid_of(blocks_for(packs > 0 ? packs : g.n)), block_threads, exec,
               x, y, g.n, packs);
}

template <class To>
void start_from(const CastArgs& g, const Exec& exec) {
  switch (g.from) {
    case Type::f32:
      return start<To, float>(g, exec);
    case Type::f64:
      return start<To, double>(g, exec);
    case Type::bf16:
      return start<To, Bf16>(g, exec);
    case Type::u8:
      return start<To, uint8_t>(g, exec);
    case Type::i32:
      return start<To, int32_t>(g, exec);
    case Type::i64:
      return start<To, int64_t>(g, exec);
  }
}

void run(const CastArgs& g, const Exec& exec) {
  if (g.n < 1) return;
  switch (g.to) {
    case Type::f32:
      return start_from<float>(g, exec);
    case Type::f64:
      return start_from<double>(g, exec);
    case Type::bf16:
      return start_from<Bf16>(g, exec);
    case Type::u8:
      return start_from<uint8_t>(g, exec);
    case Type::i32:
      return start_from<int32_t>(g, exec);
    case Type::i64:
      return start_from<int64_t>(g, exec);
  }
}

}  // namespace

Rows<CastArgs> cast_rows() {
  static const Row<CastArgs> rows[] = {{"cast/cuda", Needs::baseline, true, nullptr, nullptr, run}};
  return {rows, 1};
}

}  // namespace taxon::kernels::cuda
