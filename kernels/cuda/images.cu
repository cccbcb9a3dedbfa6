// Batches from pixels in the device's memory: a thread for each pixel of the batch.
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

/// The row or column that position i shows; -1: none.
__device__ __forceinline__ int source_of(int i, int n, bool reflect) {
  if (i >= 0 && i < n) return i;
  if (!reflect) return -1;
  if (n == 1) return 0;
  const int period = 2 * (n - 1);
  const int r = (i % period + period) % period;
  return r < n ? r : period - r;
}

__global__ void images(ImagesArgs g, Divisor height, Divisor width, int count) {
  for (int64_t step = first_step(); step < count; step += all_steps()) {
    int rest = static_cast<int>(step);
    const int x = width.split(rest), y = height.split(rest);
    ImagePlan p;
    p.index = rest;
    if (g.plan != nullptr) p = g.plan[rest];
    const int h = static_cast<int>(g.height), w = static_cast<int>(g.width);
    const int channels = static_cast<int>(g.channels);
    const bool filled = y >= p.top && y < p.bottom && x >= p.left && x < p.right;
    const int from_y = source_of(y + p.dy, h, g.reflect);
    const int from_x = source_of((p.mirror != 0 ? w - 1 - x : x) + p.dx, w, g.reflect);
    const bool inside = from_y >= 0 && from_x >= 0;
    const unsigned char* from =
        inside ? g.pixels + ((static_cast<int64_t>(p.index) * h + from_y) * w + from_x) * channels
               : nullptr;
    float* to = g.x + step * channels;
    for (int c = 0; c < channels; ++c) {
      const int value = filled ? g.fill[c] : inside ? from[c] : 0;
      to[c] = static_cast<float>(value) * g.scale[c] + g.shift[c];
    }
  }
}

// As many images at once as 32-bit indices can count the pixels of.
void run(const ImagesArgs& g, const Exec& exec) {
  const int64_t size = g.height * g.width;
  if (g.n == 0 || size == 0) return;
  const int64_t most = size > index_limit ? 1 : index_limit / size;
  for (int64_t begin = 0; begin < g.n; begin += most) {
    ImagesArgs part = g;
    part.n = g.n - begin < most ? g.n - begin : most;
    if (g.plan != nullptr) {
      part.plan += begin;
    } else {
      part.pixels += begin * size * g.channels;
    }
    part.x += begin * size * g.channels;
    const int64_t count = part.n * size;
    TAXON_LAUNCH(images, grid_of(blocks_for(count)), block_threads, exec, part, Divisor(g.height),
                 Divisor(g.width), static_cast<int>(count));
  }
}

}  // namespace

Rows<ImagesArgs> images_rows() {
  static const Row<ImagesArgs> rows[] = {
      {"images/cuda", Needs::baseline, true, nullptr, nullptr, run}};
  return {rows, 1};
}

}  // namespace taxon::kernels::cuda
