// A contact sheet: small images in rows and columns on one.
#pragma once

#include <taxon/data/image.h>

#include <span>

namespace taxon {

struct ContactSheet {
  std::int64_t columns = 8;
  std::int64_t gap = 4;          ///< pixels of grey around each image
  std::int64_t least_side = 64;  ///< smaller images are enlarged by a whole factor
  std::int64_t most_side = 256;  ///< larger ones are shrunk
};
/// The images, all of one size, in rows of `columns` from the upper left. Throws OptionError where
/// there are none or the sheet would be too large for an Image, ShapeError for another size.
Image contact_sheet(std::span<const Image> images, const ContactSheet& options = {});

}  // namespace taxon
