// Resizing of which only a part is wanted.
#pragma once

#include <taxon/data/image.h>

namespace taxon {

/// The part [top, top + height) x [left, left + width) of resize(image, full_height, full_width),
/// without computing the rest.
struct ResizePart {
  std::int64_t full_height = 0, full_width = 0;
  std::int64_t top = 0, left = 0, height = 0, width = 0;
};
Image resize_part(const Image& image, const ResizePart& part);

/// resize() of what lies in [top, top + height) x [left, left + width), in pixels and parts of
/// them.
struct Frame {
  double top = 0, left = 0, height = 0, width = 0;
};
Image resize_frame(const Image& image, const Frame& frame, std::int64_t height, std::int64_t width);

}  // namespace taxon
