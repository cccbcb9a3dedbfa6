// Filters that whiten an image's patches.
#pragma once

#include <taxon/core/tensor.h>

namespace taxon {

/// For f32 images [n, h, w, c]: filters [2 side side c, side, side, c], f32, whose first half's
/// answers to the images' side x side patches have the identity as their matrix of second moments;
/// the second half is its negative. The eigenvectors of the patches' second moments divided by
/// sqrt(eigenvalue + 5e-4), largest first (Jordan 2024, section 3.2). Throws ShapeError for images
/// smaller than a patch.
Tensor whitening_filters(const Tensor& images, std::int64_t side);

}  // namespace taxon
