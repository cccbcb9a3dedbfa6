// Winograd's convolution: forward, and the gradient of the input, which is the same convolution
// with the filters turned round and input and output channels exchanged. Two ways to walk:
//
// - by blocks of tiles, each transformed, multiplied with all weights and transformed back while it
//   lies in the second-level cache; the transformed weights are computed once for all;
// - by panels of output channels, where there are few tiles and many channels: all tiles are
//   transformed once, and each panel's weights are transformed right before they are used (unless
//   they were prepared for many calls).
#include "winograd.h"

#include "gather.h"
#include "winograd_tiles.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {

WinogradLayout winograd_layout(int64_t values, int64_t depth, int64_t tiles) {
  const int64_t row = std::min(kSlab, (depth + 15) / 16 * 16);
  return {values, depth, ceil_div(depth, row), row, tiles};
}

namespace {

constexpr int64_t kBlockBytes = 576 << 10;    // of the transformed inputs of a block
constexpr int64_t kLeastBlock = 14;           // tiles, about
constexpr int64_t kFewTiles = 8;              // least of a block that is cut for more tasks
constexpr int64_t kPanelBlock = 64;           // tiles, when walking by panels
constexpr int64_t kAllTilesBytes = 12 << 20;  // of all transformed inputs, when walking by panels
constexpr int64_t kManyChannels = 512;
constexpr int64_t kManyWeights = 24 << 20;  // bytes transformed: past the caches
constexpr int64_t kOwnBytes = 768 << 10;    // transformed weights that each thread reads in full

/// A convolution of `from` to `to`, either direction.
struct Job {
  const WinogradForm* form;
  WinogradImages from, to;
  WinogradTiles tiles;
  int64_t count;  // tiles in all
  bool turned;    // the gradient: filters turned round, channels exchanged
  bool by_panels;
  int64_t depth;         // words of a tile, see WinogradMicro
  WinogradLayout input;  // of a block
  int64_t blocks;
  int64_t width, panels;  // columns of a panel
  int64_t panel_xi() const { return depth * width + 16; }
  int64_t panel_elements() const { return form->weights * panel_xi(); }
  int64_t product_xi() const { return input.tiles * width + 16; }
  int64_t product_elements() const { return form->products * product_xi(); }
  int64_t block_first(int64_t b) const { return split_at(count, blocks, b); }
};

Job make_job(const Conv2dArgs& args, const WinogradSet& set, bool turned) {
  const Micro& micro = *set.micro;
  const WinogradForm& form = *set.transform->form;
  Job job;
  job.form = &form;
  const int64_t element = set.storage->element;
  const WinogradImages x = {args.h, args.w, args.c, element},
                       y = {args.oh, args.ow, args.k, element};
  job.turned = turned;
  job.from = turned ? y : x;
  job.to = turned ? x : y;
  job.tiles = winograd_tiles(form, job.to.h, job.to.w,
                             turned ? (2 - args.pad_h) / args.stride_h : args.pad_h,
                             turned ? (2 - args.pad_w) / args.stride_w : args.pad_w);
  job.count = args.n * job.tiles.an_image();
  job.width = job.to.c <= micro.width ? micro.width : 2 * micro.width;
  job.panels = ceil_div(job.to.c, job.width);
  job.depth = ceil_div(job.from.c, set.transform->word);
  const WinogradLayout one = winograd_layout(form.values, job.depth, 1);
  const int64_t tile_bytes = form.values * 4 * one.slab() * one.slabs;
  const int64_t weight_bytes = form.weights * 4 * job.depth * job.to.c;
  job.by_panels =
      job.count * tile_bytes <= kAllTilesBytes &&
      (job.from.c >= kManyChannels || weight_bytes >= kManyWeights ||
       (job.count < 8 * micro.rows && (weight_bytes > kOwnBytes || job.count < 2 * kFewTiles)));
  int64_t tiles = kPanelBlock;
  if (!job.by_panels) {  // whole tiles of products: fewer where the channels are many
    const int64_t rows = micro.rows;
    tiles = rows *
            std::clamp(kBlockBytes / tile_bytes / rows, kLeastBlock / rows, 2 * kLeastBlock / rows);
    // One image: at least two blocks, as long as they are not tiny.
    tiles = std::min(tiles, std::max(kFewTiles, ceil_div(job.count, 4)));
  }
  job.blocks = ceil_div(job.count, tiles);
  job.input = winograd_layout(form.values, job.depth,
                              ceil_div(job.count, std::max<int64_t>(job.blocks, 1)));
  return job;
}

/// The pieces of scratch memory.
struct Memory {
  float* zeros;
  const float* weights;  // all panels, or a slot's panel
  float* own = nullptr;  // the same, unless prepared before
  float* filters;        // a slot: filters turned into columns
  float* input;          // a slot's block, or all blocks
  float* product;        // a slot
};

/// Rows of `depth` filters turned at a time.
constexpr int64_t kTurned = 16;

Memory carve(Carver& carver, const Job& job, int threads, const void* prepared) {
  Memory m;
  m.zeros = carver.take<float>(job.from.c);
  if (prepared != nullptr) {
    m.weights = static_cast<const float*>(prepared);
  } else {
    m.own = carver.take<float>((job.by_panels ? threads : job.panels) * job.panel_elements());
    m.weights = m.own;
  }
  m.filters = carver.take<float>(threads * 9 * kTurned * job.width);
  m.input = carver.take<float>((job.by_panels ? job.blocks : threads) * job.input.elements());
  m.product = carver.take<float>(threads * job.product_elements());
  return m;
}

/// U of one panel: [xi][word of input channels][width].
void transform_weights(const Conv2dArgs& args, const WinogradSet& set, const Job& job,
                       int64_t panel, float* filters, float* u) {
  const auto* weight = static_cast<const float*>(args.weight);
  const int64_t first = panel * job.width, cols = std::min(job.width, job.to.c - first);
  const float* taps[9];
  if (job.turned) {  // columns are the filters' channels, which lie side by side
    for (int64_t t = 0; t < 9; ++t) taps[8 - t] = weight + t * args.c + first;
    set.transform->weight(taps, 9 * args.c, job.from.c, cols, u, job.panel_xi(), job.width);
    return;
  }
  for (int64_t c = 0; c < job.from.c; c += kTurned) {
    const int64_t rows = std::min(kTurned, job.from.c - c);
    for (int64_t t = 0; t < 9; ++t) {
      float* to = filters + t * kTurned * job.width;
      set.micro->transpose(weight + (first * 9 + t) * args.c + c, 9 * args.c, cols, rows, to,
                           job.width, job.width);
      taps[t] = to;
    }
    set.transform->weight(taps, job.width, rows, job.width, u + c / set.transform->word * job.width,
                          job.panel_xi(), job.width);
  }
}

/// V of one block.
void transform_input(const WinogradSet& set, const Job& job, const void* source, const float* zeros,
                     int64_t block, float* v) {
  const int64_t first = job.block_first(block), last = job.block_first(block + 1);
  const void *pixels[kWinogradValues], *ahead[kWinogradValues];
  for (int64_t t = first; t < last; ++t) {
    const int64_t next = std::min(t + job.form->ahead, job.count - 1);
    winograd_input_pixels(source, job.from, job.tiles, t, zeros, pixels);
    winograd_input_pixels(source, job.from, job.tiles, next, zeros, ahead);
    set.transform->input({pixels, ahead, job.from.c},
                         {v + (t - first) * job.input.row, job.input.xi(), job.input.slab(), 0});
  }
}

/// The products of a block with a panel.
void multiply(const WinogradSet& set, const Job& job, const float* v, const float* u, int64_t tiles,
              float* product) {
  const int64_t parts = ceil_div(tiles, set.micro->rows);
  const int vectors = job.width == set.micro->width ? 1 : 2;
  WinogradProduct p = {};
  p.row = job.input.row;
  p.slab_stride = job.input.slab();
  p.depth = job.depth;
  p.v_part = job.input.xi();
  p.u_part = job.panel_xi();
  for (int64_t xi = 0; xi < job.form->products; ++xi) {
    const WinogradTerm term = job.form->terms[xi];
    p.parts = term.parts;
    p.u = u + term.weight * job.panel_xi();
    for (int64_t i = 0; i < parts; ++i) {
      const int64_t first = split_at(tiles, parts, i);
      p.v = v + term.value * job.input.xi() + first * job.input.row;
      p.m = product + xi * job.product_xi() + first * job.width;
      set.transform->product(p, static_cast<int>(split_at(tiles, parts, i + 1) - first), vectors);
    }
  }
}

/// `out` describes the whole output; a tile's is a part of it.
void transform_output(const WinogradSet& set, const Job& job, const WinogradOutput& out,
                      int64_t block, int64_t panel, const float* product) {
  const int64_t first = job.block_first(block), last = job.block_first(block + 1);
  const int64_t column = panel * job.width, channels = std::min(job.width, job.to.c - column);
  WinogradOutput to = out;
  if (out.bias != nullptr) to.bias = out.bias + column;
  for (int64_t t = first; t < last; ++t) {
    const WinogradPlace p = winograd_place(job.tiles, t);
    const int64_t tile = job.form->tile, y = p.row * tile, x = p.col * tile;
    const int64_t at = ((p.image * job.to.h + y) * job.to.w + x) * job.to.c + column;
    to.y = set.storage->at(out.y, at);
    to.residual = set.storage->at(out.residual, at);
    to.rows = static_cast<int>(std::min(tile, job.to.h - y));
    to.cols = static_cast<int>(std::min(tile, job.to.w - x));
    set.transform->output(to, product + (t - first) * job.width, job.product_xi(), channels);
  }
  if (out.stream) set.micro->finish();
}

void transform_all_weights(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set,
                           const Job& job, float* filters, float* to) {
  parallel(exec, job.panels, [&](int64_t panel, int slot) {
    transform_weights(args, set, job, panel, filters + slot * 9 * kTurned * job.width,
                      to + panel * job.panel_elements());
  });
}

void run_by_blocks(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set, const Job& job,
                   const Memory& m, const void* source, const WinogradOutput& out) {
  if (m.own != nullptr) transform_all_weights(args, exec, set, job, m.filters, m.own);
  parallel(exec, job.blocks, [&](int64_t block, int slot) {
    float* v = m.input + slot * job.input.elements();
    float* product = m.product + slot * job.product_elements();
    transform_input(set, job, source, m.zeros, block, v);
    const int64_t tiles = job.block_first(block + 1) - job.block_first(block);
    for (int64_t panel = 0; panel < job.panels; ++panel) {
      multiply(set, job, v, m.weights + panel * job.panel_elements(), tiles, product);
      transform_output(set, job, out, block, panel, product);
    }
  });
}

void run_by_panels(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set, const Job& job,
                   const Memory& m, const void* source, const WinogradOutput& out) {
  parallel(exec, job.blocks, [&](int64_t block, int) {
    transform_input(set, job, source, m.zeros, block, m.input + block * job.input.elements());
  });
  parallel(exec, job.panels, [&](int64_t panel, int slot) {
    const float* u = m.weights + panel * job.panel_elements();
    if (m.own != nullptr) {
      float* own = m.own + slot * job.panel_elements();
      transform_weights(args, set, job, panel, m.filters + slot * 9 * kTurned * job.width, own);
      u = own;
    }
    float* product = m.product + slot * job.product_elements();
    for (int64_t block = 0; block < job.blocks; ++block) {
      const int64_t tiles = job.block_first(block + 1) - job.block_first(block);
      multiply(set, job, m.input + block * job.input.elements(), u, tiles, product);
      transform_output(set, job, out, block, panel, product);
    }
  });
}

void run_job(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set, bool turned) {
  const Job job = make_job(args, set, turned);
  if (job.count == 0) return;
  Carver carver(exec.scratch);
  const Memory m = carve(carver, job, exec.threads, args.prepared);
  std::fill(m.zeros, m.zeros + job.from.c, 0.0f);
  const void* source = turned ? args.y : args.x;
  void* dest = turned ? args.x : args.y;
  const int64_t vector = set.micro->width;
  const bool stream =
      args.n * job.to.h * job.to.w * job.to.pixel() >= kStreamBytes && job.to.c % vector == 0 &&
      reinterpret_cast<uintptr_t>(dest) % static_cast<size_t>(vector * set.storage->element) == 0;
  WinogradOutput out = {};
  out.y = dest;
  out.row_stride = job.to.w * job.to.c;
  out.pixel_stride = job.to.c;
  out.stream = stream;
  if (!turned) {
    out.bias = static_cast<const float*>(args.bias);
    out.residual = args.residual;
    out.relu = args.relu;
  }
  (job.by_panels ? run_by_panels : run_by_blocks)(args, exec, set, job, m, source, out);
}

size_t scratch_of(const Conv2dArgs& args, int threads, const WinogradSet& set, bool turned) {
  Carver carver;
  carve(carver, make_job(args, set, turned), threads, args.prepared);
  return carver.used();
}

}  // namespace

namespace {

/// What both strides decline.
const char* declines(const Conv2dArgs& args, int64_t stride) {
  if (args.exact) return "exact convolution asked for";
  if (args.r != 3 || args.s != 3) return "filter not 3x3";
  if (args.stride_h != stride || args.stride_w != stride) return "stride";
  if (args.dilation_h != 1 || args.dilation_w != 1) return "dilation";
  if (args.groups != 1) return "groups";
  if (args.pad_h > 2 || args.pad_w > 2) return "padding wider than the filter";
  if (args.c < 8 || args.k < 8) return "few channels";
  if (args.oh < 3 || args.ow < 3 || args.h < 3 || args.w < 3) return "small map";
  return nullptr;
}

}  // namespace

int64_t winograd_output_tiles(const Conv2dArgs& args) {
  return args.n * ceil_div(args.oh, 4) * ceil_div(args.ow, 4);
}

const char* winograd_forward_declines(const Conv2dArgs& args) {
  const char* reason = declines(args, 1);
  if (reason != nullptr) return reason;
  // One tile of 512 channels: 4.4 ms against 3.0 ms. Four tiles of 256: 0.7 against 1.2.
  return winograd_output_tiles(args) < 4 ? "few tiles" : nullptr;
}

const char* winograd_backward_data_declines(const Conv2dArgs& args) {
  return winograd_forward_declines(args);
}

namespace {

/// What pairs of bf16 decline beside.
const char* if_odd(int64_t channels, const char* reason) {
  if (reason != nullptr) return reason;
  return channels % 2 != 0 ? "odd number of channels to sum over" : nullptr;
}

/// What all directions of stride 2 decline.
const char* s2_declines(const Conv2dArgs& args) {
  const char* reason = declines(args, 2);
  if (reason != nullptr) return reason;
  // Outputs of 14x14 (16 images, 256 channels) fill 77 % of their tiles: 21.0 ms against 18.7 ms.
  const int64_t tiles = winograd_output_tiles(args);
  if (args.n * args.oh * args.ow * 10 < tiles * 16 * 8) return "tiles not full";
  // The weights are transformed to 9 times their size, or read so. 4 tiles of 128 to 256 channels:
  // 0.38 ms against 0.26; 128 of 256 to 512: 21.4 against 25.1.
  return tiles < 96 ? "few tiles" : nullptr;
}

}  // namespace

const char* winograd_dots_forward_declines(const Conv2dArgs& args) {
  return if_odd(args.c, winograd_forward_declines(args));
}

const char* winograd_dots_backward_data_declines(const Conv2dArgs& args) {
  return if_odd(args.k, winograd_backward_data_declines(args));
}

const char* winograd_s2_forward_declines(const Conv2dArgs& args) {
  const char* reason = s2_declines(args);
  if (reason != nullptr) return reason;
  // 16 to 32 channels at 32x32, 128 images: 2.3 ms against 1.9; 32 to 64 at 16x16: 1.5 against 1.8.
  return args.c < 32 ? "few channels" : nullptr;
}

const char* winograd_s2_backward_data_declines(const Conv2dArgs& args) {
  const char* reason = s2_declines(args);
  if (reason != nullptr) return reason;
  // Tiles begin at a pixel of one tap.
  return args.pad_h != 1 || args.pad_w != 1 ? "padding is not 1" : nullptr;
}

void winograd_forward(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set) {
  run_job(args, exec, set, false);
}
size_t winograd_prepared_bytes(const Conv2dArgs& args, const WinogradSet& set) {
  const Job job = make_job(args, set, false);
  return static_cast<size_t>(job.panels * job.panel_elements()) * sizeof(float);
}
void winograd_prepare(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set, void* to) {
  const Job job = make_job(args, set, false);
  Carver carver(exec.scratch);
  const Memory m = carve(carver, job, exec.threads, nullptr);
  transform_all_weights(args, exec, set, job, m.filters, static_cast<float*>(to));
}
size_t winograd_forward_scratch(const Conv2dArgs& args, int threads, const WinogradSet& set) {
  return scratch_of(args, threads, set, false);
}
void winograd_backward_data(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set) {
  run_job(args, exec, set, true);
}
size_t winograd_backward_data_scratch(const Conv2dArgs& args, int threads, const WinogradSet& set) {
  return scratch_of(args, threads, set, true);
}

}  // namespace taxon::kernels
