// Batches from pixels in memory: the reference. (Training on the CPU prepares batches in the
// loader's threads instead.)
#include <taxon/kernels/images.h>

#include "simd/rows.h"

namespace taxon::kernels {
namespace {

// The row or column that position i shows; -1: none.
int64_t source_of(int64_t i, int64_t n, bool reflect) {
  if (i >= 0 && i < n) return i;
  if (!reflect) return -1;
  if (n == 1) return 0;
  const int64_t period = 2 * (n - 1);
  const int64_t r = (i % period + period) % period;
  return r < n ? r : period - r;
}

unsigned char pixel(const ImagesArgs& g, const ImagePlan& p, int64_t y, int64_t x, int64_t c) {
  if (y >= p.top && y < p.bottom && x >= p.left && x < p.right) return g.fill[c];
  const int64_t from_y = source_of(y + p.dy, g.height, g.reflect);
  const int64_t from_x =
      source_of((p.mirror != 0 ? g.width - 1 - x : x) + p.dx, g.width, g.reflect);
  if (from_y < 0 || from_x < 0) return 0;
  return g.pixels[((p.index * g.height + from_y) * g.width + from_x) * g.channels + c];
}

ImagePlan plan_of(const ImagesArgs& g, int64_t i) {
  if (g.plan != nullptr) return g.plan[i];
  ImagePlan as_it_is;
  as_it_is.index = static_cast<int32_t>(i);
  return as_it_is;
}

void reference(const ImagesArgs& g, const Exec&) {
  float* out = g.x;
  for (int64_t i = 0; i < g.n; ++i)
    for (int64_t y = 0; y < g.height; ++y)
      for (int64_t x = 0; x < g.width; ++x)
        for (int64_t c = 0; c < g.channels; ++c)
          *out++ = static_cast<float>(pixel(g, plan_of(g, i), y, x, c)) * g.scale[c] + g.shift[c];
}

}  // namespace

Rows<ImagesArgs> images_rows() {
  static const Row<ImagesArgs> rows[] = {
      {"images/reference", Needs::baseline, true, nullptr, nullptr, reference}};
  return {rows, 1};
}

}  // namespace taxon::kernels
