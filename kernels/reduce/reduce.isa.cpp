// Reductions on vectors. Sums are taken in f32 over blocks of 64 rows, and over the blocks in
// double. T is how elements lie in memory: float, or Bf16.
#include "reduce/vector.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

constexpr int64_t wide = 4 * lanes;       // columns reduced at a time
constexpr int64_t columns_a_task = 1024;  // a multiple of every `wide`

template <bool is_max>
TAXON_INLINE double combine(double a, double b) {
  if (is_max) return b > a || b != b ? b : a;
  return a + b;
}

/// out[k] = the reduction over n rows of column k of p, for `vectors` vectors of columns.
template <bool is_max, int vectors, class T, class Part>
TAXON_INLINE void columns(const T* p, int64_t n, int64_t inner, Part part, double* out) {
  constexpr int64_t count = vectors * lanes;
  const double empty = is_max ? -__builtin_inf() : 0;
  for (int64_t k = 0; k < count; ++k) out[k] = empty;
  for (int64_t j = 0; j < n; j += 64) {
    const int64_t end = j + 64 < n ? j + 64 : n;
    Vec sum[vectors];
    for (int v = 0; v < vectors; ++v) sum[v] = part.load(p + j * inner + v * lanes);
    for (int64_t r = j + 1; r < end; ++r) {
      for (int v = 0; v < vectors; ++v) {
        const Vec x = part.load(p + r * inner + v * lanes);
        sum[v] = is_max ? max_or_nan(sum[v], x) : sum[v] + x;
      }
    }
    float block[count];
    for (int v = 0; v < vectors; ++v) store(block + v * lanes, sum[v]);
    for (int64_t k = 0; k < count; ++k) {
      out[k] = combine<is_max>(out[k], static_cast<double>(block[k]));
    }
  }
}

/// The reduction of n neighbouring numbers: first by columns of a [n / wide, wide] view.
template <bool is_max, class T>
double run(const T* p, int64_t n) {
  double total = is_max ? -__builtin_inf() : 0;
  const int64_t rows = n / wide;
  if (rows > 0) {
    double out[wide];
    columns<is_max, 4>(p, rows, wide, Full{}, out);
    for (int64_t k = 0; k < wide; ++k) total = combine<is_max>(total, out[k]);
  }
  each(rows * wide, n, [&](int64_t i, auto part) {
    const Vec x = part.load(p + i);
    const float rest = is_max ? max_of(part.or_else(x, broadcast(-__builtin_inff()))) : sum_of(x);
    total = combine<is_max>(total, static_cast<double>(rest));
  });
  return total;
}

/// Calls sink(i, value) for columns [begin, end) of the n rows at p.
template <bool is_max, class T, class Sink>
TAXON_INLINE void column_range(const T* p, int64_t n, int64_t inner, int64_t begin, int64_t end,
                               Sink sink) {
  double out[wide];
  int64_t i = begin;
  for (; i + wide <= end; i += wide) {
    columns<is_max, 4>(p + i, n, inner, Full{}, out);
    for (int64_t k = 0; k < wide; ++k) sink(i + k, out[k]);
  }
  each(i, end, [&](int64_t at, auto part) {
    columns<is_max, 1>(p + at, n, inner, part, out);
    for (int64_t k = 0; k < lanes && at + k < end; ++k) sink(at + k, out[k]);
  });
}

template <bool is_max, class T, class Sink>
TAXON_INLINE void piece_of(const ReduceArgs& g, int64_t o, int64_t first, int64_t last,
                           int64_t begin, int64_t end, Sink sink) {
  const T* p = static_cast<const T*>(g.x) + (o * g.n + first) * g.inner;
  if (g.inner == 1) {
    sink(0, run<is_max>(p, last - first));
  } else {
    column_range<is_max>(p, last - first, g.inner, begin, end, sink);
  }
}

TAXON_INLINE void put(float* y, double value) {
  *y = static_cast<float>(value);
}
TAXON_INLINE void put(Bf16* y, double value) {
  store(y, broadcast(static_cast<float>(value)), 1);
}

/// Few outputs: the axis is cut, and the partial results combine in order.
template <bool is_max, class T>
void in_pieces(const ReduceArgs& g, const Exec& exec, int64_t pieces, double divisor) {
  double* partial = static_cast<double*>(exec.scratch);
  parallel(exec, g.outer * pieces, [&](int64_t chunk, int) {
    const int64_t o = chunk / pieces, piece = chunk % pieces;
    double* out = partial + chunk * g.inner;
    piece_of<is_max, T>(g, o, g.n * piece / pieces, g.n * (piece + 1) / pieces, 0, g.inner,
                        [&](int64_t i, double value) { out[i] = value; });
  });
  T* y = static_cast<T*>(g.y);
  for (int64_t o = 0; o < g.outer; ++o) {
    for (int64_t i = 0; i < g.inner; ++i) {
      const double* p = partial + o * pieces * g.inner + i;
      double total = p[0];
      for (int64_t k = 1; k < pieces; ++k) total = combine<is_max>(total, p[k * g.inner]);
      put(y + o * g.inner + i, total / divisor);
    }
  }
}

template <bool is_max, class T>
void reduce_all(const ReduceArgs& g, const Exec& exec) {
  const double divisor = g.op == Reduce::mean ? static_cast<double>(g.n) : 1;
  const int64_t pieces = reduce_pieces(g);
  if (pieces > 1) return in_pieces<is_max, T>(g, exec, pieces, divisor);
  T* y = static_cast<T*>(g.y);
  const int64_t blocks = (g.inner + columns_a_task - 1) / columns_a_task;
  const int64_t task = g.n * (g.inner < columns_a_task ? g.inner : columns_a_task);
  parallel_rows(exec, g.outer * blocks, task, [&](int64_t first, int64_t last) {
    for (int64_t at = first; at < last; ++at) {
      const int64_t o = at / blocks, begin = at % blocks * columns_a_task;
      const int64_t end = begin + columns_a_task < g.inner ? begin + columns_a_task : g.inner;
      piece_of<is_max, T>(g, o, 0, g.n, begin, end, [&](int64_t i, double value) {
        put(y + o * g.inner + i, value / divisor);
      });
    }
  });
}

/// The first place of the largest of n neighbouring numbers.
template <class T>
int64_t place_in_run(const T* p, int64_t n) {
  const float best = static_cast<float>(run<true>(p, n));
  const bool nan = best != best;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Vec x = load(p + i);
    if (any(nan ? is_nan(x) : x == best)) break;
  }
  for (; i < n - 1; ++i) {
    const float x = load(p + i, 1)[0];
    if (nan ? x != x : x == best) break;
  }
  return i;
}

/// The same for each column of [n, inner], columns [begin, end).
template <class T>
void places_in_columns(const T* p, int64_t n, int64_t inner, int64_t begin, int64_t end,
                       int64_t* index) {
  each(begin, end, [&](int64_t i, auto part) {
    Vec best = part.load(p + i);
    Int place = {};
    for (int64_t j = 1; j < n; ++j) {
      take_larger(part.load(p + j * inner + i), static_cast<int32_t>(j), best, place);
    }
    for (int64_t k = 0; k < lanes && i + k < end; ++k) index[i + k] = place[k];
  });
}

template <class T>
void reduce_any(const ReduceArgs& g, const Exec& exec) {
  if (g.op == Reduce::max) return reduce_all<true, T>(g, exec);
  reduce_all<false, T>(g, exec);
}

template <class T>
void places(const ArgmaxArgs& g, const Exec& exec) {
  const T* x = static_cast<const T*>(g.x);
  if (g.inner == 1) {
    return parallel_rows(exec, g.outer, g.n, [&](int64_t first, int64_t last) {
      for (int64_t o = first; o < last; ++o) g.index[o] = place_in_run(x + o * g.n, g.n);
    });
  }
  const int64_t blocks = (g.inner + columns_a_task - 1) / columns_a_task;
  parallel_rows(exec, g.outer * blocks, g.n * columns_a_task, [&](int64_t first, int64_t last) {
    for (int64_t at = first; at < last; ++at) {
      const int64_t o = at / blocks, begin = at % blocks * columns_a_task;
      const int64_t end = begin + columns_a_task < g.inner ? begin + columns_a_task : g.inner;
      places_in_columns(x + o * g.n * g.inner, g.n, g.inner, begin, end, g.index + o * g.inner);
    }
  });
}

}  // namespace

namespace TAXON_ISA {

void reduce(const ReduceArgs& g, const Exec& exec) {
  reduce_any<float>(g, exec);
}
void reduce_bf16(const ReduceArgs& g, const Exec& exec) {
  reduce_any<Bf16>(g, exec);
}
void argmax(const ArgmaxArgs& g, const Exec& exec) {
  places<float>(g, exec);
}
void argmax_bf16(const ArgmaxArgs& g, const Exec& exec) {
  places<Bf16>(g, exec);
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
