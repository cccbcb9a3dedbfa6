// Dropout: the table and the reference. Element i is kept if word i % 4 of philox(seed, stream, i /
// 4), as a fraction of 2^32, is at least p. T is the type of the arithmetic, S how elements lie in
// memory.
#include <taxon/base/dtype.h>
#include <taxon/base/random.h>
#include <taxon/kernels/pointwise.h>

#include "pointwise/vector.h"

namespace taxon::kernels {
namespace {

template <class T, class S = T>
void reference(const DropoutArgs& g, const Exec&) {
  const auto* x = static_cast<const S*>(g.x);
  auto* y = static_cast<S*>(g.y);
  const T scale = static_cast<T>(g.p < 1 ? 1 / (1 - g.p) : 0);
  for (int64_t i = 0; i < g.n; ++i) {
    const auto words = philox(g.seed, g.stream, static_cast<uint64_t>(i / 4));
    const double u = words[static_cast<size_t>(i % 4)] / 4294967296.0;
    y[i] = static_cast<S>(static_cast<T>(x[i]) * (u >= g.p ? scale : T(0)));
  }
}

}  // namespace

Rows<DropoutArgs> dropout_rows(Type type) {
  static const Row<DropoutArgs> f32[] = {
      TAXON_VECTOR_ROWS("dropout", true, nullptr, nullptr, dropout),
      {"dropout/reference", Needs::baseline, true, nullptr, nullptr, reference<float>}};
  static const Row<DropoutArgs> f64[] = {
      {"dropout/reference", Needs::baseline, true, nullptr, nullptr, reference<double>}};
  static const Row<DropoutArgs> narrow[] = {
      TAXON_VECTOR_ROWS("dropout", true, nullptr, nullptr, dropout_bf16),
      {"dropout/reference", Needs::baseline, true, nullptr, nullptr, reference<float, bf16>}};
  return pick(type, f32, f64, narrow);
}

}  // namespace taxon::kernels
