// Moving elements: strided copies (transpose, slice, pad, concatenate, flip), picking slices along
// an axis, and the gradient of that.
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

// --- copy ---

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
  return m;
}

/// The same copy in the widest elements (at most 16 bytes) that runs and alignment allow.
CopyArgs widened(const CopyArgs& g) {
  CopyArgs m = g;
  const int inner = m.rank - 1;
  if (m.rank == 0 || m.x_strides[inner] != 1 || m.y_strides[inner] != 1) return m;
  const auto doubles = [&] {
    const auto bytes = static_cast<size_t>(2 * m.element_size);
    if (bytes > 16 || m.dims[inner] % 2 != 0 || !all_aligned(bytes, m.x, m.y)) return false;
    for (int d = 0; d < inner; ++d) {
      if (m.x_strides[d] % 2 != 0 || m.y_strides[d] % 2 != 0) return false;
    }
    return true;
  };
  while (doubles()) {
    m.element_size *= 2;
    m.dims[inner] /= 2;
    for (int d = 0; d < inner; ++d) {
      m.x_strides[d] /= 2;
      m.y_strides[d] /= 2;
    }
  }
  return m;
}

struct Strides {
  int rank = 0;
  int count = 0;
  Divisor dims[8];
  int64_t x[8] = {}, y[8] = {};
};

template <class T>
__global__ void copy_elements(const T* x, T* y, Strides s) {
  for (int64_t step = first_step(); step < s.count; step += all_steps()) {
    int rest = static_cast<int>(step);
    int64_t from = 0, to = 0;
    for (int d = s.rank - 1; d > 0; --d) {
      const int at = s.dims[d].split(rest);
      from += at * s.x[d];
      to += at * s.y[d];
    }
    y[to + rest * s.y[0]] = x[from + rest * s.x[0]];
  }
}

constexpr int tile = 32, tile_rows = 8;

/// Planes [rows, cols] -> [cols, rows] by tiles of shared memory, so that both sides move whole
/// lines. x[row * x_row + col], y[col * y_col + row].
template <class T>
__global__ void copy_transposed(const T* x, T* y, int64_t rows, int64_t cols, int64_t x_row,
                                int64_t y_col, int64_t row_tiles, Strides planes) {
  TAXON_SHARED(T, part, tile * (tile + 1));
  int rest = static_cast<int>(blockIdx.y);
  for (int d = planes.rank - 1; d >= 0; --d) {
    const int at = planes.dims[d].split(rest);
    x += at * planes.x[d];
    y += at * planes.y[d];
  }
  const int64_t row0 = blockIdx.x % row_tiles * tile, col0 = blockIdx.x / row_tiles * tile;
  const int tx = static_cast<int>(threadIdx.x), ty = static_cast<int>(threadIdx.y);
  for (int i = ty; i < tile; i += tile_rows) {
    if (row0 + i < rows && col0 + tx < cols) {
      part[i * (tile + 1) + tx] = x[(row0 + i) * x_row + col0 + tx];
    }
  }
  __syncthreads();
  for (int i = ty; i < tile; i += tile_rows) {
    if (col0 + i < cols && row0 + tx < rows) {
      const T value = part[tx * (tile + 1) + i];
      y[(col0 + i) * y_col + row0 + tx] = value;
    }
  }
}

Strides strides_of(const CopyArgs& m) {
  Strides s;
  s.rank = m.rank;
  int64_t count = 1;
  for (int d = 0; d < m.rank; ++d) {
    s.dims[d] = Divisor(m.dims[d]);
    s.x[d] = m.x_strides[d];
    s.y[d] = m.y_strides[d];
    count *= m.dims[d];
  }
  s.count = static_cast<int>(count);
  return s;
}

void remove_dim(CopyArgs& m, int d) {
  for (int e = d; e + 1 < m.rank; ++e) {
    m.dims[e] = m.dims[e + 1];
    m.x_strides[e] = m.x_strides[e + 1];
    m.y_strides[e] = m.y_strides[e + 1];
  }
  --m.rank;
}

/// Copies by tiles if x and y are contiguous in different dimensions; false if they are not.
template <class T>
bool transpose(const CopyArgs& m, const Exec& exec) {
  int along_x = -1, along_y = -1;
  for (int d = 0; d < m.rank; ++d) {
    if (m.x_strides[d] == 1) along_x = d;
    if (m.y_strides[d] == 1) along_y = d;
  }
  if (along_x < 0 || along_y < 0 || along_x == along_y) return false;
  const int64_t rows = m.dims[along_y], cols = m.dims[along_x];
  const int64_t x_row = m.x_strides[along_y], y_col = m.y_strides[along_x];
  if (rows < tile / 2 || cols < tile / 2) return false;
  CopyArgs rest = m;
  remove_dim(rest, most(along_x, along_y));
  remove_dim(rest, least(along_x, along_y));
  const Strides planes = strides_of(rest);
  if (planes.count > 65535) return false;
  const int64_t row_tiles = ceil_div(rows, tile), col_tiles = ceil_div(cols, tile);
  TAXON_LAUNCH(copy_transposed<T>, grid_of(row_tiles * col_tiles, planes.count),
               dim3(tile, tile_rows), exec, static_cast<const T*>(m.x), static_cast<T*>(m.y), rows,
               cols, x_row, y_col, row_tiles, planes);
  return true;
}

template <class T>
void start_copy(const CopyArgs& m, const Exec& exec) {
  if (transpose<T>(m, exec)) return;
  const Strides s = strides_of(m);
  TAXON_LAUNCH(copy_elements<T>, grid_of(blocks_for(s.count)), block_threads, exec,
               static_cast<const T*>(m.x), static_cast<T*>(m.y), s);
}

struct alignas(16) Sixteen {
  uint64_t v[2];
};

void copy_merged(const CopyArgs& m, const Exec& exec) {
  int64_t count = 1;
  int largest = 0;
  for (int d = 0; d < m.rank; ++d) {
    count *= m.dims[d];
    if (m.dims[d] > m.dims[largest]) largest = d;
  }
  if (count > index_limit) {  // in halves
    CopyArgs head = m, tail = m;
    head.dims[largest] /= 2;
    tail.dims[largest] -= head.dims[largest];
    const int64_t skipped = head.dims[largest] * m.element_size;
    tail.x = static_cast<const char*>(m.x) + skipped * m.x_strides[largest];
    tail.y = static_cast<char*>(m.y) + skipped * m.y_strides[largest];
    copy_merged(head, exec);
    return copy_merged(tail, exec);
  }
  switch (m.element_size) {
    case 1:
      return start_copy<uint8_t>(m, exec);
    case 2:
      return start_copy<uint16_t>(m, exec);
    case 4:
      return start_copy<uint32_t>(m, exec);
    case 8:
      return start_copy<uint64_t>(m, exec);
    default:
      return start_copy<Sixteen>(m, exec);
  }
}

void run_copy(const CopyArgs& g, const Exec& exec) {
  for (int d = 0; d < g.rank; ++d) {
    if (g.dims[d] == 0) return;
  }
  copy_merged(widened(merged(g)), exec);
}

// --- gather ---

template <class T>
__global__ void gather(const T* x, T* y, const int64_t* index, int64_t count, int64_t n, int64_t m,
                       int64_t inner) {
  for (int64_t at = first_step(); at < count; at += all_steps()) {
    const int64_t slice = at / inner;
    y[at] = x[(slice / m * n + index[slice % m]) * inner + at % inner];
  }
}

template <class T>
void start_gather(const GatherArgs& g, const Exec& exec) {
  const int64_t inner = g.inner * g.element_size / static_cast<int64_t>(sizeof(T));
  const int64_t count = g.outer * g.m * inner;
  TAXON_LAUNCH(gather<T>, grid_of(blocks_for(count)), block_threads, exec,
               static_cast<const T*>(g.x), static_cast<T*>(g.y), g.index, count, g.n, g.m, inner);
}

/// In the widest words that slices consist of.
void run_gather(const GatherArgs& g, const Exec& exec) {
  const int64_t bytes = g.inner * g.element_size;
  if (g.outer * g.m * bytes == 0) return;
  const auto fits = [&](size_t word) {
    return static_cast<size_t>(bytes) % word == 0 && all_aligned(word, g.x, g.y);
  };
  if (fits(16)) return start_gather<Sixteen>(g, exec);
  if (fits(8)) return start_gather<uint64_t>(g, exec);
  if (fits(4)) return start_gather<uint32_t>(g, exec);
  if (fits(2)) return start_gather<uint16_t>(g, exec);
  start_gather<uint8_t>(g, exec);
}

/// Few columns: a thread for each element of dx looks through all of the index.
__global__ void gather_grad_by_element(GatherGradArgs g) {
  const auto* dy = static_cast<const float*>(g.dy);
  for (int64_t at = first_step(); at < g.outer * g.n * g.inner; at += all_steps()) {
    const int64_t i = at % g.inner, place = at / g.inner % g.n, o = at / g.inner / g.n;
    float sum = 0;
    for (int64_t j = 0; j < g.m; ++j) {
      if (g.index[j] == place) sum += dy[(o * g.m + j) * g.inner + i];
    }
    static_cast<float*>(g.dx)[at] = sum;
  }
}

/// Many columns: a thread for each goes through the index, in order.
__global__ void gather_grad_by_column(GatherGradArgs g) {
  const auto* dy = static_cast<const float*>(g.dy);
  auto* dx = static_cast<float*>(g.dx);
  for (int64_t at = first_step(); at < g.outer * g.inner; at += all_steps()) {
    const int64_t i = at % g.inner, o = at / g.inner;
    for (int64_t j = 0; j < g.m; ++j) {
      dx[(o * g.n + g.index[j]) * g.inner + i] += dy[(o * g.m + j) * g.inner + i];
    }
  }
}

void run_gather_grad(const GatherGradArgs& g, const Exec& exec) {
  constexpr int64_t many_columns = 4096, much_looking = int64_t{1} << 28;
  const int64_t columns = g.outer * g.inner;
  if (columns * g.n == 0) return;
  if (columns < many_columns && columns * g.n * g.m < much_looking) {
    TAXON_LAUNCH(gather_grad_by_element, grid_of(blocks_for(columns * g.n)), block_threads, exec,
                 g);
    return;
  }
  fill(static_cast<float*>(g.dx), columns * g.n, 0.0f, exec);
  TAXON_LAUNCH(gather_grad_by_column, grid_of(blocks_for(columns)), block_threads, exec, g);
}

}  // namespace

Rows<CopyArgs> copy_rows() {
  static const Row<CopyArgs> rows[] = {
      {"copy/cuda", Needs::baseline, true, nullptr, nullptr, run_copy}};
  return {rows, 1};
}
Rows<GatherArgs> gather_rows() {
  static const Row<GatherArgs> rows[] = {
      {"gather/cuda", Needs::baseline, true, nullptr, nullptr, run_gather}};
  return {rows, 1};
}
Rows<GatherGradArgs> gather_grad_rows(Type type) {
  static const Row<GatherGradArgs> f32[] = {
      {"gather_grad/cuda", Needs::baseline, true, nullptr, nullptr, run_gather_grad}};
  return pick(type, f32);
}

}  // namespace taxon::kernels::cuda
