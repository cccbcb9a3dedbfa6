// Two operands with broadcasting on vectors, where the innermost strides are 0 or 1. T is how
// elements lie in memory: float, or Bf16.
#include "pointwise/vector.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

/// The number at p in every lane.
template <class T>
TAXON_INLINE Vec repeated(const T* p) {
  return broadcast(load(p, 1)[0]);
}

/// y = f(a, b) for n elements; an operand with stride 0 is one number.
template <class T, class F>
TAXON_INLINE void run(const T* a, bool a_steps, const T* b, bool b_steps, T* y, int64_t n, F f) {
  if (a_steps && b_steps) {
    each(0, n,
         [&](int64_t i, auto part) { part.store(y + i, f(part.load(a + i), part.load(b + i))); });
  } else if (a_steps) {
    const Vec v = repeated(b);
    each(0, n, [&](int64_t i, auto part) { part.store(y + i, f(part.load(a + i), v)); });
  } else if (b_steps) {
    const Vec v = repeated(a);
    each(0, n, [&](int64_t i, auto part) { part.store(y + i, f(v, part.load(b + i))); });
  } else {
    const Vec v = f(repeated(a), repeated(b));
    each(0, n, [&](int64_t i, auto part) { part.store(y + i, v); });
  }
}

/// Elements [begin, end) of y, run by run along the innermost dimension.
template <class T, class F>
TAXON_INLINE void walk(const BinaryArgs& g, int64_t begin, int64_t end, F f) {
  const T* a = static_cast<const T*>(g.a);
  const T* b = static_cast<const T*>(g.b);
  T* y = static_cast<T*>(g.y);
  const int inner = g.rank - 1;
  int64_t at[8], ia = 0, ib = 0, rest = begin;
  for (int d = inner; d >= 0; --d) {
    at[d] = rest % g.dims[d];
    rest /= g.dims[d];
    ia += at[d] * g.a_strides[d];
    ib += at[d] * g.b_strides[d];
  }
  while (begin < end) {
    const int64_t left = g.dims[inner] - at[inner], n = left < end - begin ? left : end - begin;
    run(a + ia, g.a_strides[inner] != 0, b + ib, g.b_strides[inner] != 0, y + begin, n, f);
    begin += n;
    // Back to the start of this run, then one step in the dimensions outside it.
    ia -= at[inner] * g.a_strides[inner];
    ib -= at[inner] * g.b_strides[inner];
    at[inner] = 0;
    for (int d = inner - 1; d >= 0; --d) {
      ia += g.a_strides[d];
      ib += g.b_strides[d];
      if (++at[d] < g.dims[d]) break;
      ia -= g.dims[d] * g.a_strides[d];
      ib -= g.dims[d] * g.b_strides[d];
      at[d] = 0;
    }
  }
}

template <class T, class F>
TAXON_INLINE void map(const BinaryArgs& g, const Exec& exec, F f) {
  if (g.rank == 0) {
    return run(static_cast<const T*>(g.a), false, static_cast<const T*>(g.b), false,
               static_cast<T*>(g.y), 1, f);
  }
  int64_t n = 1;
  for (int d = 0; d < g.rank; ++d) n *= g.dims[d];
  const T* a = static_cast<const T*>(g.a);
  const T* b = static_cast<const T*>(g.b);
  T* y = static_cast<T*>(g.y);
  if (g.rank == 1 && g.a_strides[0] == 1 && g.b_strides[0] == 1 && y != a && y != b) {
    return parallel_map(exec, y, n, [&](int64_t i, auto part) {
      part.store(y + i, f(part.load(a + i), part.load(b + i)));
    });
  }
  parallel_elements(exec, n, [&](int64_t begin, int64_t end) { walk<T>(g, begin, end, f); });
}

template <class T>
void values(const BinaryArgs& g, const Exec& exec) {
  switch (g.op) {
    case Binary::add:
      return map<T>(g, exec, [](Vec a, Vec b) { return a + b; });
    case Binary::sub:
      return map<T>(g, exec, [](Vec a, Vec b) { return a - b; });
    case Binary::mul:
      return map<T>(g, exec, [](Vec a, Vec b) { return a * b; });
    case Binary::div:
      return map<T>(g, exec, [](Vec a, Vec b) { return a / b; });
    case Binary::max:
      return map<T>(g, exec, [](Vec a, Vec b) { return max_or_nan(a, b); });
  }
}

}  // namespace

namespace TAXON_ISA {

void binary(const BinaryArgs& g, const Exec& exec) {
  values<float>(g, exec);
}
void binary_bf16(const BinaryArgs& g, const Exec& exec) {
  values<Bf16>(g, exec);
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
