// The gradient of the weights as products of outer type: the sums run over output pixels. The
// inputs of a block of pixels are copied into padded slabs (source.h), the gradients of its outputs
// into panels. Two forms: filters as rows and input channels as vector columns; or, for few
// channels, taps and channels as rows and filters as columns, transposed at the end. Small
// gradients are summed in up to 8 fixed chunks of blocks, each with an accumulator of its own,
// combined in order; large ones take the blocks one after the other and split the outputs among the
// threads.
#include "gather.h"

#include "geometry.h"
#include "source.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {
namespace {

constexpr int64_t kChunks = 8;
constexpr int64_t kPartialBytes = 6 << 20;  // of all accumulators, else the outputs are split
constexpr int64_t kChunkPixels = 512, kChunkBytes = 256 << 10;
constexpr int64_t kSharedPixels = 512, kSharedBytes = 2 << 20;

struct Plan {
  Axis h, w;
  int64_t groups, images, channels, filters, taps;  // channels and filters a group
  bool transposed;                                  // rows are taps and channels, columns filters
  bool shared;  // one accumulator, outputs split; else `chunks` accumulators
  Blocks blocks;
  SlabLayout layout;
  int64_t chunks;
  int64_t panel_rows;  // elements between the steps of a panel of the output's gradient
  int64_t panels;      // of the output's gradient, a group
  int64_t pixels;      // most a block

  int64_t steps() const { return taps * channels; }
  int64_t padded_filters() const { return panels * panel_rows; }  // transposed form
  /// Elements of an accumulator of all groups.
  int64_t sums() const { return groups * steps() * (transposed ? padded_filters() : filters); }
  int64_t panel_elements() const { return pixels * panel_rows; }
  int64_t slab_elements() const { return layout.slabs * layout.slab; }
  int64_t first_filter(int64_t panel) const {
    return transposed ? panel * panel_rows : split_at(filters, panels, panel);
  }
  int64_t filters_of(int64_t panel) const {
    const int64_t end = panel + 1 < panels ? first_filter(panel + 1) : filters;
    return end - first_filter(panel);
  }
};

Plan make_plan(const Conv2dArgs& args, const Micro& micro) {
  Plan p;
  p.h = forward_axis(height_of(args));
  p.w = forward_axis(width_of(args));
  p.groups = args.groups;
  p.images = args.n;
  p.channels = args.c / args.groups;
  p.filters = args.k / args.groups;
  p.taps = args.r * args.s;
  const int64_t width = micro.width;
  // Which of the two fills vectors better?
  const auto waste = [&](int64_t n) { return 4 * ceil_div(n, width) * width / n; };
  p.transposed = waste(p.filters) < waste(p.channels);
  p.panel_rows = !p.transposed        ? ceil_div(micro.rows, width) * width
                 : p.filters <= width ? width
                                      : 2 * width;
  p.panels = ceil_div(p.filters, p.transposed ? p.panel_rows : micro.rows);
  p.layout = slabs_of(p.channels);
  const int64_t bytes = p.layout.pixel_elements() * 4;
  p.shared = !p.transposed && p.sums() * 4 * kChunks > kPartialBytes;
  p.blocks = p.shared
                 ? cut_blocks(args.n, p.h, p.w, kSharedPixels, bytes, kSharedBytes)
                 : cut_blocks(args.n, p.h, p.w,
                              std::min(kChunkPixels, ceil_div(args.n * args.oh * args.ow, kChunks)),
                              bytes, kChunkBytes);
  place(p.layout, p.h, p.w, p.blocks, sizeof(float));
  p.chunks = p.shared ? 1 : std::min(kChunks, p.blocks.count);
  p.pixels = p.blocks.images * p.blocks.rows * p.w.count;
  return p;
}

/// The pieces of scratch memory.
struct Memory {
  float* sums;           // [chunk][...]
  float* total;          // of all chunks, transposed form
  float* bias;           // [chunk][filter]
  int64_t* tap_offsets;  // of each tap in a slab
  int64_t* row_offsets;  // of each tap and channel in the slabs
  int64_t* ramp;         // offset of each pixel in a panel
  float* slabs;          // a slot, or shared
  float* panels;         // a slot, or shared
  int64_t* offsets;      // a slot, or shared: of each pixel in a slab
};
Memory carve(Carver& carver, const Plan& p, int threads) {
  const int64_t slots = p.shared ? 1 : threads;
  const bool direct = p.chunks == 1 && !p.transposed;  // sums go straight to the weights
  Memory m;
  m.sums = carver.take<float>(direct ? 0 : p.chunks * p.sums());
  m.total = carver.take<float>(p.transposed ? p.sums() : 0);
  m.bias = carver.take<float>(kChunks * p.groups * p.filters);
  m.tap_offsets = carver.take<int64_t>(p.taps);
  m.row_offsets = carver.take<int64_t>(p.transposed ? p.steps() : 0);
  m.ramp = carver.take<int64_t>(p.pixels);
  m.slabs = carver.take<float>(slots * p.slab_elements() + kSlab);
  m.panels = carver.take<float>(slots * p.panels * p.panel_elements());
  m.offsets = carver.take<int64_t>(slots * p.pixels);
  return m;
}

void fill_tables(const Plan& p, const Memory& m) {
  tap_offsets(p.h, p.w, p.layout, m.tap_offsets);
  for (int64_t i = 0; p.transposed && i < p.steps(); ++i) {
    const int64_t c = i % p.channels;
    m.row_offsets[i] = m.tap_offsets[i / p.channels] + c / kSlab * p.layout.slab + c % kSlab;
  }
  for (int64_t i = 0; i < p.pixels; ++i) m.ramp[i] = i * p.panel_rows;
}

/// A block's pixels lie one after the other in the output.
struct Pixels {
  int64_t first, count;
};
Pixels pixels_of(const Plan& p, const Block& b) {
  return {(b.image * p.h.count + b.row) * p.w.count, b.images * b.rows * p.w.count};
}

void pack_panel(const Conv2dArgs& args, const Storage& storage, const Plan& p, int64_t group,
                const Pixels& pixels, int64_t panel, float* to) {
  const int64_t first = pixels.first * args.k + group * p.filters + p.first_filter(panel);
  const void* y = args.y;
  storage.copy(storage.at(y, first), args.k, pixels.count, p.filters_of(panel), to, p.panel_rows,
               p.transposed ? p.panel_rows : p.filters_of(panel));
}

Source source_of(const Conv2dArgs& args, const Storage& storage, const Plan& p, int64_t group) {
  const void* x = args.x;
  return {storage.at(x, group * p.channels), args.h * args.w * args.c, args.w * args.c, args.c};
}

/// Filters x channels of one slab: all taps, panels [first, last).
void multiply_slab(const Micro& micro, const Plan& p, const Memory& m, int64_t pixels, int64_t slab,
                   int64_t first, int64_t last, float* sums, bool accumulate) {
  OuterTile tile = {};
  tile.a_steps = m.ramp;
  tile.b_steps = m.offsets;
  tile.steps = pixels;
  tile.ldc = p.steps();
  tile.accumulate = accumulate;
  const int64_t depth = p.layout.depth_of(slab), block = 2 * micro.width;
  for (int64_t c = 0; c < depth; c += block) {
    tile.cols = std::min(block, depth - c);
    for (int64_t panel = first; panel < last; ++panel) {
      tile.a = m.panels + panel * p.panel_elements();
      for (int64_t t = 0; t < p.taps; ++t) {
        tile.b = m.slabs + slab * p.layout.slab + m.tap_offsets[t] + c;
        tile.c = sums + p.first_filter(panel) * p.steps() + t * p.channels + slab * kSlab + c;
        micro.outer(tile, static_cast<int>(p.filters_of(panel)), tile.cols <= micro.width ? 1 : 2);
      }
    }
  }
}

/// Taps and channels x filters.
void multiply_transposed(const Micro& micro, const Plan& p, const Memory& m, int64_t pixels,
                         float* sums, bool accumulate) {
  OuterTile tile = {};
  tile.a_steps = m.offsets;
  tile.b_steps = m.ramp;
  tile.steps = pixels;
  tile.ldc = p.padded_filters();
  tile.cols = p.panel_rows;
  tile.accumulate = accumulate;
  // Where the pixels of a slab touch, so do the taps of a filter's row: then no tile is cut by it,
  // and its rows need no addresses of their own.
  const int64_t row_steps = p.w.taps * p.channels;
  const bool touching = p.layout.pixel == p.channels && p.w.tap_step == 1 && row_steps >= 8;
  const int64_t run = touching ? row_steps : p.steps();
  const int64_t tiles = ceil_div(run, micro.rows);
  for (int64_t panel = 0; panel < p.panels; ++panel) {
    tile.b = m.panels + panel * p.panel_elements();
    for (int64_t t = 0; t < p.steps() / run * tiles; ++t) {
      const int64_t row = t / tiles * run + split_at(run, tiles, t % tiles);
      const int64_t next = t / tiles * run + split_at(run, tiles, t % tiles + 1);
      tile.a = m.slabs + (touching ? m.row_offsets[row] : 0);
      tile.a_rows = touching ? nullptr : m.row_offsets + row;
      tile.c = sums + row * p.padded_filters() + panel * p.panel_rows;
      micro.outer(tile, static_cast<int>(next - row), p.panel_rows == micro.width ? 1 : 2);
    }
  }
}

/// A group's sums over chunk `chunk` of the blocks.
void run_chunk(const Conv2dArgs& args, const Micro& micro, const Storage& storage, const Plan& p,
               const Memory& m, int64_t group, int64_t chunk, float* sums) {
  const int64_t last = split_at(p.blocks.count, p.chunks, chunk + 1);
  bool accumulate = false;
  for (int64_t b = split_at(p.blocks.count, p.chunks, chunk); b < last; ++b) {
    const Block block = block_at(p.blocks, p.images, p.h, b);
    const Pixels pixels = pixels_of(p, block);
    fill_slabs(storage, source_of(args, storage, p, group), p.h, p.w, p.layout, block, m.slabs);
    slab_offsets(p.h, p.w, p.layout, block, m.offsets);
    for (int64_t i = 0; i < p.panels; ++i) {
      pack_panel(args, storage, p, group, pixels, i, m.panels + i * p.panel_elements());
    }
    if (p.transposed) {
      multiply_transposed(micro, p, m, pixels.count, sums, accumulate);
    } else {
      for (int64_t s = 0; s < p.layout.slabs; ++s) {
        multiply_slab(micro, p, m, pixels.count, s, 0, p.panels, sums, accumulate);
      }
    }
    accumulate = true;
  }
}

void run_chunks(const Conv2dArgs& args, const Exec& exec, const Micro& micro,
                const Storage& storage, const Plan& p, const Memory& memory) {
  auto* weight = static_cast<float*>(args.weight);
  const bool direct = p.chunks == 1 && !p.transposed;
  const int64_t group_sums = p.sums() / p.groups;
  parallel(exec, p.groups * p.chunks, [&](int64_t i, int slot) {
    Memory m = memory;
    m.slabs += slot * p.slab_elements();
    m.panels += slot * p.panels * p.panel_elements();
    m.offsets += slot * p.pixels;
    const int64_t group = i / p.chunks, chunk = i % p.chunks;
    float* sums = (direct ? weight : m.sums + chunk * p.sums()) + group * group_sums;
    run_chunk(args, micro, storage, p, m, group, chunk, sums);
  });
  if (direct) return;
  float* total = p.transposed ? memory.total : weight;
  const int64_t pieces = ceil_div(p.sums(), 4096);
  parallel(exec, pieces, [&](int64_t i, int) {
    const int64_t first = i * 4096, count = std::min<int64_t>(4096, p.sums() - first);
    micro.f32->column_sums(memory.sums + first, p.sums(), p.chunks, count, total + first, false);
  });
  if (!p.transposed) return;
  parallel(exec, p.groups, [&](int64_t g, int) {
    micro.transpose(total + g * group_sums, p.padded_filters(), p.steps(), p.filters,
                    weight + g * p.filters * p.steps(), p.steps(), p.steps());
  });
}

/// One block after the other; in each, first copies, then products, are split among the threads.
void run_shared(const Conv2dArgs& args, const Exec& exec, const Micro& micro,
                const Storage& storage, const Plan& p, const Memory& m) {
  const int64_t parts = std::min<int64_t>(p.panels, ceil_div(64, p.layout.slabs));
  for (int64_t i = 0; i < p.groups * p.blocks.count; ++i) {
    const int64_t group = i / p.blocks.count, b = i % p.blocks.count;
    const Block block = block_at(p.blocks, p.images, p.h, b);
    const Pixels pixels = pixels_of(p, block);
    parallel(exec, block.images + p.panels, [&](int64_t task, int) {
      if (task < block.images) {
        const Block one = {block.image + task, 1, block.row, block.rows};
        fill_slabs(storage, source_of(args, storage, p, group), p.h, p.w, p.layout, one,
                   m.slabs + task * p.layout.image);
        slab_offsets(p.h, p.w, p.layout, one, m.offsets + task * block.rows * p.w.count);
        for (int64_t j = 0; j < block.rows * p.w.count; ++j) {
          m.offsets[task * block.rows * p.w.count + j] += task * p.layout.image;
        }
      } else {
        const int64_t panel = task - block.images;
        pack_panel(args, storage, p, group, pixels, panel, m.panels + panel * p.panel_elements());
      }
    });
    float* sums = static_cast<float*>(args.weight) + group * p.filters * p.steps();
    parallel(exec, p.layout.slabs * parts, [&](int64_t task, int) {
      const int64_t part = task % parts;
      multiply_slab(micro, p, m, pixels.count, task / parts, split_at(p.panels, parts, part),
                    split_at(p.panels, parts, part + 1), sums, b > 0);
    });
  }
}

}  // namespace

// In fixed chunks of the pixels.
void sum_bias(const Conv2dArgs& args, const Exec& exec, const Storage& f32, const Storage& storage,
              float* partial) {
  constexpr int64_t kRows = 128;
  const int64_t pixels = args.n * args.oh * args.ow;
  const void* y = args.y;
  const int64_t chunks = std::min(kChunks, ceil_div(pixels, kRows));
  parallel(exec, chunks, [&](int64_t i, int) {
    const int64_t first = split_at(pixels, chunks, i), last = split_at(pixels, chunks, i + 1);
    for (int64_t p = first; p < last; p += kRows) {
      storage.column_sums(storage.at(y, p * args.k), args.k, std::min(kRows, last - p), args.k,
                          partial + i * args.k, p > first);
    }
  });
  f32.column_sums(partial, args.k, chunks, args.k, static_cast<float*>(args.bias), false);
}

void gather_backward_weight(const Conv2dArgs& args, const Exec& exec, const Micro& micro,
                            const Storage& storage) {
  const Plan plan = make_plan(args, micro);
  Carver carver(exec.scratch);
  const Memory memory = carve(carver, plan, exec.threads);
  fill_tables(plan, memory);
  if (plan.shared) {
    run_shared(args, exec, micro, storage, plan, memory);
  } else {
    run_chunks(args, exec, micro, storage, plan, memory);
  }
  if (args.bias != nullptr) sum_bias(args, exec, *micro.f32, storage, memory.bias);
}

size_t gather_backward_weight_scratch(const Conv2dArgs& args, int threads, const Micro& micro,
                                      const Storage&) {
  Carver carver;
  carve(carver, make_plan(args, micro), threads);
  return carver.used();
}

}  // namespace taxon::kernels
