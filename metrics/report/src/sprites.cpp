// Small copies of images, side by side in JPEGs that fit a number of bytes.
#include <taxon/base/parallel.h>

#include "pictures.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace taxon::report {
namespace {

constexpr std::int64_t block = 16;         // JPEG's, where colour is stored at half the size
constexpr std::int64_t sheet_side = 2048;  // what every browser shows
constexpr std::int64_t most_side = 160, least_side = 16;
constexpr std::uint8_t ground = 128;
// Below the worst of these, fewer pixels are better.
constexpr std::array<int, 4> qualities{88, 78, 66, 52};

std::int64_t whole_blocks(std::int64_t n) {
  return (n + block - 1) / block * block;
}

// The image within `height` x `width`, its proportions kept.
Image fitted(const Image& image, std::int64_t height, std::int64_t width) {
  const double scale =
      std::min({1.0, static_cast<double>(height) / static_cast<double>(image.height()),
                static_cast<double>(width) / static_cast<double>(image.width())});
  const auto scaled = [&](std::int64_t n) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(n) * scale));
  };
  const Image rgb = convert_channels(image, 3);
  return scale < 1 ? resize(rgb, scaled(image.height()), scaled(image.width())) : rgb;
}

// The images of the samples, each at most side x side; empty ones where there are none.
std::vector<Image> load_all(const Pictures& pictures, std::span<const std::int64_t> samples,
                            std::int64_t side) {
  std::vector<Image> out(samples.size());
  parallel_chunks(static_cast<std::int64_t>(samples.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    if (const auto image = pictures.image(samples[at], side)) out[at] = fitted(*image, side, side);
  });
  return out;
}

// Puts the image into the upper left corner of tile `at`. Its last row and column go on to the
// tile's end, so that JPEG's blocks hold no edge.
void place(const Image& image, const Sprites& s, std::int64_t at, Image& sheet) {
  const std::int64_t top = at / s.columns * s.pitch_y, left = at % s.columns * s.pitch_x;
  for (std::int64_t y = 0; y < s.pitch_y; ++y) {
    for (std::int64_t x = 0; x < s.pitch_x; ++x) {
      for (std::int64_t c = 0; c < 3; ++c)
        sheet.at(top + y, left + x, c) =
            image.at(std::min(y, image.height() - 1), std::min(x, image.width() - 1), c);
    }
  }
}

void lay_out(const std::vector<Image>& images, Sprites& s) {
  s.tile.assign(images.size(), -1);
  s.size.assign(2 * images.size(), 0);
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (images[i].empty()) continue;
    s.tile[i] = static_cast<std::int32_t>(s.count++);
    s.size[2 * i] = static_cast<std::uint8_t>(images[i].width());
    s.size[2 * i + 1] = static_cast<std::uint8_t>(images[i].height());
    s.height = std::max(s.height, images[i].height());
    s.width = std::max(s.width, images[i].width());
  }
  s.pitch_y = whole_blocks(s.height);
  s.pitch_x = whole_blocks(s.width);
  if (s.count == 0) return;
  s.columns = sheet_side / s.pitch_x;
  s.per_sheet = s.columns * (sheet_side / s.pitch_y);
}

// The sheets of a layout, at one quality after the other until they fit. False: they do not.
bool encode(const std::vector<Image>& images, std::size_t bytes, Sprites& s) {
  const std::int64_t sheets = (s.count + s.per_sheet - 1) / s.per_sheet;
  std::vector<Image> pages;
  for (std::int64_t i = 0; i < sheets; ++i) {
    const std::int64_t here = std::min(s.per_sheet, s.count - i * s.per_sheet);
    const std::int64_t rows = (here + s.columns - 1) / s.columns;
    Image page(rows * s.pitch_y, std::min(here, s.columns) * s.pitch_x, 3);
    std::fill_n(page.data(), page.bytes(), ground);
    pages.push_back(std::move(page));
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (s.tile[i] < 0) continue;
    place(images[i], s, s.tile[i] % s.per_sheet,
          pages[static_cast<std::size_t>(s.tile[i] / s.per_sheet)]);
  }
  for (const int quality : qualities) {
    s.quality = quality;
    s.sheets.assign(pages.size(), {});
    parallel_chunks(sheets, [&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(i);
      s.sheets[at] = encode_jpeg(pages[at], quality);
    });
    std::size_t sum = 0;
    for (const auto& sheet : s.sheets) sum += sheet.size();
    if (sum <= bytes) return true;
  }
  return false;
}

}  // namespace

Sprites make_sprites(const Pictures& pictures, std::span<const std::int64_t> samples,
                     std::size_t bytes) {
  if (samples.empty() || !pictures.any()) return {};
  // A photo takes about a quarter of a byte a pixel.
  const double fair =
      2 * std::sqrt(static_cast<double>(bytes) / static_cast<double>(samples.size()));
  std::int64_t side =
      std::clamp(static_cast<std::int64_t>(fair) / block * block, least_side, most_side);
  std::vector<Image> images = load_all(pictures, samples, side);
  for (;;) {
    Sprites s;
    lay_out(images, s);
    if (s.count == 0) return {};
    if (encode(images, bytes, s)) return s;
    if (side <= least_side) return {};
    side = std::max(least_side, side / 2 / block * block);
    for (Image& image : images)
      if (!image.empty()) image = fitted(image, side, side);
  }
}

}  // namespace taxon::report
