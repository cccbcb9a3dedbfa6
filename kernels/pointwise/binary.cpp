// Two operands with broadcasting: the table and the reference. T is the type of the arithmetic, S
// how elements lie in memory.
#include <taxon/base/dtype.h>
#include <taxon/kernels/pointwise.h>

#include "pointwise/vector.h"

namespace taxon::kernels {
namespace {

template <class T>
T value(Binary op, T a, T b) {
  switch (op) {
    case Binary::add:
      return a + b;
    case Binary::sub:
      return a - b;
    case Binary::mul:
      return a * b;
    case Binary::div:
      return a / b;
    case Binary::max:
      return a > b || a != a ? a : b;  // NaN wins
  }
  return a;
}

template <class T, class S = T>
void reference(const BinaryArgs& g, const Exec&) {
  const auto* a = static_cast<const S*>(g.a);
  const auto* b = static_cast<const S*>(g.b);
  auto* y = static_cast<S*>(g.y);
  int64_t n = 1;
  for (int d = 0; d < g.rank; ++d) n *= g.dims[d];
  for (int64_t i = 0; i < n; ++i) {
    int64_t rest = i, ia = 0, ib = 0;
    for (int d = g.rank - 1; d >= 0; --d) {
      const int64_t at = rest % g.dims[d];
      rest /= g.dims[d];
      ia += at * g.a_strides[d];
      ib += at * g.b_strides[d];
    }
    y[i] = static_cast<S>(value(g.op, static_cast<T>(a[ia]), static_cast<T>(b[ib])));
  }
}

const char* declines(const BinaryArgs& g) {
  if (g.rank == 0) return nullptr;
  const int64_t sa = g.a_strides[g.rank - 1], sb = g.b_strides[g.rank - 1];
  return (sa != 0 && sa != 1) || (sb != 0 && sb != 1) ? "strided inner dimension" : nullptr;
}

}  // namespace

Rows<BinaryArgs> binary_rows(Type type) {
  static const Row<BinaryArgs> f32[] = {
      TAXON_VECTOR_ROWS("binary", true, declines, nullptr, binary),
      {"binary/reference", Needs::baseline, true, nullptr, nullptr, reference<float>}};
  static const Row<BinaryArgs> f64[] = {
      {"binary/reference", Needs::baseline, true, nullptr, nullptr, reference<double>}};
  static const Row<BinaryArgs> narrow[] = {
      TAXON_VECTOR_ROWS("binary", true, declines, nullptr, binary_bf16),
      {"binary/reference", Needs::baseline, true, nullptr, nullptr, reference<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

}  // namespace taxon::kernels
