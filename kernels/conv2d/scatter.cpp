// The gradient of the input where its channels are few: a gather would leave most of each vector
// empty. Instead each output pixel's gradient is multiplied with the filters, whose columns are the
// taps of one filter row and the channels (side by side in the image as well), and each product
// row is added to the image where the filter lay.
#include "gather.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {
namespace {

constexpr int64_t kMostProducts = 4 << 20;

struct Plan {
  int64_t pixels;         // outputs an image
  int64_t cols;           // taps of a filter row times channels
  int64_t width, panels;  // columns of a panel; panels a filter row
  int64_t height, row;    // of the image that all taps reach: rows, elements a row

  int64_t panel_elements(int64_t k) const { return k * width; }
};

Plan make_plan(const Conv2dArgs& a, const Micro& micro) {
  Plan p;
  p.pixels = a.oh * a.ow;
  p.cols = a.s * a.c;
  p.width = p.cols <= micro.width ? micro.width : 2 * micro.width;
  p.panels = ceil_div(p.cols, p.width);
  p.height = std::max((a.oh - 1) * a.stride_h + (a.r - 1) * a.dilation_h + 1, a.pad_h + a.h);
  p.row = std::max((a.ow - 1) * a.stride_w + a.s, a.pad_w + a.w) * a.c;
  return p;
}

/// The pieces of scratch memory.
struct Memory {
  float* weights;    // [filter row][panel][filter][width]
  int64_t* sources;  // offset of each output pixel's gradient
  int64_t* products;
  float* product;  // a slot: [pixel][width]
  float* image;    // a slot: [height][row]
};

Memory carve(Carver& carver, const Conv2dArgs& a, const Plan& p, int threads) {
  Memory m;
  m.weights = carver.take<float>(a.r * p.panels * p.panel_elements(a.k));
  m.sources = carver.take<int64_t>(p.pixels);
  m.products = carver.take<int64_t>(p.pixels);
  m.product = carver.take<float>(threads * p.pixels * p.width);
  m.image = carver.take<float>(threads * p.height * p.row);
  return m;
}

void pack(const Conv2dArgs& a, const Micro& micro, const Plan& p, float* to) {
  const auto* weight = static_cast<const float*>(a.weight);
  for (int64_t r = 0; r < a.r; ++r) {
    for (int64_t panel = 0; panel < p.panels; ++panel) {
      const int64_t first = panel * p.width;
      micro.f32->copy(weight + r * p.cols + first, a.r * p.cols, a.k,
                      std::min(p.width, p.cols - first), to, p.width, p.width);
      to += p.panel_elements(a.k);
    }
  }
}

void multiply(const Conv2dArgs& a, const Micro& micro, const Plan& p, const Memory& m,
              const float* dy, const float* weights, float* product) {
  const Segment whole = {0, a.k};
  Tile tile = {};
  tile.a = dy;
  tile.segments = &whole;
  tile.segment_count = 1;
  tile.b = weights;
  tile.b_stride = tile.cols = p.width;
  tile.c = product;
  const int64_t tiles = ceil_div(p.pixels, micro.rows);
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = split_at(p.pixels, tiles, t);
    tile.a_rows = m.sources + row;
    tile.c_rows = m.products + row;
    micro.tile(tile, static_cast<int>(split_at(p.pixels, tiles, t + 1) - row),
               p.width == micro.width ? 1 : 2);
  }
}

/// Adds the products of one panel to the image.
void add(const Conv2dArgs& a, const Plan& p, const float* product, int64_t r, int64_t panel,
         float* image) {
  const int64_t first = panel * p.width, cols = std::min(p.width, p.cols - first);
  for (int64_t y = 0; y < a.oh; ++y) {
    float* row = image + (y * a.stride_h + r * a.dilation_h) * p.row + first;
    for (int64_t x = 0; x < a.ow; ++x) {
      float* to = row + x * a.stride_w * a.c;
      for (int64_t i = 0; i < cols; ++i) to[i] += product[i];
      product += p.width;
    }
  }
}

}  // namespace

const char* scatter_declines(const Conv2dArgs& a) {
  if (a.groups != 1) return "groups";
  if (a.dilation_w != 1) return "dilation";
  if (a.c >= 12) return "many channels";
  if (a.k < 8) return "few filters";
  // A thread holds the products of a whole image.
  if (a.oh * a.ow * std::max<int64_t>(a.s * a.c, 32) > kMostProducts) return "large image";
  return nullptr;
}

void scatter_backward_data(const Conv2dArgs& args, const Exec& exec, const Micro& micro) {
  const Plan p = make_plan(args, micro);
  Carver carver(exec.scratch);
  const Memory m = carve(carver, args, p, exec.threads);
  pack(args, micro, p, m.weights);
  for (int64_t i = 0; i < p.pixels; ++i) {
    m.sources[i] = i * args.k;
    m.products[i] = i * p.width;
  }
  const auto* y = static_cast<const float*>(args.y);
  auto* dx = static_cast<float*>(args.x);
  parallel(exec, args.n, [&](int64_t n, int slot) {
    float* image = m.image + slot * p.height * p.row;
    float* product = m.product + slot * p.pixels * p.width;
    std::fill(image, image + p.height * p.row, 0.0f);
    const float* weights = m.weights;
    for (int64_t r = 0; r < args.r; ++r) {
      for (int64_t panel = 0; panel < p.panels; ++panel) {
        multiply(args, micro, p, m, y + n * p.pixels * args.k, weights, product);
        add(args, p, product, r, panel, image);
        weights += p.panel_elements(args.k);
      }
    }
    micro.f32->copy(image + args.pad_h * p.row + args.pad_w * args.c, p.row, args.h,
                    args.w * args.c, dx + n * args.h * args.w * args.c, args.w * args.c,
                    args.w * args.c);
  });
}

size_t scatter_backward_data_scratch(const Conv2dArgs& args, int threads, const Micro& micro) {
  Carver carver;
  carve(carver, args, make_plan(args, micro), threads);
  return carver.used();
}

}  // namespace taxon::kernels
