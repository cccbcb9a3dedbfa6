// Laying out a contact sheet.
#include <taxon/base/error.h>
#include <taxon/data/contact_sheet.h>

#include <algorithm>
#include <cmath>

namespace taxon {
namespace {

constexpr std::uint8_t ground = 200;

Image enlarged(const Image& image, std::int64_t factor) {
  Image out(image.height() * factor, image.width() * factor, image.channels());
  for (std::int64_t y = 0; y < out.height(); ++y) {
    for (std::int64_t x = 0; x < out.width(); ++x) {
      std::copy_n(image.row(y / factor) + x / factor * image.channels(), image.channels(),
                  out.row(y) + x * image.channels());
    }
  }
  return out;
}

Image tile_of(const Image& image, const ContactSheet& o) {
  const std::int64_t side = std::max(image.height(), image.width());
  if (side > o.most_side) {
    const double scale = static_cast<double>(o.most_side) / static_cast<double>(side);
    const auto scaled = [&](std::int64_t n) {
      return std::max<std::int64_t>(1, std::llround(static_cast<double>(n) * scale));
    };
    return resize(image, scaled(image.height()), scaled(image.width()));
  }
  const std::int64_t factor = (o.least_side + side - 1) / side;
  return factor > 1 ? enlarged(image, factor) : image;
}

}  // namespace

Image contact_sheet(std::span<const Image> images, const ContactSheet& options) {
  if (images.empty() || options.columns < 1 || options.gap < 0 || options.least_side < 1 ||
      options.most_side < 1) {
    fail<OptionError>("contact sheet: ", images.size(), " images in ", options.columns,
                      " columns, gap ", options.gap, ", sides ", options.least_side, " to ",
                      options.most_side, ", expected at least 1 (gap: 0)");
  }
  const Image& first = images.front();
  const Image tile = tile_of(first, options);
  const auto n = static_cast<std::int64_t>(images.size());
  const std::int64_t columns = std::min(options.columns, n), rows = (n + columns - 1) / columns;
  const std::int64_t down = tile.height() + options.gap, across = tile.width() + options.gap;
  Image sheet(rows * down + options.gap, columns * across + options.gap, first.channels());
  std::fill_n(sheet.data(), sheet.bytes(), ground);
  for (std::int64_t i = 0; i < n; ++i) {
    const Image& image = images[static_cast<std::size_t>(i)];
    if (image.height() != first.height() || image.width() != first.width() ||
        image.channels() != first.channels()) {
      fail<ShapeError>("contact sheet: image ", i, " is ", image, ", expected ", first);
    }
    const Image part = tile_of(image, options);
    const std::int64_t top = options.gap + i / columns * down;
    const std::int64_t left = options.gap + i % columns * across;
    for (std::int64_t y = 0; y < part.height(); ++y) {
      std::copy_n(part.row(y), part.width() * part.channels(),
                  sheet.row(top + y) + left * part.channels());
    }
  }
  return sheet;
}

}  // namespace taxon
