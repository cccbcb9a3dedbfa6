// See source.h.
#include "source.h"

#include "gemm/carver.h"

#include <algorithm>

namespace taxon::kernels {

SlabLayout slabs_of(int64_t depth) {
  SlabLayout s;
  s.depth = depth;
  s.slabs = ceil_div(depth, kSlab);
  // Narrow pixels lie packed; others at whole vectors of any instruction set.
  s.pixel = depth < 16 ? depth : depth == 16 ? 16 : kSlab;
  return s;
}

void place(SlabLayout& s, const Axis& h, const Axis& w, const Blocks& blocks, int64_t element) {
  s.row = w.padded(w.count) * s.pixel;
  s.image = h.padded(blocks.rows) * s.row;
  // A line more, so that the slabs of a pixel do not all fall into the same sets of the cache.
  const int64_t line = 64 / element;
  s.slab = ceil_div(blocks.images * s.image, line) * line + line;
}

namespace {

void zero_pixels(const Storage& storage, const SlabLayout& layout, int64_t pixels, void* to) {
  for (int64_t s = 0; s < layout.slabs && pixels > 0; ++s) {
    storage.copy(nullptr, 0, 1, 0, storage.work_at(to, s * layout.slab), 0, pixels * layout.pixel);
  }
}

/// The padded indices [first, last) of [0, padded) that have a source.
struct Span {
  int64_t first, last;
};
Span covered(const Axis& a, int64_t padded) {
  const int64_t first = a.source_origin >= 0 ? 0 : ceil_div(-a.source_origin, a.source_step);
  const int64_t room = a.source_count - a.source_origin;
  const int64_t last = room <= 0 ? 0 : ceil_div(room, a.source_step);
  const int64_t end = std::min(last, padded);
  return {std::min(first, std::max<int64_t>(end, 0)), std::max<int64_t>(end, 0)};
}

}  // namespace

void fill_slabs(const Storage& storage, const Source& source, const Axis& h, const Axis& w,
                const SlabLayout& layout, const Block& block, void* slabs) {
  const int64_t width = w.padded(w.count), height = h.padded(block.rows);
  const Span columns = covered(w, width);
  for (int64_t i = 0; i < block.images; ++i) {
    const int64_t image = (block.image + i) * source.image;
    for (int64_t p = 0; p < height; ++p) {
      void* to = storage.work_at(slabs, i * layout.image + p * layout.row);
      const int64_t y = (block.row * h.step + p) * h.source_step + h.source_origin;
      if (y < 0 || y >= h.source_count || columns.first >= columns.last) {
        zero_pixels(storage, layout, width, to);
        continue;
      }
      const int64_t x = columns.first * w.source_step + w.source_origin;
      zero_pixels(storage, layout, columns.first, to);
      storage.to_slabs(storage.at(source.data, image + y * source.row + x * source.pixel),
                       source.pixel * w.source_step, columns.last - columns.first, layout.depth,
                       storage.work_at(to, columns.first * layout.pixel), layout.pixel,
                       layout.slab);
      zero_pixels(storage, layout, width - columns.last,
                  storage.work_at(to, columns.last * layout.pixel));
    }
  }
}

void tap_offsets(const Axis& h, const Axis& w, const SlabLayout& layout, int64_t* offsets) {
  for (int64_t t = 0; t < h.taps * w.taps; ++t) {
    offsets[t] = t / w.taps * h.tap_step * layout.row + t % w.taps * w.tap_step * layout.pixel;
  }
}

void slab_offsets(const Axis& h, const Axis& w, const SlabLayout& layout, const Block& block,
                  int64_t* offsets) {
  for (int64_t i = 0; i < block.images; ++i) {
    for (int64_t y = 0; y < block.rows; ++y) {
      const int64_t row = i * layout.image + y * h.step * layout.row;
      for (int64_t x = 0; x < w.count; ++x) *offsets++ = row + x * w.step * layout.pixel;
    }
  }
}

}  // namespace taxon::kernels
