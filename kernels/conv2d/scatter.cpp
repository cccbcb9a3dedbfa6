// The gradient of the input where its channels are few: a gather would leave most of each vector
// empty. Instead each output pixel's gradient is multiplied with the filters, whose columns are the
// taps of one filter row and the channels (side by side in the image as well), and each product
// row is added to the image where the filter lay. The rows of a tile are pixels far enough apart
// that what they add to does not overlap.
#include "gather.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {
namespace {

constexpr int64_t kMostElements = 16 << 20;

struct Plan {
  int64_t pixels;         // outputs an image
  int64_t cols;           // taps of a filter row times channels
  int64_t width, panels;  // columns of a panel; panels a filter row
  int64_t height, row;    // of the image that all panels reach: rows, elements a row
  int64_t apart;          // columns of outputs from one whose panel does not overlap

  int64_t panel_elements(int64_t k) const { return k * width; }
  int64_t image_elements() const { return height * row; }
};

Plan make_plan(const Conv2dArgs& a, const Micro& micro) {
  Plan p;
  p.pixels = a.oh * a.ow;
  p.cols = a.s * a.c;
  p.width = p.cols <= micro.width ? micro.width : 2 * micro.width;
  p.panels = ceil_div(p.cols, p.width);
  p.height = std::max((a.oh - 1) * a.stride_h + (a.r - 1) * a.dilation_h + 1, a.pad_h + a.h);
  const int64_t reach = (a.ow - 1) * a.stride_w * a.c + p.panels * p.width;
  p.row = std::max(reach, (a.pad_w + a.w) * a.c);
  p.apart = std::min(a.ow, ceil_div(p.width, a.stride_w * a.c));
  return p;
}

/// The pieces of scratch memory.
struct Memory {
  float* weights;   // [filter row][panel][filter][width]
  int64_t* pixels;  // offset of each output's gradient; the same order: those of a tile together
  int64_t* places;  // and of what it adds to in the image, for the first filter row
  int64_t* groups;  // first output of each group that does not overlap, and the end
  float* image;     // a slot: [height][row]
};

Memory carve(Carver& carver, const Conv2dArgs& a, const Plan& p, int threads) {
  Memory m;
  m.weights = carver.take<float>(a.r * p.panels * p.panel_elements(a.k));
  m.pixels = carver.take<int64_t>(p.pixels);
  m.places = carver.take<int64_t>(p.pixels);
  m.groups = carver.take<int64_t>(p.apart + 1);
  m.image = carver.take<float>(threads * p.image_elements());
  return m;
}

void order_pixels(const Conv2dArgs& a, const Plan& p, const Memory& m) {
  int64_t i = 0;
  for (int64_t group = 0; group < p.apart; ++group) {
    m.groups[group] = i;
    for (int64_t y = 0; y < a.oh; ++y) {
      for (int64_t x = group; x < a.ow; x += p.apart, ++i) {
        m.pixels[i] = (y * a.ow + x) * a.k;
        m.places[i] = y * a.stride_h * p.row + x * a.stride_w * a.c;
      }
    }
  }
  m.groups[p.apart] = i;
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

/// Adds the products of an image's gradient with one panel of weights to `image`.
void add_products(const Conv2dArgs& a, const Micro& micro, const Plan& p, const Memory& m,
                  const float* dy, const float* weights, float* image) {
  const Segment whole = {0, a.k};
  Tile tile = {};
  tile.a = dy;
  tile.segments = &whole;
  tile.segment_count = 1;
  tile.b = weights;
  tile.b_stride = tile.cols = p.width;
  tile.c = image;
  tile.accumulate = true;
  for (int64_t group = 0; group < p.apart; ++group) {
    const int64_t first = m.groups[group], count = m.groups[group + 1] - first;
    const int64_t tiles = ceil_div(count, micro.rows);
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t row = split_at(count, tiles, t);
      tile.a_rows = m.pixels + first + row;
      tile.c_rows = m.places + first + row;
      micro.tile(tile, static_cast<int>(split_at(count, tiles, t + 1) - row),
                 p.width == micro.width ? 1 : 2);
    }
  }
}

}  // namespace

const char* scatter_declines(const Conv2dArgs& a) {
  if (a.groups != 1) return "groups";
  if (a.dilation_w != 1) return "dilation";
  if (a.c >= 12) return "many channels";
  if (a.k < 8) return "few filters";
  if (a.h * a.w * a.c > kMostElements) return "large image";  // a thread holds a copy
  return nullptr;
}

void scatter_backward_data(const Conv2dArgs& args, const Exec& exec, const Micro& micro) {
  const Plan p = make_plan(args, micro);
  Carver carver(exec.scratch);
  const Memory m = carve(carver, args, p, exec.threads);
  pack(args, micro, p, m.weights);
  order_pixels(args, p, m);
  const auto* y = static_cast<const float*>(args.y);
  auto* dx = static_cast<float*>(args.x);
  parallel(exec, args.n, [&](int64_t n, int slot) {
    float* image = m.image + slot * p.image_elements();
    std::fill(image, image + p.image_elements(), 0.0f);
    const float* weights = m.weights;
    for (int64_t r = 0; r < args.r; ++r) {
      for (int64_t panel = 0; panel < p.panels; ++panel) {
        add_products(args, micro, p, m, y + n * p.pixels * args.k, weights,
                     image + r * args.dilation_h * p.row + panel * p.width);
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
