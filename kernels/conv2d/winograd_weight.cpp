// The gradient of the weights by Winograd's method: G^T [ sum over tiles (A y A^T) * (B^T d B) ] G,
// products whose sums run over the tiles. Small gradients are summed in up to 8 fixed chunks of
// tiles, each with an accumulator of its own; large ones take block after block of tiles and split
// the products among the threads. Either way the order of every sum depends on the sizes alone.
#include "winograd.h"

#include "gather.h"
#include "winograd_tiles.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {
namespace {

constexpr int64_t kChunks = 8;
constexpr int64_t kPartialBytes = 10 << 20;  // of all accumulators, else one is shared
constexpr int64_t kBlockBytes = 2 << 20;     // of a chunk's transformed tiles
constexpr int64_t kSharedBytes = 20 << 20;   // of those of a shared block
constexpr int64_t kManySums = 4 << 20;       // bytes of one accumulator
constexpr int64_t kFewTiles = 48;            // for so many sums
constexpr int64_t kPiece = 16;               // tiles a task when a shared block is transformed

struct Plan {
  const WinogradForm* form;
  WinogradImages x, y;
  WinogradTiles tiles;
  uint8_t product[kWinogradValues];  // that of the gradient each value is multiplied with
  int64_t count;                     // tiles in all
  bool shared;
  int64_t chunks, blocks;      // blocks a chunk
  int64_t word;                // tiles a row of the layouts
  WinogradLayout input, grad;  // rows of a block's tiles
  int64_t ldc;                 // elements between rows (filters) of an accumulator

  int64_t sums_xi() const { return y.c * ldc + 16; }
  int64_t sums() const { return form->values * sums_xi(); }
  int64_t chunk_first(int64_t chunk) const { return split_at(count, chunks, chunk); }
  /// The first tile of block b of a chunk.
  int64_t block_first(int64_t chunk, int64_t b) const {
    const int64_t first = chunk_first(chunk);
    return first + split_at(chunk_first(chunk + 1) - first, blocks, b);
  }
};

Plan make_plan(const Conv2dArgs& args, const WinogradSet& set) {
  const WinogradForm& form = *set.transform->form;
  Plan p;
  p.form = &form;
  p.word = set.transform->word;
  p.x = {args.h, args.w, args.c, set.storage->element};
  p.y = {args.oh, args.ow, args.k, set.storage->element};
  p.tiles = winograd_tiles(form, args.oh, args.ow, args.pad_h, args.pad_w);
  for (int i = 0; i < form.products; ++i) {
    const WinogradTerm& term = form.terms[i];
    std::fill_n(p.product + term.value, term.parts, static_cast<uint8_t>(i));
  }
  p.count = args.n * p.tiles.an_image();
  p.ldc = ceil_div(args.c, 16) * 16;
  const int64_t partials = kPartialBytes / 4 / p.sums();
  p.chunks = std::min<int64_t>({kChunks, partials, ceil_div(p.count, 16)});
  p.shared = p.chunks < 4 && p.count > 64;
  if (p.shared || p.chunks < 1) p.chunks = 1;
  const int64_t tile_bytes = 4 * (form.values * args.c + form.products * args.k) / p.word;
  const int64_t wanted = p.shared ? std::clamp<int64_t>(kSharedBytes / tile_bytes, 64, 512)
                                  : std::clamp<int64_t>(kBlockBytes / tile_bytes, 64, 256);
  const int64_t most = ceil_div(p.count, p.chunks);  // tiles a chunk
  p.blocks = ceil_div(most, wanted);
  const int64_t rows = ceil_div(ceil_div(most, std::max<int64_t>(p.blocks, 1)), p.word);
  p.input = winograd_layout(form.values, args.c, rows);
  p.grad = winograd_layout(form.products, args.k, rows);
  return p;
}

/// The pieces of scratch memory.
struct Memory {
  float* zeros;
  float* sums;   // [chunk][xi][filter][channel]
  float* bias;   // [8][filter]
  float* input;  // a slot, or shared
  float* grad;   // a slot, or shared
};

Memory carve(Carver& carver, const Plan& p, int threads) {
  const int64_t slots = p.shared ? 1 : threads;
  Memory m;
  m.zeros = carver.take<float>(std::max(p.x.c, p.y.c));
  m.sums = carver.take<float>(p.chunks * p.sums());
  m.bias = carver.take<float>(kChunks * p.y.c);
  m.input = carver.take<float>(slots * p.input.elements());
  m.grad = carver.take<float>(slots * p.grad.elements());
  return m;
}

/// Tiles [first, last), which are tiles `at`, at + 1, ... of their block.
void transform(const Conv2dArgs& args, const WinogradSet& set, const Plan& p, const Memory& m,
               int64_t first, int64_t last, int64_t at) {
  const void *x = args.x, *y = args.y;
  const void *pixels[kWinogradValues], *ahead[kWinogradValues];
  for (int64_t t = first; t < last; ++t, ++at) {
    const int64_t next = std::min(t + p.form->ahead, p.count - 1);
    winograd_input_pixels(x, p.x, p.tiles, t, m.zeros, pixels);
    winograd_input_pixels(x, p.x, p.tiles, next, m.zeros, ahead);
    const int64_t row = at / p.word;
    const int half = static_cast<int>(at % p.word);
    set.transform->input_of_sum({pixels, ahead, p.x.c},
                                {m.input + row * p.input.row, p.input.xi(), p.input.slab(), half});
    winograd_output_pixels(y, p.y, p.tiles, t, m.zeros, pixels);
    winograd_output_pixels(y, p.y, p.tiles, next, m.zeros, ahead);
    set.transform->output_grad({pixels, ahead, p.y.c},
                               {m.grad + row * p.grad.row, p.grad.xi(), p.grad.slab(), half});
  }
}

/// sums (+)= the product with value xi of a block of `tiles`.
void multiply(const WinogradSet& set, const Plan& p, const Memory& m, int64_t xi, int64_t tiles,
              float* sums, bool accumulate) {
  const Micro& micro = *set.micro;
  const int64_t block = 2 * micro.width;
  WinogradOuter outer = {};
  outer.grad_row = p.grad.row;
  outer.input_row = p.input.row;
  outer.steps = ceil_div(tiles, p.word);
  outer.sums_row = p.ldc;
  outer.accumulate = accumulate;
  for (int64_t c = 0; c < p.x.c; c += block) {
    const int vectors = p.x.c - c <= micro.width ? 1 : 2;
    outer.input = m.input + xi * p.input.xi() + c / p.input.row * p.input.slab() + c % p.input.row;
    for (int64_t s = 0; s < p.grad.slabs; ++s) {
      const int64_t depth = std::min(p.grad.row, p.y.c - s * p.grad.row);
      const int64_t parts = ceil_div(depth, micro.rows);
      for (int64_t i = 0; i < parts; ++i) {
        const int64_t row = split_at(depth, parts, i);
        outer.grad = m.grad + p.product[xi] * p.grad.xi() + s * p.grad.slab() + row;
        outer.sums = sums + xi * p.sums_xi() + (s * p.grad.row + row) * p.ldc + c;
        set.transform->outer(outer, static_cast<int>(split_at(depth, parts, i + 1) - row), vectors);
      }
    }
  }
}

void run_chunks(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set, const Plan& p,
                const Memory& memory) {
  parallel(exec, p.chunks, [&](int64_t chunk, int slot) {
    Memory m = memory;
    m.input += slot * p.input.elements();
    m.grad += slot * p.grad.elements();
    for (int64_t b = 0; b < p.blocks; ++b) {
      const int64_t first = p.block_first(chunk, b), last = p.block_first(chunk, b + 1);
      transform(args, set, p, m, first, last, 0);
      for (int64_t xi = 0; xi < p.form->values; ++xi) {
        multiply(set, p, m, xi, last - first, m.sums + chunk * p.sums(), b > 0);
      }
    }
  });
}

void run_shared(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set, const Plan& p,
                const Memory& m) {
  for (int64_t b = 0; b < p.blocks; ++b) {
    const int64_t first = p.block_first(0, b), tiles = p.block_first(0, b + 1) - first;
    const int64_t rows = ceil_div(tiles, p.word), pieces = ceil_div(tiles, kPiece);
    parallel(exec, pieces, [&](int64_t i, int) {  // whole rows
      const int64_t at = p.word * split_at(rows, pieces, i);
      const int64_t end = std::min(tiles, p.word * split_at(rows, pieces, i + 1));
      transform(args, set, p, m, first + at, first + end, at);
    });
    parallel(exec, p.form->values,
             [&](int64_t xi, int) { multiply(set, p, m, xi, tiles, m.sums, b > 0); });
  }
}

}  // namespace

const char* winograd_backward_weight_declines(const Conv2dArgs& args) {
  const char* reason = winograd_forward_declines(args);
  if (reason != nullptr) return reason;
  // The sums must be written and read whatever the tiles. 16 tiles of 128 channels: 0.6 ms
  // against 1.3 ms; of 256 channels: 8.2 against 3.3.
  const int64_t tiles = winograd_output_tiles(args);
  if (36 * 4 * args.c * args.k > kManySums && tiles < kFewTiles) return "few tiles";
  return nullptr;
}

const char* winograd_dots_backward_weight_declines(const Conv2dArgs& args) {
  return winograd_backward_weight_declines(args);
}

const char* winograd_s2_backward_weight_declines(const Conv2dArgs& args) {
  const char* reason = winograd_s2_forward_declines(args);
  if (reason != nullptr) return reason;
  // 32 to 64 channels at 16x16, 128 images: 2.4 ms against 1.9; 64 to 128 at 32x32: 25 against 27.
  return args.c < 64 ? "few channels" : nullptr;
}

void winograd_backward_weight(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set) {
  const Plan p = make_plan(args, set);
  Carver carver(exec.scratch);
  const Memory m = carve(carver, p, exec.threads);
  std::fill(m.zeros, m.zeros + std::max(p.x.c, p.y.c), 0.0f);
  (p.shared ? run_shared : run_chunks)(args, exec, set, p, m);
  auto* dw = static_cast<float*>(args.weight);
  parallel(exec, args.k, [&](int64_t k, int) {
    set.transform->weight_grad(m.sums + k * p.ldc, p.sums_xi(), p.chunks, p.sums(), args.c,
                               dw + k * 9 * args.c, args.c);
  });
  if (args.bias != nullptr) sum_bias(args, exec, *set.micro->f32, *set.storage, m.bias);
}

size_t winograd_backward_weight_scratch(const Conv2dArgs& args, int threads,
                                        const WinogradSet& set) {
  Carver carver;
  carve(carver, make_plan(args, set), threads);
  return carver.used();
}

}  // namespace taxon::kernels
