// A block's source, copied once into padded slabs: [slab][image][padded row][padded column][pixel],
// so that every tap of every grid point is a fixed offset away and nothing has to look for borders.
#pragma once

#include "geometry.h"

#include "gemm/micro.h"

namespace taxon::kernels {

/// Padded pixels of one group's channels in slabs of up to kSlab channels.
struct SlabLayout {
  int64_t depth = 0;  ///< channels
  int64_t slabs = 0;
  int64_t pixel = 0;  ///< elements between pixels of a slab
  int64_t row = 0;    ///< between padded rows
  int64_t image = 0;  ///< between images
  int64_t slab = 0;   ///< between slabs; slabs * slab elements in all
  int64_t depth_of(int64_t s) const { return s + 1 < slabs ? kSlab : depth - s * kSlab; }
  /// Elements of a padded pixel over all slabs.
  int64_t pixel_elements() const { return slabs * pixel; }
};
/// Channels alone; `place` fills in the rest.
SlabLayout slabs_of(int64_t depth);
/// `element`: bytes of an element of the slabs.
void place(SlabLayout& layout, const Axis& h, const Axis& w, const Blocks& blocks, int64_t element);

/// An NHWC tensor of some storage type, one group of its channels.
struct Source {
  const void* data;           ///< at the group's first channel
  int64_t image, row, pixel;  ///< strides in elements
};

void fill_slabs(const Storage& storage, const Source& source, const Axis& h, const Axis& w,
                const SlabLayout& layout, const Block& block, void* slabs);

/// For each tap, row by row: its offset in a slab.
void tap_offsets(const Axis& h, const Axis& w, const SlabLayout& layout, int64_t* offsets);

/// For each grid point of a block, image by image: its offset in a slab.
void slab_offsets(const Axis& h, const Axis& w, const SlabLayout& layout, const Block& block,
                  int64_t* offsets);

}  // namespace taxon::kernels
