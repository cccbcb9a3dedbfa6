// Sums, means, maxima and positions of maxima along an axis: the tables and the references. Sums
// are taken in double. T is the type of the arithmetic, S how elements lie in memory.
#include <taxon/base/dtype.h>
#include <taxon/kernels/reduce.h>

#include "reduce/vector.h"

namespace taxon::kernels {
namespace {

template <class T>
bool larger(T x, T best) {
  return x > best || (x != x && best == best);  // the first NaN wins
}

template <class T, class S = T>
void reference(const ReduceArgs& g, const Exec&) {
  const auto* x = static_cast<const S*>(g.x);
  auto* y = static_cast<S*>(g.y);
  for (int64_t o = 0; o < g.outer; ++o) {
    for (int64_t i = 0; i < g.inner; ++i) {
      const S* p = x + o * g.n * g.inner + i;
      double sum = 0;
      T most = g.n > 0 ? static_cast<T>(p[0]) : T(0);
      for (int64_t j = 0; j < g.n; ++j) {
        const T v = static_cast<T>(p[j * g.inner]);
        sum += static_cast<double>(v);
        if (larger(v, most)) most = v;
      }
      if (g.op == Reduce::mean) sum /= static_cast<double>(g.n);
      y[o * g.inner + i] = static_cast<S>(g.op == Reduce::max ? most : static_cast<T>(sum));
    }
  }
}

template <class T, class S = T>
void reference_argmax(const ArgmaxArgs& g, const Exec&) {
  const auto* x = static_cast<const S*>(g.x);
  for (int64_t o = 0; o < g.outer; ++o) {
    for (int64_t i = 0; i < g.inner; ++i) {
      const S* p = x + o * g.n * g.inner + i;
      int64_t best = 0;
      for (int64_t j = 1; j < g.n; ++j) {
        if (larger(static_cast<T>(p[j * g.inner]), static_cast<T>(p[best * g.inner]))) best = j;
      }
      g.index[o * g.inner + i] = best;
    }
  }
}

const char* declines(const ReduceArgs& g) {
  return g.n < 1 ? "empty axis" : nullptr;
}
const char* declines_argmax(const ArgmaxArgs& g) {
  if (g.n < 1) return "empty axis";
  return g.n > INT32_MAX ? "axis longer than 2^31" : nullptr;
}
size_t scratch(const ReduceArgs& g, int) {
  return static_cast<size_t>(reduce_scratch(g));
}

}  // namespace

Rows<ReduceArgs> reduce_rows(Type type) {
  static const Row<ReduceArgs> f32[] = {
      TAXON_VECTOR_ROWS("reduce", true, declines, scratch, reduce),
      {"reduce/reference", Needs::baseline, true, nullptr, nullptr, reference<float>}};
  static const Row<ReduceArgs> f64[] = {
      {"reduce/reference", Needs::baseline, true, nullptr, nullptr, reference<double>}};
  static const Row<ReduceArgs> narrow[] = {
      TAXON_VECTOR_ROWS("reduce", true, declines, scratch, reduce_bf16),
      {"reduce/reference", Needs::baseline, true, nullptr, nullptr, reference<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

Rows<ArgmaxArgs> argmax_rows(Type type) {
  static const Row<ArgmaxArgs> f32[] = {
      TAXON_VECTOR_ROWS("argmax", true, declines_argmax, nullptr, argmax),
      {"argmax/reference", Needs::baseline, true, nullptr, nullptr, reference_argmax<float>}};
  static const Row<ArgmaxArgs> f64[] = {
      {"argmax/reference", Needs::baseline, true, nullptr, nullptr, reference_argmax<double>}};
  static const Row<ArgmaxArgs> narrow[] = {
      TAXON_VECTOR_ROWS("argmax", true, declines_argmax, nullptr, argmax_bf16),
      {"argmax/reference", Needs::baseline, true, nullptr, nullptr, reference_argmax<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

}  // namespace taxon::kernels
