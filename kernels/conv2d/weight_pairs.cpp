// The gradient of the weights of bf16 images: products of the output's gradient, transposed to
// [filter][pixel], with the input at each tap, packed in pairs of pixels; both as they are stored,
// so that only the sums round. Small gradients are summed in up to 8 fixed chunks of blocks of
// pixels, combined in order; large ones take the blocks one after the other and split the outputs
// among the threads (as backward_weight.cpp).
#include "gather.h"

#include "geometry.h"
#include "source.h"
#include "winograd.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {
namespace {

constexpr int64_t kChunks = 8;
constexpr int64_t kPartialBytes = 6 << 20;  // of all accumulators, else the outputs are split
constexpr int64_t kPixels = 512, kBytes = 256 << 10;
constexpr int64_t kSharedBytes = 2 << 20;
constexpr int64_t kApart = 32;  // more elements between filters, lest they share cache sets

struct Plan {
  Axis h, w;
  int64_t groups, images, channels, filters, taps;  // channels and filters a group
  Blocks blocks;
  SlabLayout layout;
  int64_t width;   // columns of a panel: the channels of a slab, padded
  int64_t pixels;  // most a block
  int64_t stride;  // between filters of the transposed gradient
  int64_t chunks;  // accumulators
  bool shared;     // one accumulator, outputs split

  int64_t columns() const { return layout.slabs * width; }        // padded channels
  int64_t filter_sums() const { return taps * columns(); }        // of a filter
  int64_t group_sums() const { return filters * filter_sums(); }  // of an accumulator
  int64_t sums() const { return groups * group_sums(); }
  bool padded() const { return columns() != channels; }
  bool direct() const { return chunks == 1 && !padded(); }  // sums go straight to the weights
  int64_t slab_elements() const { return layout.slabs * layout.slab + kSlab; }
  int64_t panel_elements() const { return (pixels + 1) / 2 * 2 * width; }
};

Plan make_plan(const Conv2dArgs& args, const PairSet& set) {
  Plan p;
  p.h = forward_axis(height_of(args));
  p.w = forward_axis(width_of(args));
  p.groups = args.groups;
  p.images = args.n;
  p.channels = args.c / args.groups;
  p.filters = args.k / args.groups;
  p.taps = args.r * args.s;
  p.layout = slabs_of(p.channels);
  p.width = p.channels <= set.products->width ? set.products->width : kSlab;
  p.shared = p.sums() * 4 * kChunks > kPartialBytes;
  const int64_t grid = args.n * args.oh * args.ow;
  p.blocks =
      cut_blocks(args.n, p.h, p.w, p.shared ? kPixels : std::min(kPixels, ceil_div(grid, kChunks)),
                 p.layout.pixel_elements() * set.kept->work, p.shared ? kSharedBytes : kBytes);
  place(p.layout, p.h, p.w, p.blocks, set.kept->work);
  p.pixels = p.blocks.images * p.blocks.rows * p.w.count;
  p.stride = ceil_div(p.pixels, kSlab) * kSlab + kApart;
  p.chunks = p.shared ? 1 : std::min(kChunks, p.blocks.count);
  return p;
}

/// The pieces of scratch memory; a slot's where blocks are taken side by side.
struct Memory {
  float* sums;           // [chunk][group][filter][tap][column]
  float* total;          // of all chunks, where columns are padded
  float* bias;           // [chunk][filter]
  int64_t* tap_offsets;  // of each tap in a slab
  Bf16* slabs;           // a slot, or shared: the padded input
  Bf16* gradient;        // a slot, or shared: [filter][pixel]
  int64_t* offsets;      // a slot, or shared: of each pixel in a slab
  Bf16* panel;           // a slot: the input at one tap
};
Memory carve(Carver& carver, const Plan& p, int threads) {
  const int64_t slots = p.shared ? 1 : threads;
  Memory m;
  m.sums = carver.take<float>(p.direct() ? 0 : p.chunks * p.sums());
  m.total = carver.take<float>(p.padded() && p.chunks != 1 ? p.sums() : 0);
  m.bias = carver.take<float>(kChunks * p.groups * p.filters);
  m.tap_offsets = carver.take<int64_t>(p.taps);
  m.slabs = carver.take<Bf16>(slots * p.slab_elements());
  m.gradient = carver.take<Bf16>(slots * p.filters * p.stride);
  m.offsets = carver.take<int64_t>(slots * p.pixels);
  m.panel = carver.take<Bf16>(threads * p.panel_elements());
  return m;
}

/// A block's pixels lie one after the other in the output.
int64_t first_pixel(const Plan& p, const Block& b) {
  return (b.image * p.h.count + b.row) * p.w.count;
}
int64_t pixels_of(const Plan& p, const Block& b) {
  return b.images * b.rows * p.w.count;
}

/// Image `image` of a block: its input into slabs, its output's gradient transposed.
void fill_image(const Conv2dArgs& args, const PairSet& set, const Plan& p, const Memory& m,
                int64_t group, const Block& block, int64_t image) {
  const Block one = {block.image + image, 1, block.row, block.rows};
  const void* x = args.x;
  const Source source = {set.kept->at(x, group * p.channels), args.h * args.w * args.c,
                         args.w * args.c, args.c};
  fill_slabs(*set.kept, source, p.h, p.w, p.layout, one, m.slabs + image * p.layout.image);
  const int64_t count = pixels_of(p, one);
  int64_t* offsets = m.offsets + image * count;
  slab_offsets(p.h, p.w, p.layout, one, offsets);
  for (int64_t i = 0; i < count; ++i) offsets[i] += image * p.layout.image;
}

/// Filters [first, last) of a block's gradient.
void transpose_gradient(const Conv2dArgs& args, const PairSet& set, const Plan& p, const Memory& m,
                        int64_t group, const Block& block, int64_t first, int64_t last) {
  const auto* y =
      static_cast<const Bf16*>(args.y) + first_pixel(p, block) * args.k + group * p.filters + first;
  set.pairs->transpose(y, args.k, pixels_of(p, block), last - first, m.gradient + first * p.stride,
                       p.stride);
}

/// All filters x the channels of one slab at one tap.
void multiply(const PairSet& set, const Plan& p, const Memory& m, int64_t pixels, int64_t slab,
              int64_t tap, float* sums, bool accumulate) {
  const Products& products = *set.products;
  const int64_t cols = p.layout.depth_of(slab);
  set.pairs->pack_pixels(m.slabs + slab * p.layout.slab + m.tap_offsets[tap], m.offsets, pixels,
                         cols, m.panel, p.width);
  const Segment all = {0, (pixels + 1) / 2 * 2};
  int64_t a_rows[kSlab], c_rows[kSlab];
  for (int64_t i = 0; i < products.rows; ++i) {
    a_rows[i] = i * p.stride;
    c_rows[i] = i * p.filter_sums();
  }
  Tile tile = {};
  tile.a_rows = a_rows;
  tile.c_rows = c_rows;
  tile.segments = &all;
  tile.segment_count = 1;
  tile.b = m.panel;
  tile.b_stride = p.width;
  tile.cols = p.width;
  tile.accumulate = accumulate;
  const int64_t tiles = ceil_div(p.filters, products.rows);
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t first = split_at(p.filters, tiles, t), last = split_at(p.filters, tiles, t + 1);
    tile.a = m.gradient + first * p.stride;
    tile.c = sums + first * p.filter_sums() + tap * p.columns() + slab * p.width;
    products.tile(tile, static_cast<int>(last - first), p.width == products.width ? 1 : 2);
  }
}

void run_chunks(const Conv2dArgs& args, const Exec& exec, const PairSet& set, const Plan& p,
                const Memory& memory, float* sums) {
  parallel(exec, p.groups * p.chunks, [&](int64_t i, int slot) {
    Memory m = memory;
    m.slabs += slot * p.slab_elements();
    m.gradient += slot * p.filters * p.stride;
    m.offsets += slot * p.pixels;
    m.panel += slot * p.panel_elements();
    const int64_t group = i / p.chunks, chunk = i % p.chunks;
    float* mine = sums + chunk * p.sums() + group * p.group_sums();
    const int64_t first = split_at(p.blocks.count, p.chunks, chunk);
    const int64_t last = split_at(p.blocks.count, p.chunks, chunk + 1);
    for (int64_t b = first; b < last; ++b) {
      const Block block = block_at(p.blocks, p.images, p.h, b);
      for (int64_t image = 0; image < block.images; ++image) {
        fill_image(args, set, p, m, group, block, image);
      }
      transpose_gradient(args, set, p, m, group, block, 0, p.filters);
      for (int64_t task = 0; task < p.layout.slabs * p.taps; ++task) {
        multiply(set, p, m, pixels_of(p, block), task / p.taps, task % p.taps, mine, b > first);
      }
    }
  });
}

/// One block after the other; in each, first copies, then products, are split among the threads.
void run_shared(const Conv2dArgs& args, const Exec& exec, const PairSet& set, const Plan& p,
                const Memory& memory, float* sums) {
  const int64_t parts = ceil_div(p.filters, kSlab);
  for (int64_t i = 0; i < p.groups * p.blocks.count; ++i) {
    const int64_t group = i / p.blocks.count, b = i % p.blocks.count;
    const Block block = block_at(p.blocks, p.images, p.h, b);
    parallel(exec, block.images + parts, [&](int64_t task, int) {
      if (task < block.images) {
        fill_image(args, set, p, memory, group, block, task);
      } else {
        const int64_t part = task - block.images;
        transpose_gradient(args, set, p, memory, group, block, split_at(p.filters, parts, part),
                           split_at(p.filters, parts, part + 1));
      }
    });
    parallel(exec, p.layout.slabs * p.taps, [&](int64_t task, int slot) {
      Memory m = memory;
      m.panel += slot * p.panel_elements();
      multiply(set, p, m, pixels_of(p, block), task / p.taps, task % p.taps,
               sums + group * p.group_sums(), b > 0);
    });
  }
}

/// The sums of all chunks, without the padding of their columns, into the weights.
void collect(const Exec& exec, const PairSet& set, const Plan& p, const Memory& m, float* weight) {
  float* total = p.chunks == 1 ? m.sums : p.padded() ? m.total : weight;
  if (p.chunks != 1) {
    constexpr int64_t piece = 4096;
    parallel(exec, ceil_div(p.sums(), piece), [&](int64_t i, int) {
      const int64_t first = i * piece, count = std::min(piece, p.sums() - first);
      set.f32->column_sums(m.sums + first, p.sums(), p.chunks, count, total + first, false);
    });
  }
  if (!p.padded()) return;
  const int64_t filters = p.groups * p.filters;
  parallel(exec, ceil_div(filters, kSlab), [&](int64_t i, int) {
    const int64_t first = i * kSlab * p.taps;
    const int64_t rows = std::min(kSlab, filters - i * kSlab) * p.taps;
    set.f32->copy(total + first * p.columns(), p.columns(), rows, p.channels,
                  weight + first * p.channels, p.channels, p.channels);
  });
}

}  // namespace

const char* tile_products_backward_weight_declines(const Conv2dArgs& args) {
  return args.c / args.groups < 8 ? "few channels" : nullptr;
}
const char* dot_products_backward_weight_declines(const Conv2dArgs& args) {
  if (winograd_backward_weight_declines(args) == nullptr) return "Winograd multiplies less";
  return tile_products_backward_weight_declines(args);
}

void pair_backward_weight(const Conv2dArgs& args, const Exec& exec, const PairSet& set) {
  const Plan p = make_plan(args, set);
  Carver carver(exec.scratch);
  const Memory m = carve(carver, p, exec.threads);
  tap_offsets(p.h, p.w, p.layout, m.tap_offsets);
  auto* weight = static_cast<float*>(args.weight);
  if (p.shared) {
    run_shared(args, exec, set, p, m, p.direct() ? weight : m.sums);
  } else {
    run_chunks(args, exec, set, p, m, p.direct() ? weight : m.sums);
  }
  if (!p.direct()) collect(exec, set, p, m, weight);
  if (args.bias != nullptr) sum_bias(args, exec, *set.f32, *set.kept, m.bias);
}

size_t pair_backward_weight_scratch(const Conv2dArgs& args, int threads, const PairSet& set) {
  Carver carver;
  carve(carver, make_plan(args, set), threads);
  return carver.used();
}

}  // namespace taxon::kernels
