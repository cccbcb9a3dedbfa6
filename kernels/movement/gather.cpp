// Picking slices along an axis, and its gradient: the tables, the references and the copy by whole
// slices.
#include <taxon/kernels/movement.h>

#include <cstring>

#include "movement/vector.h"

namespace taxon::kernels {
namespace {

void reference(const GatherArgs& g, const Exec&) {
  const auto* x = static_cast<const unsigned char*>(g.x);
  auto* y = static_cast<unsigned char*>(g.y);
  for (int64_t at = 0; at < g.outer * g.m * g.inner; ++at) {
    const int64_t i = at % g.inner, j = at / g.inner % g.m, o = at / (g.inner * g.m);
    const int64_t from = (o * g.n + g.index[j]) * g.inner + i;
    for (int64_t b = 0; b < g.element_size; ++b) {
      y[at * g.element_size + b] = x[from * g.element_size + b];
    }
  }
}

void slices(const GatherArgs& g, const Exec& exec) {
  const int64_t bytes = g.inner * g.element_size, count = g.outer * g.m;
  const int64_t per_chunk = 1 + 65536 / (bytes + 1);
  parallel(exec, (count + per_chunk - 1) / per_chunk, [&](int64_t chunk, int) {
    const int64_t end = (chunk + 1) * per_chunk < count ? (chunk + 1) * per_chunk : count;
    for (int64_t at = chunk * per_chunk; at < end; ++at) {
      const int64_t from = at / g.m * g.n + g.index[at % g.m];
      std::memcpy(static_cast<char*>(g.y) + at * bytes,
                  static_cast<const char*>(g.x) + from * bytes, static_cast<size_t>(bytes));
    }
  });
}

template <class T>
void reference_grad(const GatherGradArgs& g, const Exec&) {
  const auto* dy = static_cast<const T*>(g.dy);
  auto* dx = static_cast<T*>(g.dx);
  for (int64_t i = 0; i < g.outer * g.n * g.inner; ++i) dx[i] = 0;
  for (int64_t at = 0; at < g.outer * g.m * g.inner; ++at) {
    const int64_t i = at % g.inner, j = at / g.inner % g.m, o = at / (g.inner * g.m);
    dx[(o * g.n + g.index[j]) * g.inner + i] += dy[at];
  }
}

}  // namespace

Rows<GatherArgs> gather_rows() {
  static const Row<GatherArgs> rows[] = {
      {"gather/slices", Needs::baseline, true, nullptr, nullptr, slices},
      {"gather/reference", Needs::baseline, true, nullptr, nullptr, reference}};
  return {rows, sizeof rows / sizeof rows[0]};
}

Rows<GatherGradArgs> gather_grad_rows(Type type) {
  static const Row<GatherGradArgs> f32[] = {
      TAXON_VECTOR_ROWS("gather_grad", true, nullptr, nullptr, gather_grad),
      {"gather_grad/reference", Needs::baseline, true, nullptr, nullptr, reference_grad<float>}};
  static const Row<GatherGradArgs> f64[] = {
      {"gather_grad/reference", Needs::baseline, true, nullptr, nullptr, reference_grad<double>}};
  return pick(type, f32, f64);
}

}  // namespace taxon::kernels
