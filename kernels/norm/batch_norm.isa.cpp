// Batch normalisation on vectors of channels. Both directions read their inputs twice: a pass over
// at most 8 chunks of rows for the sums, whose partial results combine in order, and a pass that
// writes the result, from the last row to the first, because the end of the input is what the
// caches still hold.
//
// Variance: each block of 64 rows sums d and d^2 for d = x - shift in f32, with the running mean of
// the chunk as shift, so that no digits cancel; blocks and chunks merge in double by the formula of
// Chan, Golub and LeVeque (1983).
//
// Few channels are folded: k rows of c channels are one row of k c, so that sums run in several
// vectors at once; the k parts of a channel merge at the end.
//
// T is how images lie in memory: float, or Bf16. Everything else is f32, all arithmetic included.
#include "norm/vector.h"
#include "simd/simd.h"

namespace taxon::kernels {
namespace {

constexpr int64_t block_rows = 64;

/// Rows and channels as the loops see them, and how many parts a channel has.
struct View {
  int64_t rows, channels, parts;
};
TAXON_INLINE View folded(int64_t rows, int64_t channels) {
  constexpr int64_t most = 4 * lanes;
  for (int64_t k = most / channels; k > 1; --k) {
    if (rows % k == 0 && channels * k % lanes == 0) return {rows / k, channels * k, k};
  }
  return {rows, channels, 1};
}

/// The scratch arrays of one chunk, each of norm_stride(channels) elements.
struct Partial {
  double *first, *second;  // mean and sum of squares, or the two sums of the backward pass
  float *shift, *a, *b;
};
TAXON_INLINE Partial partial_of(void* scratch, int64_t chunk, int64_t channels) {
  const int64_t stride = norm_stride(channels);
  char* base = static_cast<char*>(scratch) + chunk * stride * (2 * 8 + 3 * 4);
  double* d = reinterpret_cast<double*>(base);
  float* f = reinterpret_cast<float*>(d + 2 * stride);
  return {d, d + stride, f, f + stride, f + 2 * stride};
}
/// Six arrays for all chunks, behind those of the chunks: an Affine's and the coefficients of dx.
TAXON_INLINE float* shared_of(void* scratch, int64_t chunks, int64_t channels) {
  return reinterpret_cast<float*>(partial_of(scratch, chunks, channels).first);
}

/// The two sums of up to four vectors of channels over rows [begin, end), in registers.
template <int vectors, class Last, class F>
TAXON_INLINE void sum_in_registers(int64_t begin, int64_t end, int64_t channels, const Partial& p,
                                   Last last, F step) {
  constexpr int64_t tail = (vectors - 1) * lanes;
  Vec a[vectors] = {}, b[vectors] = {};
  for (int64_t r = begin; r < end; ++r) {
    for (int v = 0; v < vectors - 1; ++v) {
      step(a[v], b[v], r * channels + v * lanes, v * lanes, Full{});
    }
    step(a[vectors - 1], b[vectors - 1], r * channels + tail, tail, last);
  }
  for (int v = 0; v < vectors; ++v) {
    store(p.a + v * lanes, a[v]);
    store(p.b + v * lanes, b[v]);
  }
}
template <int vectors, class F>
TAXON_INLINE void sum_in_registers(int64_t begin, int64_t end, int64_t channels, const Partial& p,
                                   F step) {
  if (channels == vectors * lanes) {
    return sum_in_registers<vectors>(begin, end, channels, p, Full{}, step);
  }
  sum_in_registers<vectors>(begin, end, channels, p, Tail{channels % lanes}, step);
}

/// p.a and p.b: what step(a, b, row * channels + c, c, part) adds up over rows [begin, end). Memory
/// is read in its order.
template <class F>
TAXON_INLINE void sum_rows(int64_t begin, int64_t end, int64_t channels, const Partial& p, F step) {
  switch ((channels + lanes - 1) / lanes) {
    case 1:
      return sum_in_registers<1>(begin, end, channels, p, step);
    case 2:
      return sum_in_registers<2>(begin, end, channels, p, step);
    case 3:
      return sum_in_registers<3>(begin, end, channels, p, step);
    case 4:
      return sum_in_registers<4>(begin, end, channels, p, step);
    default:
      break;
  }
  const size_t bytes = static_cast<size_t>(norm_stride(channels)) * sizeof(float);
  __builtin_memset(p.a, 0, bytes);
  __builtin_memset(p.b, 0, bytes);
  int64_t r = begin;
  for (; r + 4 <= end; r += 4) {  // four rows for each time the sums pass through memory
    each(0, channels, [&](int64_t c, auto part) {
      Vec a = load(p.a + c), b = load(p.b + c);
      for (int64_t k = 0; k < 4; ++k) step(a, b, (r + k) * channels + c, c, part);
      store(p.a + c, a);
      store(p.b + c, b);
    });
  }
  for (; r < end; ++r) {
    each(0, channels, [&](int64_t c, auto part) {
      Vec a = load(p.a + c), b = load(p.b + c);
      step(a, b, r * channels + c, c, part);
      store(p.a + c, a);
      store(p.b + c, b);
    });
  }
}

/// A parallel loop that writes y row by row: calls f(row * channels + c, c, part) for groups of
/// rows from last to first.
template <class T, class F>
TAXON_INLINE void write_backwards(const Exec& exec, T* y, int64_t rows, int64_t channels, F f) {
  const bool stream = streams(y, rows * channels, channels);
  const int64_t least = 32768 / (channels + 1) + 1, share = rows / 64;
  const int64_t size = share > least ? share : least, chunks = (rows + size - 1) / size;
  parallel(exec, chunks, [&](int64_t chunk, int) {
    const int64_t begin = (chunks - 1 - chunk) * size;
    const int64_t end = begin + size < rows ? begin + size : rows;
    const F g = f;  // what it captures stays in registers, whatever the stores may overwrite
    for (int64_t r = begin; r < end; ++r) {
      const auto step = [=](int64_t c, auto part) { g(r * channels + c, c, part); };
      if (stream) {
        each(0, channels, step, Streamed{});
      } else {
        each(0, channels, step);
      }
    }
    if (stream) finish_stream();
  });
}

/// a = sum of d, b = sum of d^2 over the rows, d = x - shift.
template <class T>
void block_sums(const T* x, int64_t begin, int64_t end, int64_t channels, const Partial& p) {
  sum_rows(begin, end, channels, p, [&](Vec& a, Vec& b, int64_t i, int64_t c, auto part) {
    const Vec d = part.load(x + i) - load(p.shift + c);
    a += d;
    b = fma(d, d, b);
  });
}

/// Merges `fresh` rows (mean, squares about it) into `seen` rows.
TAXON_INLINE void merge(double seen, double fresh, double mean, double squares, double* to_mean,
                        double* to_squares) {
  const double part = fresh / (seen + fresh), delta = mean - *to_mean;
  *to_mean += delta * part;
  *to_squares += squares + delta * delta * (seen * part);
}

/// Mean and sum of squares about it of rows [begin, end).
template <class T>
void chunk_statistics(const T* x, int64_t begin, int64_t end, int64_t channels, const Partial& p) {
  const int64_t stride = norm_stride(channels);
  for (int64_t c = 0; c < stride; ++c) {
    p.first[c] = p.second[c] = 0;
    p.shift[c] = 0;
  }
  for (int64_t r = begin; r < end; r += block_rows) {
    const int64_t last = r + block_rows < end ? r + block_rows : end;
    const double n = static_cast<double>(last - r);
    if (r == begin) {  // no mean yet: a first look at the block provides it
      block_sums(x, r, last, channels, p);
      for (int64_t c = 0; c < channels; ++c) p.shift[c] = p.a[c] / static_cast<float>(n);
    } else {
      for (int64_t c = 0; c < channels; ++c) p.shift[c] = static_cast<float>(p.first[c]);
    }
    block_sums(x, r, last, channels, p);
    const double seen = static_cast<double>(r - begin), inverse = 1 / n;
    for (int64_t c = 0; c < channels; ++c) {
      const double sum = static_cast<double>(p.a[c]);
      const double mean = static_cast<double>(p.shift[c]) + sum * inverse;
      const double squares = static_cast<double>(p.b[c]) - sum * sum * inverse;
      merge(seen, n, mean, squares, p.first + c, p.second + c);
    }
  }
}

template <class T>
void statistics(const BatchNormArgs& g, const View& v, const Exec& exec) {
  const int64_t chunks = norm_chunks(v.rows, v.channels);
  const T* x = static_cast<const T*>(g.x);
  parallel(exec, chunks, [&](int64_t chunk, int) {
    chunk_statistics(x, v.rows * chunk / chunks, v.rows * (chunk + 1) / chunks, v.channels,
                     partial_of(exec.scratch, chunk, v.channels));
  });
  const Partial all = partial_of(exec.scratch, 0, v.channels);
  for (int64_t chunk = 1; chunk < chunks; ++chunk) {
    const Partial p = partial_of(exec.scratch, chunk, v.channels);
    const int64_t begin = v.rows * chunk / chunks, end = v.rows * (chunk + 1) / chunks;
    for (int64_t c = 0; c < v.channels; ++c) {
      merge(static_cast<double>(begin), static_cast<double>(end - begin), p.first[c], p.second[c],
            all.first + c, all.second + c);
    }
  }
  for (int64_t c = 0; c < g.channels; ++c) {
    for (int64_t k = 1; k < v.parts; ++k) {
      merge(static_cast<double>(k * v.rows), static_cast<double>(v.rows),
            all.first[c + k * g.channels], all.second[c + k * g.channels], all.first + c,
            all.second + c);
    }
    const double var = all.second[c] / static_cast<double>(g.rows);
    static_cast<float*>(g.mean)[c] = static_cast<float>(all.first[c]);
    static_cast<float*>(g.var)[c] = static_cast<float>(var < 0 ? 0 : var);
  }
}

TAXON_INLINE double rstd_of(const void* var, int64_t c, double eps) {
  return 1 / __builtin_sqrt(static_cast<double>(static_cast<const float*>(var)[c]) + eps);
}
TAXON_INLINE double weight_of(const void* weight, int64_t c) {
  return weight != nullptr ? static_cast<double>(static_cast<const float*>(weight)[c]) : 1;
}

/// y = (x - mean) * scale + shift, by channel: what forward computes and backward recomputes, in
/// the same order of operations, so that y > 0 means the same in both.
struct Affine {
  float *scale, *shift, *mean;

  TAXON_INLINE Vec operator()(Vec x, int64_t c) const {
    return fma(x - load(mean + c), load(scale + c), load(shift + c));
  }
};
template <class Args>
TAXON_INLINE Affine affine_of(const Args& g, const View& v, float* memory) {
  const int64_t stride = norm_stride(v.channels);
  const Affine a = {memory, memory + stride, memory + 2 * stride};
  for (int64_t i = 0; i < v.channels; ++i) {
    const int64_t c = i % g.channels;
    a.scale[i] = static_cast<float>(rstd_of(g.var, c, g.eps) * weight_of(g.weight, c));
    a.shift[i] = g.bias != nullptr ? static_cast<const float*>(g.bias)[c] : 0;
    a.mean[i] = static_cast<const float*>(g.mean)[c];
  }
  return a;
}

/// The output's gradient as it is, where the recomputed y is positive, or where the saved one is.
template <class T>
struct Plain {
  const T* dy;
  template <class Part>
  TAXON_INLINE Vec operator()(Vec, int64_t i, int64_t, Part part) const {
    return part.load(dy + i);
  }
};
template <class T>
struct Recomputed {
  const T* dy;
  Affine affine;
  template <class Part>
  TAXON_INLINE Vec operator()(Vec x, int64_t i, int64_t c, Part part) const {
    return select(affine(x, c) > 0, part.load(dy + i), Vec{});
  }
};
template <class T>
struct Saved {
  const T *dy, *y;
  template <class Part>
  TAXON_INLINE Vec operator()(Vec, int64_t i, int64_t, Part part) const {
    return select(part.load(y + i) > 0, part.load(dy + i), Vec{});
  }
};

/// The sums of dy (first) and of dy * (x - mean) (second) over rows [begin, end).
template <class T, class Grad>
void chunk_sums(const T* x, const float* mean, int64_t begin, int64_t end, int64_t channels,
                const Partial& p, Grad grad) {
  const int64_t stride = norm_stride(channels);
  for (int64_t c = 0; c < stride; ++c) p.first[c] = p.second[c] = 0;
  for (int64_t at = begin; at < end; at += block_rows) {
    const int64_t last = at + block_rows < end ? at + block_rows : end;
    sum_rows(at, last, channels, p, [=](Vec& a, Vec& b, int64_t i, int64_t c, auto part) {
      const Vec value = part.load(x + i), d = grad(value, i, c, part);
      a += d;
      b = fma(d, value - part.load(mean + c), b);
    });
    for (int64_t c = 0; c < channels; ++c) {
      p.first[c] += static_cast<double>(p.a[c]);
      p.second[c] += static_cast<double>(p.b[c]);
    }
  }
}

/// Writes dweight and dbias, and the coefficients of dx = k[0] dy + k[1] (x - mean) + k[2].
void combine_sums(const BatchNormGradArgs& g, const View& v, const Exec& exec, int64_t chunks,
                  float* k) {
  const int64_t stride = norm_stride(v.channels);
  const double share = g.training ? 1 / static_cast<double>(g.rows) : 0;
  for (int64_t c = 0; c < g.channels; ++c) {
    double sum = 0, dot = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      const Partial p = partial_of(exec.scratch, chunk, v.channels);
      for (int64_t i = c; i < v.channels; i += g.channels) {
        sum += p.first[i];
        dot += p.second[i];
      }
    }
    const double rstd = rstd_of(g.var, c, g.eps), scale = rstd * weight_of(g.weight, c);
    if (g.dweight != nullptr) static_cast<float*>(g.dweight)[c] = static_cast<float>(dot * rstd);
    if (g.dbias != nullptr) static_cast<float*>(g.dbias)[c] = static_cast<float>(sum);
    for (int64_t i = c; i < v.channels; i += g.channels) {
      k[i] = static_cast<float>(scale);
      k[i + stride] = static_cast<float>(-scale * share * dot * rstd * rstd);
      k[i + 2 * stride] = static_cast<float>(-scale * share * sum);
    }
  }
}

/// A second output: only dx is known to be aligned for stores past the caches.
template <class T>
TAXON_INLINE void store_cached(const Full&, T* p, Vec x) {
  store(p, x);
}
template <class T>
TAXON_INLINE void store_cached(const Tail& part, T* p, Vec x) {
  part.store(p, x);
}

/// Writes y; `finish` adds the residual and cuts off what is negative.
template <class T, class F>
void normalise(const BatchNormArgs& g, const View& v, const Exec& exec, const Affine& affine,
               F finish) {
  const T* x = static_cast<const T*>(g.x);
  T* y = static_cast<T*>(g.y);
  write_backwards(exec, y, v.rows, v.channels, [=](int64_t i, int64_t c, auto part) {
    part.store(y + i, finish(affine(part.load(x + i), c), i, part));
  });
}

template <class T, class Grad>
void gradient(const BatchNormGradArgs& g, const View& v, const Exec& exec, const float* mean,
              float* coefficients, Grad grad) {
  const T* x = static_cast<const T*>(g.x);
  int64_t chunks = 0;
  if (g.training || g.dweight != nullptr || g.dbias != nullptr) {
    chunks = norm_chunks(v.rows, v.channels);
    parallel(exec, chunks, [&](int64_t chunk, int) {
      chunk_sums(x, mean, v.rows * chunk / chunks, v.rows * (chunk + 1) / chunks, v.channels,
                 partial_of(exec.scratch, chunk, v.channels), grad);
    });
  }
  combine_sums(g, v, exec, chunks, coefficients);
  const int64_t stride = norm_stride(v.channels);
  T* dx = static_cast<T*>(g.dx);
  T* dresidual = static_cast<T*>(g.dresidual);
  const auto input = [=](Vec value, Vec d, int64_t c, auto part) {
    const Vec rest = fma(value - part.load(mean + c), load(coefficients + stride + c),
                         load(coefficients + 2 * stride + c));
    return fma(load(coefficients + c), d, rest);
  };
  if (dx != nullptr && dresidual != nullptr) {
    write_backwards(exec, dx, v.rows, v.channels, [=](int64_t i, int64_t c, auto part) {
      const Vec value = part.load(x + i), d = grad(value, i, c, part);
      store_cached(part, dresidual + i, d);
      part.store(dx + i, input(value, d, c, part));
    });
  } else if (dx != nullptr) {
    write_backwards(exec, dx, v.rows, v.channels, [=](int64_t i, int64_t c, auto part) {
      const Vec value = part.load(x + i);
      part.store(dx + i, input(value, grad(value, i, c, part), c, part));
    });
  } else if (dresidual != nullptr) {
    write_backwards(exec, dresidual, v.rows, v.channels, [=](int64_t i, int64_t c, auto part) {
      part.store(dresidual + i, grad(part.load(x + i), i, c, part));
    });
  }
}

template <class T>
void forward(const BatchNormArgs& g, const Exec& exec) {
  const View v = folded(g.rows, g.channels);
  if (g.training) statistics<T>(g, v, exec);
  const Affine affine =
      affine_of(g, v, shared_of(exec.scratch, norm_chunks(v.rows, v.channels), v.channels));
  const T* residual = static_cast<const T*>(g.residual);
  const Vec least = broadcast(g.relu ? 0.0f : -__builtin_inff());
  if (residual != nullptr) {
    normalise<T>(g, v, exec, affine, [=](Vec value, int64_t i, auto part) {
      return max(least, value + part.load(residual + i));
    });
  } else {
    normalise<T>(g, v, exec, affine, [=](Vec value, int64_t, auto) { return max(least, value); });
  }
}

template <class T>
void backward(const BatchNormGradArgs& g, const Exec& exec) {
  const View v = folded(g.rows, g.channels);
  float* memory = shared_of(exec.scratch, norm_chunks(v.rows, v.channels), v.channels);
  const Affine affine = affine_of(g, v, memory);
  float* coefficients = memory + 3 * norm_stride(v.channels);
  const T* dy = static_cast<const T*>(g.dy);
  if (!g.relu) {
    gradient<T>(g, v, exec, affine.mean, coefficients, Plain<T>{dy});
  } else if (g.y != nullptr) {
    gradient<T>(g, v, exec, affine.mean, coefficients, Saved<T>{dy, static_cast<const T*>(g.y)});
  } else {
    gradient<T>(g, v, exec, affine.mean, coefficients, Recomputed<T>{dy, affine});
  }
}

}  // namespace

namespace TAXON_ISA {

void batch_norm(const BatchNormArgs& g, const Exec& exec) {
  forward<float>(g, exec);
}
void batch_norm_bf16(const BatchNormArgs& g, const Exec& exec) {
  forward<Bf16>(g, exec);
}
void batch_norm_grad(const BatchNormGradArgs& g, const Exec& exec) {
  backward<float>(g, exec);
}
void batch_norm_grad_bf16(const BatchNormGradArgs& g, const Exec& exec) {
  backward<Bf16>(g, exec);
}

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
