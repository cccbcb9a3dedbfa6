// Strided copies (transpose, slice, pad, concatenate, flip): the table, the reference, and a row
// that merges dimensions, copies whole runs and transposes in tiles.
#include <taxon/kernels/movement.h>

#include <cstdint>
#include <cstring>

#include "simd/rows.h"

namespace taxon::kernels {
namespace {

void reference(const CopyArgs& g, const Exec&) {
  const auto* x = static_cast<const unsigned char*>(g.x);
  auto* y = static_cast<unsigned char*>(g.y);
  int64_t n = 1;
  for (int d = 0; d < g.rank; ++d) n *= g.dims[d];
  for (int64_t i = 0; i < n; ++i) {
    int64_t rest = i, from = 0, to = 0;
    for (int d = g.rank - 1; d >= 0; --d) {
      from += rest % g.dims[d] * g.x_strides[d];
      to += rest % g.dims[d] * g.y_strides[d];
      rest /= g.dims[d];
    }
    for (int64_t b = 0; b < g.element_size; ++b) {
      y[to * g.element_size + b] = x[from * g.element_size + b];
    }
  }
}

/// The same copy in fewer dimensions: extents of 1 go, neighbours that form one run are merged.
CopyArgs merged(const CopyArgs& g) {
  CopyArgs m = g;
  m.rank = 0;
  for (int d = 0; d < g.rank; ++d) {
    if (g.dims[d] == 1) continue;
    const int last = m.rank - 1;
    if (last >= 0 && m.x_strides[last] == g.x_strides[d] * g.dims[d] &&
        m.y_strides[last] == g.y_strides[d] * g.dims[d]) {
      m.dims[last] *= g.dims[d];
      m.x_strides[last] = g.x_strides[d];
      m.y_strides[last] = g.y_strides[d];
    } else {
      m.dims[m.rank] = g.dims[d];
      m.x_strides[m.rank] = g.x_strides[d];
      m.y_strides[m.rank++] = g.y_strides[d];
    }
  }
  for (; m.rank < 2; ++m.rank) {  // at least two dimensions, new ones outside
    for (int d = m.rank; d > 0; --d) {
      m.dims[d] = m.dims[d - 1];
      m.x_strides[d] = m.x_strides[d - 1];
      m.y_strides[d] = m.y_strides[d - 1];
    }
    m.dims[0] = 1;
    m.x_strides[0] = m.y_strides[0] = m.rank == 0 ? 1 : 0;
  }
  return m;
}

/// Puts the dimension in which x is contiguous beside the innermost one, so that a tile of the two
/// reads and writes whole cache lines.
void move_beside_innermost(CopyArgs& m) {
  const int inner = m.rank - 1;
  for (int d = 0; d < inner - 1; ++d) {
    if (m.x_strides[d] != 1) continue;
    const int64_t dim = m.dims[d], xs = m.x_strides[d], ys = m.y_strides[d];
    for (int e = d; e < inner - 1; ++e) {
      m.dims[e] = m.dims[e + 1];
      m.x_strides[e] = m.x_strides[e + 1];
      m.y_strides[e] = m.y_strides[e + 1];
    }
    m.dims[inner - 1] = dim;
    m.x_strides[inner - 1] = xs;
    m.y_strides[inner - 1] = ys;
    return;
  }
}

constexpr int64_t tile = 16;

/// A transposed tile of rows x cols elements through a buffer, so that every cache line is touched
/// once: strides that are powers of two would throw the lines out of the cache before their next
/// element.
template <class T>
inline void transpose_part(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows,
                           int64_t cols) {
  T buffer[tile][tile];
  for (int64_t j = 0; j < cols; ++j) {
    for (int64_t i = 0; i < rows; ++i) buffer[j][i] = x[j * x_stride + i];
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) y[i * y_stride + j] = buffer[j][i];
  }
}
template <class T>
void transpose_tile(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows,
                    int64_t cols) {
  if (rows == tile && cols == tile) {  // extents that the compiler knows
    transpose_part(x, x_stride, y, y_stride, tile, tile);
  } else {
    transpose_part(x, x_stride, y, y_stride, rows, cols);
  }
}

/// Rows [begin, end) of the two innermost dimensions.
template <class T>
void plane(const CopyArgs& m, const T* x, T* y, int64_t begin, int64_t end) {
  const int inner = m.rank - 1, outer = m.rank - 2;
  const int64_t n = m.dims[inner], xi = m.x_strides[inner], yi = m.y_strides[inner];
  const int64_t xo = m.x_strides[outer], yo = m.y_strides[outer];
  if (xi == 1 && yi == 1) {
    for (int64_t i = begin; i < end; ++i) {
      std::memcpy(y + i * yo, x + i * xo, static_cast<size_t>(n) * sizeof(T));
    }
    return;
  }
  const bool transposed = xo == 1 && yi == 1;
  for (int64_t i0 = begin; i0 < end; i0 += tile) {
    const int64_t rows = i0 + tile < end ? tile : end - i0;
    for (int64_t j0 = 0; j0 < n; j0 += tile) {
      const int64_t cols = j0 + tile < n ? tile : n - j0;
      const T* from = x + i0 * xo + j0 * xi;
      T* to = y + i0 * yo + j0 * yi;
      if (transposed) {
        transpose_tile(from, xi, to, yo, rows, cols);
        continue;
      }
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < cols; ++j) to[i * yo + j * yi] = from[i * xo + j * xi];
      }
    }
  }
}

template <class T>
void tiled(const CopyArgs& m, const Exec& exec) {
  const int64_t rows = m.dims[m.rank - 2], n = m.dims[m.rank - 1];
  int64_t planes = 1;
  for (int d = 0; d < m.rank - 2; ++d) planes *= m.dims[d];
  // Work is handed out by rows of planes; a long single run is cut along itself.
  const int64_t per_chunk = (1 + 32768 / (n + 1) + 15) / 16 * 16;
  const int64_t pieces = (rows + per_chunk - 1) / per_chunk;
  const int64_t group = pieces > 1 ? 1 : 1 + 32768 / (rows * n + 1);  // planes a chunk
  parallel(exec, (planes + group - 1) / group * pieces, [&](int64_t chunk, int) {
    const int64_t first = chunk / pieces * group;
    const int64_t last = first + group < planes ? first + group : planes;
    const int64_t begin = chunk % pieces * per_chunk;
    const int64_t end = begin + per_chunk < rows ? begin + per_chunk : rows;
    for (int64_t p = first; p < last; ++p) {
      int64_t rest = p, from = 0, to = 0;
      for (int d = m.rank - 3; d >= 0; --d) {
        from += rest % m.dims[d] * m.x_strides[d];
        to += rest % m.dims[d] * m.y_strides[d];
        rest /= m.dims[d];
      }
      plane(m, static_cast<const T*>(m.x) + from, static_cast<T*>(m.y) + to, begin, end);
    }
  });
}

/// One long run becomes rows of 16384 elements and a rest, so that threads share it.
template <class T>
void run(CopyArgs m, const Exec& exec) {
  constexpr int64_t width = 16384;
  const int inner = m.rank - 1;
  if (m.rank == 2 && m.dims[0] == 1 && m.dims[1] >= 4 * width) {
    const int64_t n = m.dims[1], xs = m.x_strides[inner], ys = m.y_strides[inner];
    const int64_t rows = n / width;
    CopyArgs rest = m;
    m.dims[0] = rows;
    m.dims[1] = width;
    m.x_strides[0] = xs * width;
    m.y_strides[0] = ys * width;
    rest.dims[1] = n - rows * width;
    plane(rest, static_cast<const T*>(m.x) + rows * width * xs,
          static_cast<T*>(m.y) + rows * width * ys, 0, 1);
  }
  tiled<T>(m, exec);
}

void blocks(const CopyArgs& g, const Exec& exec) {
  for (int d = 0; d < g.rank; ++d) {
    if (g.dims[d] == 0) return;
  }
  CopyArgs m = merged(g);
  if (m.x_strides[m.rank - 1] != 1) move_beside_innermost(m);
  switch (g.element_size) {
    case 1:
      return run<uint8_t>(m, exec);
    case 2:
      return run<uint16_t>(m, exec);
    case 4:
      return run<uint32_t>(m, exec);
    default:
      return run<uint64_t>(m, exec);
  }
}

const char* declines(const CopyArgs& g) {
  const int64_t s = g.element_size;
  return s == 1 || s == 2 || s == 4 || s == 8 ? nullptr : "element size not 1, 2, 4 or 8";
}

}  // namespace

Rows<CopyArgs> copy_rows() {
  static const Row<CopyArgs> rows[] = {
      {"copy/blocks", Needs::baseline, true, declines, nullptr, blocks},
      {"copy/reference", Needs::baseline, true, nullptr, nullptr, reference}};
  return {rows, sizeof rows / sizeof rows[0]};
}

}  // namespace taxon::kernels
