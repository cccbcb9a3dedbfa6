// Matrix product in blocks: B is packed into panels of a tile's width, for a range of k that keeps
// a panel in the second-level cache, and shared by all threads; each task multiplies a block of
// rows of A with some panels. Where one block holds all of A, each task packs its own panel right
// before it is used. A is read in place where its layout allows it. A few rows times the transpose
// of a matrix (a linear layer on one image) are dot products without any packing.
#include "packed.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {
namespace {

constexpr int64_t kDepth = 1024;            // most steps of k a pass
constexpr int64_t kBlockBytes = 448 << 10;  // of a block of A
constexpr int64_t kPackedBytes = 4 << 20;   // of the packed part of B
constexpr int64_t kTasks = 16;              // wanted
constexpr int64_t kDotRows = 8;             // up to so many rows are dot products
constexpr int64_t kAliased = 256;           // rows of A at multiples of this share cache sets
constexpr int64_t kOneSet = 1024;           // and at multiples of this one set alone
constexpr int64_t kLocalPanels = 8;         // tasks wanted where each packs its own panel
constexpr int64_t kSmallWork = int64_t{1}
                               << 21;  // multiplications: batches of such run side by side

struct Plan {
  bool dots = false;      // see above
  bool in_place = false;  // B is read where it is, but for the last panel
  bool pack_a = false;
  bool local = false;  // each task packs its panel
  int64_t width = 0;   // columns of a panel
  int64_t depth = 0;   // steps of k a pass
  int64_t panels = 0;  // of a pass
  int64_t passes_n = 1, passes_k = 1;
  int64_t rows = 0, row_blocks = 1;  // of A a task
  int64_t parts = 1;                 // tasks that share a block of rows
  int64_t panel_step = 0;            // transposed A: elements between steps of a packed panel

  int64_t panel_elements() const { return depth * width; }
};

Plan make_plan(const GemmArgs& a, const Micro& micro) {
  Plan p;
  p.dots = !a.trans_a && a.trans_b && a.m <= kDotRows;
  p.width = a.n <= micro.width ? micro.width : 2 * micro.width;
  p.passes_k = std::max<int64_t>(1, ceil_div(a.k, kDepth));
  p.depth = std::max<int64_t>(kSlab, ceil_div(ceil_div(a.k, p.passes_k), kSlab) * kSlab);
  const int64_t panels = ceil_div(a.n, p.width);
  const int64_t most = std::max<int64_t>(1, kPackedBytes / 4 / p.panel_elements());
  p.passes_n = std::max<int64_t>(1, ceil_div(panels, most));
  p.panels = ceil_div(panels, p.passes_n);
  p.in_place = !a.trans_b && a.m <= 2 * micro.rows;
  p.panel_step = ceil_div(micro.rows, micro.width) * micro.width;
  const int64_t fit = kBlockBytes / 4 / p.depth / micro.rows * micro.rows;
  const int64_t most_rows = std::max<int64_t>(4 * micro.rows, fit);
  // Blocks of rows as large as fits, but at least two of them where there are several tiles.
  p.row_blocks = std::max<int64_t>(1, ceil_div(a.m, most_rows));
  p.local = !p.in_place && !a.trans_a && p.row_blocks == 1 && p.panels >= kLocalPanels &&
            a.lda % kOneSet != 0;
  if (p.row_blocks == 1 && a.m > 2 * micro.rows && !p.local) p.row_blocks = 2;
  if (a.prepared != nullptr) {  // nothing is packed for a task: smaller ones end closer together
    const int64_t most_blocks = std::max<int64_t>(1, a.m / (4 * micro.rows));
    p.row_blocks = std::max(p.row_blocks, std::min(most_blocks, ceil_div(2 * kTasks, p.panels)));
  }
  p.rows = ceil_div(a.m, p.row_blocks);
  p.parts = std::clamp<int64_t>(ceil_div(kTasks, p.row_blocks), 1, std::max<int64_t>(1, p.panels));
  if (p.local) p.parts = p.panels;
  const bool reused = p.panels / p.parts >= 4;
  p.pack_a = reused && (a.trans_a || a.lda % kAliased == 0);
  return p;
}

/// The pieces of scratch memory.
struct Memory {
  float* b;  // [panel][step][width]; a slot: one panel, where each task packs its own
  float* a;  // a slot: a block of A
};
int64_t block_elements(const Plan& p, const GemmArgs& args, const Micro& micro) {
  if (!p.pack_a) return 0;
  if (!args.trans_a) return p.rows * p.depth;
  return ceil_div(p.rows, micro.rows) * p.panel_step * p.depth;
}
Memory carve(Carver& carver, const Plan& p, const GemmArgs& args, const Micro& micro, int threads) {
  Memory m;
  const int64_t panels = p.in_place ? 1 : p.local ? threads : p.panels;
  m.b = carver.take<float>(p.dots ? 0 : panels * p.panel_elements());
  m.a = carver.take<float>(p.dots ? 0 : threads * block_elements(p, args, micro));
  return m;
}

/// One pass: a range of k and of the panels.
struct Pass {
  int64_t k, depth;  // first step, steps
  int64_t first_panel, panels;
  bool accumulate, last;
};

void pack_panel(const GemmArgs& a, const Micro& micro, const Plan& p, const Pass& pass,
                int64_t panel, float* to) {
  const int64_t col = panel * p.width, cols = std::min(p.width, a.n - col);
  const auto* b = static_cast<const float*>(a.b);
  if (a.trans_b) {
    micro.transpose(b + col * a.ldb + pass.k, a.ldb, cols, pass.depth, to, p.width, p.width);
  } else {
    micro.f32->copy(b + pass.k * a.ldb + col, a.ldb, pass.depth, cols, to, p.width, p.width);
  }
}

/// A block of rows of a pass: the rows of A as the inner kernels read them.
struct RowBlock {
  int64_t first, count;
  int64_t tiles;
  int64_t start(int64_t t) const { return first + split_at(count, tiles, t); }
};

/// What is the same for all tiles of a task.
struct Columns {
  const float* b;
  int64_t b_stride, first, cols;
  int vectors;
  const float* bias;
};
Columns columns_of(const GemmArgs& a, const Micro& micro, const Plan& p, const Memory& m,
                   const Pass& pass, int64_t panel) {
  Columns c;
  c.first = panel * p.width;
  c.cols = std::min(p.width, a.n - c.first);
  c.vectors = c.cols <= micro.width ? 1 : 2;
  const bool whole = c.cols == c.vectors * micro.width;
  if (p.in_place && whole) {
    c.b = static_cast<const float*>(a.b) + pass.k * a.ldb + c.first;
    c.b_stride = a.ldb;
  } else {
    const bool one = p.in_place || (p.local && a.prepared == nullptr);
    c.b = m.b + (one ? 0 : panel - pass.first_panel) * p.panel_elements();
    c.b_stride = p.width;
  }
  c.bias = a.bias != nullptr && pass.last ? static_cast<const float*>(a.bias) + c.first : nullptr;
  return c;
}

/// Rows of A times panels [first, last), A stored row by row.
void multiply(const GemmArgs& a, const Micro& micro, const Plan& p, const Memory& m,
              const Pass& pass, const RowBlock& rows, int64_t first, int64_t last) {
  const float* from = static_cast<const float*>(a.a) + pass.k;
  Segment segments[kDepth / kSlab];
  int64_t count = 1, row_stride = a.lda, origin = 0;
  segments[0] = {0, pass.depth};
  if (p.pack_a) {
    row_stride = kSlab;
    origin = rows.first;
    const int64_t slab = rows.count * kSlab;
    micro.f32->to_slabs(from + rows.first * a.lda, a.lda, rows.count, pass.depth, m.a, kSlab, slab);
    from = m.a;
    count = ceil_div(pass.depth, kSlab);
    for (int64_t s = 0; s < count; ++s) {
      segments[s] = {s * slab, std::min(kSlab, pass.depth - s * kSlab)};
    }
  }
  int64_t a_rows[32], c_rows[32];
  for (int64_t i = 0; i < micro.rows; ++i) {
    a_rows[i] = i * row_stride;
    c_rows[i] = i * a.ldc;
  }
  Tile tile = {};
  tile.a_rows = a_rows;
  tile.c_rows = c_rows;
  tile.segments = segments;
  tile.segment_count = count;
  tile.accumulate = pass.accumulate;
  tile.relu = a.relu && pass.last;
  for (int64_t panel = first; panel < last; ++panel) {
    const Columns c = columns_of(a, micro, p, m, pass, panel);
    tile.b = c.b;
    tile.b_stride = c.b_stride;
    tile.cols = c.cols;
    tile.bias = c.bias;
    for (int64_t t = 0; t < rows.tiles; ++t) {
      const int64_t row = rows.start(t);
      tile.a = from + (row - origin) * row_stride;
      tile.c = static_cast<float*>(a.c) + row * a.ldc + c.first;
      micro.tile(tile, static_cast<int>(rows.start(t + 1) - row), c.vectors);
    }
  }
}

/// The same with A stored column by column.
void multiply_outer(const GemmArgs& a, const Micro& micro, const Plan& p, const Memory& m,
                    const Pass& pass, const RowBlock& rows, int64_t first, int64_t last) {
  const float* from = static_cast<const float*>(a.a) + pass.k * a.lda;
  const int64_t a_step = p.pack_a ? p.panel_step : a.lda;
  for (int64_t t = 0; p.pack_a && t < rows.tiles; ++t) {
    const int64_t count = rows.start(t + 1) - rows.start(t);
    micro.f32->copy(from + rows.start(t), a.lda, pass.depth, count,
                    m.a + t * p.panel_step * p.depth, p.panel_step, count);
  }
  int64_t a_steps[kDepth], b_steps[kDepth];
  for (int64_t i = 0; i < pass.depth; ++i) a_steps[i] = i * a_step;
  OuterTile tile = {};
  tile.a_steps = a_steps;
  tile.b_steps = b_steps;
  tile.steps = pass.depth;
  tile.ldc = a.ldc;
  tile.accumulate = pass.accumulate;
  tile.relu = a.relu && pass.last;
  int64_t stride = -1;
  for (int64_t panel = first; panel < last; ++panel) {
    const Columns c = columns_of(a, micro, p, m, pass, panel);
    for (int64_t i = 0; stride != c.b_stride && i < pass.depth; ++i) b_steps[i] = i * c.b_stride;
    stride = c.b_stride;
    tile.b = c.b;
    tile.cols = c.cols;
    tile.bias = c.bias;
    for (int64_t t = 0; t < rows.tiles; ++t) {
      const int64_t row = rows.start(t);
      tile.a = p.pack_a ? m.a + t * p.panel_step * p.depth : from + row;
      tile.c = static_cast<float*>(a.c) + row * a.ldc + c.first;
      micro.outer(tile, static_cast<int>(rows.start(t + 1) - row), c.vectors);
    }
  }
}

void run_pass(const GemmArgs& a, const Exec& exec, const Micro& micro, const Plan& p,
              const Memory& m, const Pass& pass) {
  const int64_t last_panel = ceil_div(a.n, p.width) - 1;
  if (a.prepared != nullptr) {
    // Nothing to pack.
  } else if (!p.in_place && !p.local) {
    parallel(exec, pass.panels, [&](int64_t i, int) {
      pack_panel(a, micro, p, pass, pass.first_panel + i, m.b + i * p.panel_elements());
    });
  } else if (p.in_place && a.n % micro.width != 0) {
    pack_panel(a, micro, p, pass, last_panel, m.b);
  }
  const int64_t block = block_elements(p, a, micro);
  parallel(exec, p.row_blocks * p.parts, [&](int64_t task, int slot) {
    const int64_t part = task % p.parts, rows_part = task / p.parts;
    Memory mine = m;
    mine.a += slot * block;
    RowBlock rows;
    rows.first = split_at(a.m, p.row_blocks, rows_part);
    rows.count = split_at(a.m, p.row_blocks, rows_part + 1) - rows.first;
    rows.tiles = ceil_div(rows.count, micro.rows);
    const int64_t first = pass.first_panel + split_at(pass.panels, p.parts, part);
    const int64_t last = pass.first_panel + split_at(pass.panels, p.parts, part + 1);
    if (p.local && a.prepared == nullptr && first < last) {  // one panel
      mine.b += slot * p.panel_elements();
      pack_panel(a, micro, p, pass, first, mine.b);
    }
    if (a.trans_a) {
      multiply_outer(a, micro, p, mine, pass, rows, first, last);
    } else {
      multiply(a, micro, p, mine, pass, rows, first, last);
    }
  });
}

void run_dots(const GemmArgs& a, const Exec& exec, const Micro& micro) {
  // No more chunks than threads, as no sum depends on the cut: so each thread meets the same
  // weights in every call, in the cache that is its own.
  const int64_t chunks =
      std::clamp<int64_t>(a.n * a.k / 32768, 1, std::min<int64_t>(exec.threads, ceil_div(a.n, 4)));
  parallel(exec, chunks, [&](int64_t i, int) {
    // In fours of columns, as the dot products are computed.
    const int64_t fours = ceil_div(a.n, 4);
    const int64_t first = split_at(fours, chunks, i) * 4;
    const int64_t last = std::min(a.n, split_at(fours, chunks, i + 1) * 4);
    const auto* bias = static_cast<const float*>(a.bias);
    micro.dots(static_cast<const float*>(a.a), a.lda, a.m,
               static_cast<const float*>(a.b) + first * a.ldb, a.ldb, last - first, a.k,
               static_cast<float*>(a.c) + first, a.ldc, bias == nullptr ? nullptr : bias + first,
               a.accumulate, a.relu);
  });
}

/// One product of the batch.
void run_one(const GemmArgs& a, const Exec& exec, const Micro& micro, const Plan& p) {
  if (a.m == 0 || a.n == 0) return;
  if (p.dots) return run_dots(a, exec, micro);
  Carver carver(exec.scratch);
  const Memory memory = carve(carver, p, a, micro, exec.threads);
  const int64_t panels = ceil_div(a.n, p.width);
  for (int64_t j = 0; j < p.passes_n; ++j) {
    for (int64_t i = 0; i < p.passes_k; ++i) {
      Pass pass;
      pass.k = std::min(a.k, i * p.depth);
      pass.depth = std::min(p.depth, a.k - pass.k);
      pass.first_panel = split_at(panels, p.passes_n, j);
      pass.panels = split_at(panels, p.passes_n, j + 1) - pass.first_panel;
      pass.accumulate = a.accumulate || i > 0;
      pass.last = i + 1 == p.passes_k;
      Memory of_pass = memory;
      if (a.prepared != nullptr) {
        of_pass.b = const_cast<float*>(static_cast<const float*>(a.prepared)) +
                    (i * panels + pass.first_panel) * p.panel_elements();
      }
      run_pass(a, exec, micro, p, of_pass, pass);
    }
  }
}

GemmArgs product(const GemmArgs& args, int64_t i) {
  GemmArgs a = args;
  a.a = static_cast<const float*>(args.a) + i * args.stride_a;
  a.b = static_cast<const float*>(args.b) + i * args.stride_b;
  a.c = static_cast<float*>(args.c) + i * args.stride_c;
  return a;
}

/// Many small products run side by side, each on one thread; else one after the other on all.
bool side_by_side(const GemmArgs& a) {
  return a.batch > 1 && a.m * a.n * a.k <= kSmallWork;
}

size_t bytes_of(const GemmArgs& args, int threads, const Micro& micro) {
  Carver carver;
  carve(carver, make_plan(args, micro), args, micro, threads);
  return carver.used();
}

}  // namespace

void packed_gemm(const GemmArgs& args, const Exec& exec, const Micro& micro) {
  const Plan plan = make_plan(args, micro);
  if (!side_by_side(args)) {
    for (int64_t i = 0; i < args.batch; ++i) run_one(product(args, i), exec, micro, plan);
    return;
  }
  const size_t bytes = bytes_of(args, 1, micro);
  const int64_t chunks = std::min<int64_t>(args.batch, 4 * kTasks);
  parallel(exec, chunks, [&](int64_t chunk, int slot) {
    Exec serial;
    serial.scratch = static_cast<unsigned char*>(exec.scratch) + static_cast<size_t>(slot) * bytes;
    const int64_t last = split_at(args.batch, chunks, chunk + 1);
    for (int64_t i = split_at(args.batch, chunks, chunk); i < last; ++i) {
      run_one(product(args, i), serial, micro, plan);
    }
  });
}

size_t packed_gemm_prepared_bytes(const GemmArgs& args, const Micro& micro) {
  const Plan p = make_plan(args, micro);
  if (p.dots || !args.trans_b || args.batch != 1) return 0;
  return static_cast<size_t>(p.passes_k * ceil_div(args.n, p.width) * p.panel_elements()) *
         sizeof(float);
}

void packed_gemm_prepare(const GemmArgs& args, const Exec& exec, const Micro& micro, void* to) {
  const Plan p = make_plan(args, micro);
  const int64_t panels = ceil_div(args.n, p.width);
  parallel(exec, p.passes_k * panels, [&](int64_t i, int) {
    Pass pass = {};
    pass.k = std::min(args.k, i / panels * p.depth);
    pass.depth = std::min(p.depth, args.k - pass.k);
    pack_panel(args, micro, p, pass, i % panels, static_cast<float*>(to) + i * p.panel_elements());
  });
}

size_t packed_gemm_scratch(const GemmArgs& args, int threads, const Micro& micro) {
  if (side_by_side(args)) return bytes_of(args, 1, micro) * static_cast<size_t>(threads);
  return bytes_of(args, threads, micro);
}

}  // namespace taxon::kernels
