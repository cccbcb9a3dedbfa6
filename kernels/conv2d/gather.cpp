// Forward convolution and the gradient of its input as implicit matrix products: rows are output
// pixels, columns output channels, and the inner dimension runs over taps and input channels. A
// block's padded source is copied into slabs that stay in the cache and is read in place by every
// tap, so no im2col buffer exists (1x1 filters may read the image itself); weights are packed into
// panels of a tile's width, once a call or prepared for many. Operands of the products are f32, or
// bf16 as it is stored (then weights are rounded to it).
// With stride 2 the gradient of the input is one such product for each phase of the input grid
// (polyphase), so no multiplication with a zero in between is done.
#include "gather.h"

#include "geometry.h"
#include "source.h"
#include "winograd.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {
namespace {

constexpr int64_t kPixels = 256;             // grid points a block, about
constexpr int64_t kSourceBytes = 512 << 10;  // of a block's slabs
constexpr int64_t kPanelBytes = 320
                                << 10;  // of the packed weights that one pass over a block reads
constexpr int64_t kTasks = 16;          // wanted, so that a few threads are kept busy
constexpr int64_t kFetching = 2;        // tiles while whose products the next panel is fetched
constexpr int64_t kLine = 64;           // bytes of a cache line
constexpr int64_t kPiece = 8;           // slabs a task that fills them for others
constexpr int64_t kAliased = 256;       // pixels of more channels share few sets of the cache

/// One gather convolution: what is read, written and multiplied, and how it is cut.
struct Job {
  Axis h, w;
  bool backward = false;
  int64_t groups = 1, images = 0;
  int64_t cols = 0;  // output channels a group
  Blocks blocks;
  SlabLayout layout;
  int64_t element = 0;       // bytes of what is multiplied
  int64_t width = 0;         // columns of a full panel
  int64_t panels = 0;        // a group
  int64_t panel_groups = 1;  // tasks a block

  int64_t taps() const { return h.taps * w.taps; }
  int64_t steps() const { return taps() * layout.depth; }
  int64_t panel_elements() const { return steps() * width; }
  int64_t weights() const { return groups * panels * panel_elements(); }
  int64_t max_pixels() const { return blocks.images * blocks.rows * w.count; }
  int64_t tasks() const { return groups * blocks.count * panel_groups; }
  /// Whether several tasks read one block: then its slabs are filled once for all of them.
  bool shares_blocks() const { return panel_groups > 1; }
  int64_t block_elements() const { return layout.slabs * layout.slab; }
  /// Columns of the most panels of a task.
  void* at(void* base, int64_t i) const { return static_cast<char*>(base) + i * element; }
  const void* at(const void* base, int64_t i) const {
    return static_cast<const char*>(base) + i * element;
  }
  int64_t product_row() const { return ceil_div(panels, panel_groups) * width; }
};

Job make_job(const Conv2dArgs& args, const Products& products, const Axis& h, const Axis& w,
             bool backward) {
  Job job;
  job.h = h;
  job.w = w;
  job.backward = backward;
  job.groups = args.groups;
  job.images = args.n;
  job.cols = (backward ? args.c : args.k) / args.groups;
  job.element = products.element;
  job.layout = slabs_of((backward ? args.k : args.c) / args.groups);
  const int64_t grid = args.n * h.count * w.count;
  const int64_t pixels = std::clamp<int64_t>(grid / kTasks, 4 * products.rows, kPixels);
  job.blocks =
      cut_blocks(args.n, h, w, pixels, job.layout.pixel_elements() * job.element, kSourceBytes);
  place(job.layout, h, w, job.blocks, job.element);
  job.width = job.cols <= products.width ? products.width : 2 * products.width;
  job.panels = ceil_div(job.cols, job.width);
  const int64_t wanted = ceil_div(kTasks, job.groups * job.blocks.count);
  job.panel_groups = std::clamp<int64_t>(wanted, 1, job.panels);
  return job;
}

/// Whether each pixel is read once, as it is stored, so that the source can be read where it is
/// (1x1 filters side by side).
bool in_place(const Job& job, const Storage& storage) {
  const auto same = [](const Axis& a) {
    return a.taps == 1 && a.step == 1 && a.reach == 0 && a.source_step == 1 &&
           a.source_origin == 0 && a.count == a.source_count;
  };
  return storage.element == job.element && job.groups == 1 && job.layout.depth <= kAliased &&
         same(job.h) && same(job.w);
}

/// The pieces of scratch memory.
struct Memory {
  const void* weights;  // [group][panel][step][width]
  void* own = nullptr;  // the same, unless prepared before
  Segment* segments;    // in the order of the steps
  int64_t segment_count = 0;
  void* slabs;       // a slot, or all blocks of all groups
  int64_t* sources;  // a slot: offset in a slab of each grid point of a block
  int64_t* dests;    // a slot: offset of each in the output
  int64_t* rows;     // bf16: offset of each in `products`
  float* products;   // bf16, a slot: of a block, before they are rounded
};
Memory carve(Carver& carver, const Job& job, int threads, const Storage& storage,
             const void* prepared) {
  Memory m;
  if (prepared != nullptr) {
    m.weights = prepared;
  } else {
    m.own = carver.take<char>(job.weights() * job.element);
    m.weights = m.own;
  }
  m.segments = carver.take<Segment>(job.layout.slabs * job.taps());
  const int64_t copies = in_place(job, storage) ? 0
                         : job.shares_blocks()  ? job.groups * job.blocks.count
                                                : threads;
  m.slabs = carver.take<char>(copies * job.block_elements() * job.element);
  m.sources = carver.take<int64_t>(job.max_pixels() * threads);
  m.dests = carver.take<int64_t>(job.max_pixels() * threads);
  const int64_t buffered = storage.element == 4 ? 0 : job.max_pixels();
  m.rows = carver.take<int64_t>(buffered);
  m.products = carver.take<float>(buffered * job.product_row() * threads);
  return m;
}

/// Calls f(slab, tap row, tap column) in the order in which the steps are packed: taps of a row
/// from left to right in the source, so that neighbours can be merged.
template <class F>
void each_tap(const Job& job, F f) {
  for (int64_t s = 0; s < job.layout.slabs; ++s) {
    for (int64_t r = 0; r < job.h.taps; ++r) {
      for (int64_t c = 0; c < job.w.taps; ++c) {
        f(s, r, job.w.tap_step < 0 ? job.w.taps - 1 - c : c);
      }
    }
  }
}

void pack_panel(const Conv2dArgs& args, const Products& products, const Job& job, int64_t group,
                int64_t panel, void* dest) {
  char* to = static_cast<char*>(dest);
  const int64_t first = panel * job.width;
  const int64_t cols = std::min(job.width, job.cols - first);
  const int64_t channels = args.c / args.groups, filter = args.r * args.s * channels;
  const auto* weights =
      static_cast<const float*>(args.weight) + group * (args.k / args.groups) * filter;
  each_tap(job, [&](int64_t slab, int64_t r, int64_t c) {
    const int64_t depth = job.layout.depth_of(slab);
    const int64_t tap = (job.h.weight_first + r * job.h.weight_step) * args.s + job.w.weight_first +
                        c * job.w.weight_step;
    if (job.backward) {
      products.pack_rows(weights + slab * kSlab * filter + tap * channels + first, filter, depth,
                         cols, to, job.width);
    } else {
      products.pack_columns(weights + first * filter + tap * channels + slab * kSlab, filter, cols,
                            depth, to, job.width);
    }
    to += depth * job.width * job.element;
  });
}

void pack(const Conv2dArgs& args, const Exec& exec, const Products& products, const Job& job,
          void* to) {
  parallel(exec, job.groups * job.panels, [&](int64_t i, int) {
    pack_panel(args, products, job, i / job.panels, i % job.panels,
               job.at(to, i * job.panel_elements()));
  });
}

/// The steps as segments: one a slab and tap, or one for a whole row of taps where the pixels of a
/// slab touch. Returns how many.
int64_t make_segments(const Job& job, Segment* segments) {
  const SlabLayout& l = job.layout;
  int64_t count = 0;
  each_tap(job, [&](int64_t slab, int64_t r, int64_t c) {
    const int64_t offset = slab * l.slab + (job.h.tap_offset + r * job.h.tap_step) * l.row +
                           (job.w.tap_offset + c * job.w.tap_step) * l.pixel;
    const int64_t depth = l.depth_of(slab);
    if (count > 0 && segments[count - 1].offset + segments[count - 1].depth == offset) {
      segments[count - 1].depth += depth;
    } else {
      segments[count++] = {offset, depth};
    }
  });
  return count;
}

void dest_offsets(const Job& job, const Block& block, int64_t height, int64_t width,
                  int64_t channels, int64_t* offsets) {
  for (int64_t i = 0; i < block.images; ++i) {
    for (int64_t y = block.row; y < block.row + block.rows; ++y) {
      const int64_t row = (block.image + i) * height + job.h.dest_origin + y * job.h.dest_step;
      for (int64_t x = 0; x < job.w.count; ++x) {
        *offsets++ = (row * width + job.w.dest_origin + x * job.w.dest_step) * channels;
      }
    }
  }
}

/// Steps whose packed weights fit the cache.
int64_t pass_steps(const Job& job) {
  return std::max<int64_t>(kPanelBytes / job.element / job.width, 1);
}

/// The products of one block with panels [first, last), in passes over the steps whose packed
/// weights fit the cache.
void multiply(const Products& products, const Job& job, const Memory& m, const void* weights,
              int64_t pixels, int64_t first, int64_t last, const int64_t* rows, Tile tile) {
  float* const c = tile.c;
  const float* const bias = tile.bias;
  const float* const residual = tile.residual;
  const bool relu = tile.relu;
  const int64_t tiles = ceil_div(pixels, products.rows);
  int64_t segment = 0, step = 0;
  do {  // also once without any tap: zeros
    const int64_t first_segment = segment, first_step = step;
    while (segment < m.segment_count && step - first_step < pass_steps(job))
      step += m.segments[segment++].depth;
    const bool ends = segment == m.segment_count;
    tile.segments = m.segments + first_segment;
    tile.segment_count = segment - first_segment;
    tile.accumulate = first_segment > 0;
    tile.relu = relu && ends;
    for (int64_t p = first; p < last; ++p) {
      tile.cols = std::min(job.width, job.cols - p * job.width);
      const int vectors = tile.cols <= products.width ? 1 : 2;
      tile.b = job.at(weights, p * job.panel_elements() + first_step * job.width);
      tile.b_stride = job.width;
      const char* ahead = static_cast<const char*>(tile.b) + job.panel_elements() * job.element;
      const int64_t column = (p - first) * job.width;
      tile.bias = bias != nullptr && ends ? bias + column : nullptr;
      tile.c = c + column;
      tile.residual = residual != nullptr && ends ? residual + column : nullptr;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t row = split_at(pixels, tiles, t);
        tile.a_rows = m.sources + row;
        tile.c_rows = rows + row;
        tile.ahead = t < kFetching ? ahead + t * (step - first_step) * kLine : nullptr;
        products.tile(tile, static_cast<int>(split_at(pixels, tiles, t + 1) - row), vectors);
      }
    }
  } while (segment < m.segment_count);
}

/// Where a task's products go in the end.
struct Destination {
  void* y;
  const float* bias;
  const void* residual;
  bool relu, stream;
};

/// The products of one block with panels [first, last) of a group whose output starts at `to`.
void multiply_into(const Products& products, const Storage& storage, const Job& job,
                   const Memory& m, const void* source, const void* weights, int64_t pixels,
                   int64_t first, int64_t last, const Destination& to) {
  const int64_t column = first * job.width;
  void* y = storage.at(to.y, column);
  const float* bias = to.bias == nullptr ? nullptr : to.bias + column;
  const void* residual = storage.at(to.residual, column);
  Tile tile = {};
  tile.a = source;
  if (storage.element == 4) {
    tile.c = static_cast<float*>(y);
    tile.bias = bias;
    tile.residual = static_cast<const float*>(residual);
    tile.relu = to.relu;
    tile.stream = to.stream;
    multiply(products, job, m, weights, pixels, first, last, m.dests, tile);
    if (to.stream) products.finish();
  } else {
    tile.c = m.products;
    multiply(products, job, m, weights, pixels, first, last, m.rows, tile);
    storage.write({m.products, job.product_row(), pixels,
                   std::min(last * job.width, job.cols) - column, y, m.dests, bias, residual,
                   to.relu});
  }
}

/// Whether the output of `elements` goes past the caches: it is large, whole tiles wide, and
/// written once.
bool streams(const Job& job, const Products& products, const Storage& storage, int64_t elements,
             const void* dest, int64_t segments) {
  const auto vector = static_cast<size_t>(products.width) * sizeof(float);
  return storage.element == 4 && elements * storage.element >= kStreamBytes &&
         job.cols % (2 * products.width) == 0 && job.steps() <= pass_steps(job) && segments > 0 &&
         reinterpret_cast<uintptr_t>(dest) % vector == 0;
}

/// What a job reads: of all groups.
Source source_of(const Conv2dArgs& args, const Job& job) {
  const int64_t channels = job.backward ? args.k : args.c;
  return {job.backward ? args.y : args.x, job.h.source_count * job.w.source_count * channels,
          job.w.source_count * channels, channels};
}

/// Fills the slabs of every block of every group, a few slabs a task.
void fill_shared(const Exec& exec, const Storage& storage, const Job& job, const Source& source,
                 void* slabs) {
  const int64_t pieces = ceil_div(job.layout.slabs, kPiece);
  parallel(exec, job.groups * job.blocks.count * pieces, [&](int64_t i, int) {
    const int64_t piece = i % pieces, rest = i / pieces, first = piece * kPiece;
    const int64_t channel = rest % job.groups * job.layout.depth + first * kSlab;
    SlabLayout part = job.layout;
    part.slabs = std::min(kPiece, job.layout.slabs - first);
    part.depth = std::min(part.slabs * kSlab, job.layout.depth - first * kSlab);
    Source from = source;
    from.data = storage.at(source.data, channel);
    fill_slabs(storage, from, job.h, job.w, part,
               block_at(job.blocks, job.images, job.h, rest / job.groups),
               job.at(slabs, rest * job.block_elements() + first * job.layout.slab));
  });
}

void run_job(const Conv2dArgs& args, const Exec& exec, const Products& products,
             const Storage& storage, const Job& job) {
  Carver carver(exec.scratch);
  Memory memory = carve(carver, job, exec.threads, storage, args.prepared);
  const bool whole = in_place(job, storage);
  memory.segment_count = make_segments(job, memory.segments);
  if (whole) {
    memory.segments[0] = {0, job.layout.depth};
    memory.segment_count = 1;
  }
  if (memory.own != nullptr) pack(args, exec, products, job, memory.own);

  const int64_t height = job.backward ? args.h : args.oh, width = job.backward ? args.w : args.ow;
  const int64_t channels = job.backward ? args.c : args.k;  // of the output
  const Source source = source_of(args, job);
  const bool shared = !whole && job.shares_blocks();
  void* dest = job.backward ? args.x : args.y;
  const auto* bias = static_cast<const float*>(job.backward ? nullptr : args.bias);
  const void* residual = job.backward ? nullptr : args.residual;
  for (int64_t i = 0; storage.element != 4 && i < job.max_pixels(); ++i) {
    memory.rows[i] = i * job.product_row();
  }

  const bool stream = streams(job, products, storage, args.n * height * width * channels, dest,
                              memory.segment_count);

  if (shared && memory.segment_count > 0) fill_shared(exec, storage, job, source, memory.slabs);
  parallel(exec, job.tasks(), [&](int64_t task, int slot) {
    const int64_t part = task % job.panel_groups, rest = task / job.panel_groups;
    const int64_t group = rest % job.groups;
    const Block block = block_at(job.blocks, job.images, job.h, rest / job.groups);
    Memory m = memory;
    if (!whole) m.slabs = job.at(m.slabs, (shared ? rest : slot) * job.block_elements());
    m.sources += slot * job.max_pixels();
    m.dests += slot * job.max_pixels();
    if (storage.element != 4) m.products += slot * job.max_pixels() * job.product_row();
    Source from = source;
    from.data = storage.at(source.data, group * job.layout.depth);
    const void* read = m.slabs;
    if (whole) {
      const int64_t pixel = job.layout.depth;
      read = job.at(source.data, (block.image * job.h.count + block.row) * job.w.count * pixel);
      for (int64_t i = 0; i < block.images * block.rows * job.w.count; ++i)
        m.sources[i] = i * pixel;
    } else {
      if (m.segment_count > 0 && !shared)
        fill_slabs(storage, from, job.h, job.w, job.layout, block, m.slabs);
      slab_offsets(job.h, job.w, job.layout, block, m.sources);
    }
    dest_offsets(job, block, height, width, channels, m.dests);
    const int64_t column = group * job.cols;
    multiply_into(products, storage, job, m, read,
                  job.at(memory.weights, group * job.panels * job.panel_elements()),
                  block.images * block.rows * job.w.count,
                  split_at(job.panels, job.panel_groups, part),
                  split_at(job.panels, job.panel_groups, part + 1),
                  {storage.at(dest, column), bias == nullptr ? nullptr : bias + column,
                   storage.at(residual, column), !job.backward && args.relu, stream});
  });
}

/// Calls f(job) for each phase of the input grid.
template <class F>
void each_phase(const Conv2dArgs& args, const Products& products, F f) {
  for (int64_t i = 0; i < args.stride_h; ++i) {
    const Axis h = backward_axis(height_of(args), i);
    for (int64_t j = 0; j < args.stride_w; ++j) {
      const Axis w = backward_axis(width_of(args), j);
      if (h.count > 0 && w.count > 0) f(make_job(args, products, h, w, true));
    }
  }
}

Job forward_job(const Conv2dArgs& args, const Products& products) {
  return make_job(args, products, forward_axis(height_of(args)), forward_axis(width_of(args)),
                  false);
}

size_t bytes_of(const Job& job, int threads, const Storage& storage, const void* prepared) {
  Carver carver;
  carve(carver, job, threads, storage, prepared);
  return carver.used();
}

}  // namespace

const char* tile_products_forward_declines(const Conv2dArgs& args) {
  if (args.exact) return "exact convolution asked for";  // weights are rounded
  return args.c / args.groups % 2 != 0 ? "odd number of channels" : nullptr;
}
const char* tile_products_backward_data_declines(const Conv2dArgs& args) {
  if (args.exact) return "exact convolution asked for";
  return args.k / args.groups % 2 != 0 ? "odd number of channels" : nullptr;
}
// Winograd's f32 products are as fast with 16 channels, 1.5 to 2 times as fast with more, and do
// not round the weights.
const char* dot_products_forward_declines(const Conv2dArgs& args) {
  if (winograd_forward_declines(args) == nullptr) return "Winograd multiplies less";
  return tile_products_forward_declines(args);
}
const char* dot_products_backward_data_declines(const Conv2dArgs& args) {
  if (winograd_backward_data_declines(args) == nullptr) return "Winograd multiplies less";
  return tile_products_backward_data_declines(args);
}

void gather_forward(const Conv2dArgs& args, const Exec& exec, const Products& products,
                    const Storage& storage) {
  run_job(args, exec, products, storage, forward_job(args, products));
}

size_t gather_forward_scratch(const Conv2dArgs& args, int threads, const Products& products,
                              const Storage& storage) {
  return bytes_of(forward_job(args, products), threads, storage, args.prepared);
}

size_t gather_prepared_bytes(const Conv2dArgs& args, const Products& products) {
  return static_cast<size_t>(forward_job(args, products).weights() * products.element);
}

void gather_prepare(const Conv2dArgs& args, const Exec& exec, const Products& products, void* to) {
  pack(args, exec, products, forward_job(args, products), to);
}

void gather_backward_data(const Conv2dArgs& args, const Exec& exec, const Products& products,
                          const Storage& storage) {
  each_phase(args, products, [&](const Job& job) { run_job(args, exec, products, storage, job); });
}

size_t gather_backward_data_scratch(const Conv2dArgs& args, int threads, const Products& products,
                                    const Storage& storage) {
  size_t most = 0;
  each_phase(args, products, [&](const Job& job) {
    most = std::max(most, bytes_of(job, threads, storage, nullptr));
  });
  return most;
}

}  // namespace taxon::kernels
