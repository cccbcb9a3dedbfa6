// Two operands with broadcasting. An array of more than 2^31 elements is cut, so that indices fit
// 32 bits and divide by multiplications.
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

template <Binary op>
__device__ __forceinline__ float value(float a, float b) {
  if constexpr (op == Binary::add) return a + b;
  if constexpr (op == Binary::sub) return a - b;
  if constexpr (op == Binary::mul) return a * b;
  if constexpr (op == Binary::div) return a / b;
  if constexpr (op == Binary::max) return a > b || a != a ? a : b;  // NaN wins
}

constexpr int max_rank = 8;

/// Dimensions in packs: the innermost one counts packs, its strides (0 or 1 within a pack) too.
struct Layout {
  int rank = 0;
  int steps = 0;  ///< packs in all
  Divisor dims[max_rank];
  int64_t a_strides[max_rank] = {}, b_strides[max_rank] = {};
  bool a_fixed = false, b_fixed = false;  ///< one element serves a whole pack
};

template <class T, int size>
__device__ __forceinline__ Pack<T, size> load_or_fill(const T* from, bool fixed) {
  if (!fixed) return load_pack<T, size>(from);
  Pack<T, size> p;
  const T x = *from;
  TAXON_UNROLL
  for (int j = 0; j < size; ++j) p.v[j] = x;
  return p;
}

/// y is contiguous; each step is a pack of `size` elements.
template <class T, int size, Binary op>
__global__ void binary(const T* a, const T* b, T* y, Layout layout) {
  for (int64_t step = first_step(); step < layout.steps; step += all_steps()) {
    int rest = static_cast<int>(step);
    int64_t ia = 0, ib = 0;
    for (int d = layout.rank - 1; d > 0; --d) {
      const int at = layout.dims[d].split(rest);
      ia += at * layout.a_strides[d];
      ib += at * layout.b_strides[d];
    }
    ia += rest * layout.a_strides[0];
    ib += rest * layout.b_strides[0];
    Pack<T, size> p = load_or_fill<T, size>(a + ia, layout.a_fixed);
    const Pack<T, size> q = load_or_fill<T, size>(b + ib, layout.b_fixed);
    TAXON_UNROLL
    for (int j = 0; j < size; ++j) p.v[j] = narrow<T>(value<op>(widen(p.v[j]), widen(q.v[j])));
    store_pack(y + step * size, p);
  }
}

/// Whether packs of `size` elements never straddle rows and lie aligned.
template <class T>
bool packable(const BinaryArgs& g) {
  constexpr int size = pack_size<T>;
  if (g.rank == 0 || !all_aligned(16, g.y)) return false;
  const int inner = g.rank - 1;
  if (g.dims[inner] % size != 0) return false;
  const auto operand = [&](const void* p, const int64_t* strides) {
    if (strides[inner] == 0) return true;
    if (strides[inner] != 1 || !aligned(p)) return false;
    for (int d = 0; d < inner; ++d) {
      if (strides[d] % size != 0) return false;
    }
    return true;
  };
  return operand(g.a, g.a_strides) && operand(g.b, g.b_strides);
}

Layout layout_of(const BinaryArgs& g, int size) {
  Layout l;
  l.rank = g.rank;
  int64_t steps = 1;
  for (int d = 0; d < g.rank; ++d) {
    const int64_t wide = d == g.rank - 1 ? size : 1;
    l.dims[d] = Divisor(g.dims[d] / wide);
    l.a_strides[d] = g.a_strides[d] * wide;
    l.b_strides[d] = g.b_strides[d] * wide;
    steps *= g.dims[d] / wide;
  }
  l.steps = static_cast<int>(steps);
  l.a_fixed = g.rank > 0 && g.a_strides[g.rank - 1] == 0;
  l.b_fixed = g.rank > 0 && g.b_strides[g.rank - 1] == 0;
  return l;
}

template <class T, Binary op>
void start(const BinaryArgs& g, const Exec& exec) {
  const auto* a = static_cast<const T*>(g.a);
  const auto* b = static_cast<const T*>(g.b);
  auto* y = static_cast<T*>(g.y);
  if (packable<T>(g)) {
    constexpr int size = pack_size<T>;
    const Layout l = layout_of(g, size);
    TAXON_LAUNCH((binary<T, size, op>), grid_of(blocks_for(l.steps)), block_threads, exec, a, b, y,
                 l);
  } else {
    const Layout l = layout_of(g, 1);
    TAXON_LAUNCH((binary<T, 1, op>), grid_of(blocks_for(l.steps)), block_threads, exec, a, b, y, l);
  }
}

template <class T>
void start(const BinaryArgs& g, const Exec& exec) {
  switch (g.op) {
    case Binary::add:
      return start<T, Binary::add>(g, exec);
    case Binary::sub:
      return start<T, Binary::sub>(g, exec);
    case Binary::mul:
      return start<T, Binary::mul>(g, exec);
    case Binary::div:
      return start<T, Binary::div>(g, exec);
    case Binary::max:
      return start<T, Binary::max>(g, exec);
  }
}

/// Halves along the outermost dimension that can be cut, until indices fit 32 bits.
template <class T>
void run(const BinaryArgs& g, const Exec& exec) {
  int64_t n = 1;
  for (int d = 0; d < g.rank; ++d) n *= g.dims[d];
  if (n == 0) return;
  if (n <= index_limit) return start<T>(g, exec);
  int cut = 0;
  while (g.dims[cut] == 1) ++cut;
  const int64_t first = (g.dims[cut] / 2 + 7) / 8 * 8;  // a multiple of any pack
  BinaryArgs head = g, tail = g;
  head.dims[cut] = first < g.dims[cut] ? first : g.dims[cut] / 2;
  tail.dims[cut] = g.dims[cut] - head.dims[cut];
  const int64_t skipped = n / g.dims[cut] * head.dims[cut];
  tail.a = static_cast<const T*>(g.a) + head.dims[cut] * g.a_strides[cut];
  tail.b = static_cast<const T*>(g.b) + head.dims[cut] * g.b_strides[cut];
  tail.y = static_cast<T*>(g.y) + skipped;
  run<T>(head, exec);
  run<T>(tail, exec);
}

}  // namespace

Rows<BinaryArgs> binary_rows(Type type) {
  static const Row<BinaryArgs> f32[] = {
      {"binary/cuda", Needs::baseline, true, nullptr, nullptr, run<float>}};
  static const Row<BinaryArgs> bf16[] = {
      {"binary/cuda", Needs::baseline, true, nullptr, nullptr, run<Bf16>}};
  return pick(type, f32, bf16);
}

}  // namespace taxon::kernels::cuda
