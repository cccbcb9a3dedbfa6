// See sheets.h.
#include "sheets.h"

#include <taxon/base/error.h>
#include <taxon/data/contact_sheet.h>

#include <algorithm>
#include <cmath>

namespace taxon::check {
namespace {

constexpr std::uint8_t ground = 200;

Image fitted(const Image& image, std::int64_t side) {
  const std::int64_t longer = std::max(image.height(), image.width());
  if (longer > side) {
    const double scale = static_cast<double>(side) / static_cast<double>(longer);
    const auto scaled = [&](std::int64_t n) {
      return std::max<std::int64_t>(1, std::llround(static_cast<double>(n) * scale));
    };
    return resize(image, scaled(image.height()), scaled(image.width()));
  }
  const std::int64_t factor = side / longer;
  Image out(image.height() * factor, image.width() * factor, image.channels());
  for (std::int64_t y = 0; y < out.height(); ++y) {
    for (std::int64_t x = 0; x < out.width(); ++x) {
      std::copy_n(image.row(y / factor) + x / factor * image.channels(), image.channels(),
                  out.row(y) + x * image.channels());
    }
  }
  return out;
}

void paste(const Image& part, Image& onto, std::int64_t top, std::int64_t left) {
  for (std::int64_t y = 0; y < part.height(); ++y) {
    std::copy_n(part.row(y), part.width() * part.channels(), onto.row(top + y) + left * 3);
  }
}

Image grey_ground(std::int64_t height, std::int64_t width) {
  Image out(height, width, 3);
  std::fill_n(out.data(), out.bytes(), ground);
  return out;
}

Image sheet_of(const std::vector<Image>& images, std::int64_t columns) {
  ContactSheet layout;
  layout.columns = columns;
  layout.least_side = 1;
  layout.most_side = 4096;
  layout.gap = 6;
  return contact_sheet(images, layout);
}

}  // namespace

Image tile(const Samples& samples, std::int64_t n, std::int64_t side) {
  Image out = grey_ground(side, side);
  try {
    const Image part = fitted(convert_channels(samples.image(n), 3), side);
    paste(part, out, (side - part.height()) / 2, (side - part.width()) / 2);
  } catch (const Error&) {
    // It was readable when it was looked at first; a sheet is not worth stopping for.
  }
  return out;
}

std::int64_t tile_side(const Findings& f) {
  const std::int64_t median = std::max(f.sizes.median_height, f.sizes.median_width);
  return median <= 32 ? 64 : median <= 64 ? 96 : 128;
}

Image pair_sheet(const Samples& samples, const std::vector<Pair>& pairs, std::int64_t side,
                 std::int64_t columns) {
  std::vector<Image> images;
  for (const Pair& p : pairs) {
    Image both = grey_ground(side, 2 * side + 1);
    paste(tile(samples, p.a, side), both, 0, 0);
    paste(tile(samples, p.b, side), both, 0, side + 1);
    images.push_back(std::move(both));
  }
  return sheet_of(images, columns);
}

Image sample_sheet(const Samples& samples, const std::vector<std::int64_t>& list, std::int64_t side,
                   std::int64_t columns) {
  std::vector<Image> images;
  for (const std::int64_t n : list) images.push_back(tile(samples, n, side));
  return sheet_of(images, columns);
}

}  // namespace taxon::check
