// JPEGs: decoded as libjpeg does, in part as in whole, shrunken as they were large, and refused
// where they claim what they cannot hold. With TAXON_JPEG=stb the same for stb_image.
#include "catch.h"

#include <taxon/base/random.h>

#include <cmath>
#include <numbers>

#include "data_test.h"
#include "encoded.h"
#include "fixtures.h"
#include "jpeg_fixtures.h"
#include "resize.h"
#include "turbo.h"

using namespace taxon;
using namespace taxon::test;
using image_ops::Box;

namespace {

// The file with an EXIF orientation.
Bytes turned(const Bytes& jpeg, int orientation) {
  Bytes segment{0xff, 0xe1, 0, 34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
                0,    1,    1, 0x12, 0,   3,   0,   0,   0, 1, 0,   0,   0, 0,  0, 0, 0, 0};
  segment[29] = static_cast<std::uint8_t>(orientation);
  Bytes out(jpeg.begin(), jpeg.begin() + 2);
  out.insert(out.end(), segment.begin(), segment.end());
  out.insert(out.end(), jpeg.begin() + 2, jpeg.end());
  return out;
}

Box random_box(Rng& rng, const Extents& image) {
  const auto below = [&rng](std::int64_t n) {
    return static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(n)));
  };
  Box b;
  b.top = below(image.height);
  b.left = below(image.width);
  b.height = 1 + below(image.height - b.top);
  b.width = 1 + below(image.width - b.left);
  return b;
}

// A grey JPEG of any size whose blocks take two bits each: tables of one code of one bit.
Bytes even_grey(int height, int width, std::uint8_t frame_marker = 0xc0) {
  const auto hi = [](int v) { return static_cast<std::uint8_t>(v >> 8); };
  const auto lo = [](int v) { return static_cast<std::uint8_t>(v & 255); };
  Bytes b{0xff, 0xd8, 0xff, 0xdb, 0, 67, 0};
  b.resize(b.size() + 64, 16);
  const Bytes frame{0xff,      frame_marker, 0, 11, 8,    hi(height), lo(height),
                    hi(width), lo(width),    1, 1,  0x11, 0};
  b.insert(b.end(), frame.begin(), frame.end());
  for (const std::uint8_t table : {std::uint8_t{0x00}, std::uint8_t{0x10}}) {
    const Bytes head{0xff, 0xc4, 0, 20, table, 1};
    b.insert(b.end(), head.begin(), head.end());
    b.resize(b.size() + 16);  // 15 other lengths, and the symbol 0
  }
  const Bytes scan{0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0};
  b.insert(b.end(), scan.begin(), scan.end());
  const std::size_t blocks =
      static_cast<std::size_t>((height + 7) / 8) * static_cast<std::size_t>((width + 7) / 8);
  b.resize(b.size() + (blocks + 3) / 4);
  b.push_back(0xff);
  b.push_back(0xd9);
  return b;
}

std::string refusal(const Bytes& bytes) {
  return error_of<FormatError>([&] { decode_image(bytes, "f"); });
}

}  // namespace

TEST_CASE("JPEG pixels are libjpeg's, bit for bit") {
  if (!turbo::available()) {
    WARN("skipped: JPEGs are decoded by " << jpeg_decoder());
    return;
  }
  CHECK(jpeg_decoder() == "libjpeg-turbo");
  CHECK(hash(decode_image(fixtures::progressive_422)) == fixtures::progressive_422_hash);
  CHECK(hash(decode_image(fixtures::restarts_420)) == fixtures::restarts_420_hash);
  CHECK(hash(decode_image(fixtures::grey_photo)) == fixtures::grey_photo_hash);
  CHECK(pixels_of(decode_image(fixtures::grey_jpeg)) == fixtures::grey_jpeg_pixels);
  CHECK(pixels_of(decode_image(fixtures::progressive_jpeg)) == fixtures::progressive_pixels);
  CHECK(pixels_of(decode_image(fixtures::rotated_jpeg)) == fixtures::rotated_pixels);
}

TEST_CASE("CMYK JPEGs are decoded to the colours that were put in") {
  const Image cmyk = decode_image(fixtures::cmyk_photo);
  const Image rgb = decode_image(fixtures::restarts_420);
  REQUIRE(cmyk.str() == "75x101x3");
  double sum = 0;
  for (std::size_t i = 0; i < rgb.bytes(); ++i) {
    sum += std::abs(cmyk.data()[i] - rgb.data()[i]);
  }
  CHECK(sum / static_cast<double>(rgb.bytes()) < 4);  // both were quantised, each its own way
}

TEST_CASE(
    "parts of JPEGs and other images are those of the whole, at every scale and orientation") {
  const std::vector<Bytes> files{fixtures::progressive_422,
                                 fixtures::restarts_420,
                                 fixtures::grey_photo,
                                 fixtures::cmyk_photo,
                                 encode_jpeg(pattern(67, 130, 3), 95),
                                 encode_jpeg(pattern(300, 211, 3), 80),
                                 encode_png(pattern(67, 50, 3))};
  Rng rng(3, 1);
  for (std::size_t f = 0; f < files.size(); ++f) {
    for (const int orientation : {1, 2, 3, 4, 5, 6, 7, 8}) {
      const bool jpeg = files[f][0] == 0xff;
      const Bytes bytes = jpeg ? turned(files[f], orientation) : files[f];
      const EncodedImage encoded(bytes, "f");
      for (const int shrink : {1, 2, 4, 8}) {
        const Image whole = encoded.decode(shrink);
        const Extents extents = shrunken(encoded.size(), shrink);
        REQUIRE((extents == Extents{whole.height(), whole.width()}));
        for (int repeat = 0; repeat < 12; ++repeat) {
          const Box b = random_box(rng, extents);
          INFO("file " << f << ", orientation " << orientation << ", 1/" << shrink << ": box "
                       << b.top << ' ' << b.left << ' ' << b.height << ' ' << b.width);
          REQUIRE(encoded.decode(shrink, b) == crop(whole, b.top, b.left, b.height, b.width));
        }
      }
    }
  }
}

namespace {

// What a pipeline makes of row pixels, as weights of the pixels for each output.
using Weights = std::vector<std::vector<double>>;

// Output o is a triangle as wide as 2 * in / out pixels, about its centre.
Weights triangles(std::size_t in, std::size_t out) {
  Weights w(out, std::vector<double>(in));
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  for (std::size_t o = 0; o < out; ++o) {
    double sum = 0;
    for (std::size_t i = 0; i < in; ++i) {
      const double away =
          std::abs(static_cast<double>(i) + 0.5 - (static_cast<double>(o) + 0.5) * scale) / scale;
      sum += w[o][i] = std::max(0.0, 1 - away);
    }
    for (double& v : w[o]) {
      v /= sum;
    }
  }
  return w;
}

// Each block of 8 pixels becomes its DCT, of which the lower n coefficients become n pixels.
Weights shrunken_blocks(std::size_t in, std::size_t n) {
  const auto basis = [](std::size_t k, std::size_t x, std::size_t size) {
    const auto s = static_cast<double>(size);
    return std::sqrt((k == 0 ? 1 : 2) / s) *
           std::cos((2 * static_cast<double>(x) + 1) * static_cast<double>(k) * std::numbers::pi /
                    (2 * s));
  };
  Weights w(in / 8 * n, std::vector<double>(in));
  for (std::size_t o = 0; o < w.size(); ++o) {
    for (std::size_t i = 0; i < 8; ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        w[o][o / n * 8 + i] +=
            basis(k, o % n, n) * basis(k, i, 8) * std::sqrt(static_cast<double>(n) / 8);
      }
    }
  }
  return w;
}

Weights after(const Weights& second, const Weights& first) {
  Weights w(second.size(), std::vector<double>(first[0].size()));
  for (std::size_t o = 0; o < second.size(); ++o) {
    for (std::size_t j = 0; j < first.size(); ++j) {
      if (second[o][j] != 0) {
        for (std::size_t i = 0; i < w[o].size(); ++i) {
          w[o][i] += second[o][j] * first[j][i];
        }
      }
    }
  }
  return w;
}

// Sum of weight * (pixel - centre)^power; absolute: of the absolute values.
double moment(const std::vector<double>& w, double centre, int power, bool absolute = false) {
  double sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double v = w[i] * std::pow(static_cast<double>(i) + 0.5 - centre, power);
    sum += absolute ? std::abs(v) : v;
  }
  return sum;
}

}  // namespace

TEST_CASE("a JPEG decoded smaller and resized is close to one decoded in full and resized") {
  // Rows a + b cos(w x): by Taylor's formula about an output's centre, two filters whose weights
  // sum to 1 differ by at most |f'| |m1 - n1| + |f''| |m2 - n2| / 2 + |f'''| (M3 + N3) / 6, with m,
  // n their moments and M, N the absolute ones. To that come roundings: of the pixels put in, of
  // the coefficients (a row of 8 by steps of 1, which is 0.5 * sum of |basis| / sqrt(8) <= 0.69 a
  // pixel), of decoded and of resized pixels, each in both.
  constexpr std::int64_t width = 640, height = 64;
  constexpr double amplitude = 60, w = 2 * std::numbers::pi / 100;
  Image image(height, width, 1);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      image.at(y, x, 0) = static_cast<std::uint8_t>(
          std::lround(128 + amplitude * std::cos(w * (static_cast<double>(x) + 0.5))));
    }
  }
  const Bytes bytes = encode_jpeg(image, 100);
  const EncodedImage encoded(bytes, "f");
  const Image whole = encoded.decode(1);
  for (const int shrink : {2, 4, 8}) {
    const std::int64_t to = width / shrink * 3 / 4;
    const Image small = encoded.decode(shrink);
    const Image direct = resize(whole, 8, to), by_way = resize(small, 8, to);
    const auto n = static_cast<std::size_t>(to);
    const Weights level = turbo::available()
                              ? shrunken_blocks(width, static_cast<std::size_t>(8 / shrink))
                              : triangles(width, static_cast<std::size_t>(width / shrink));
    const Weights a = triangles(width, n), b = after(triangles(level.size(), n), level);
    double largest = 0;
    for (std::size_t o = 4; o + 4 < n; ++o) {  // at the ends the filters are cut
      const double c = (static_cast<double>(o) + 0.5) * width / static_cast<double>(n);
      const double roundings =
          (0.5 + 0.69 + 0.5) * (moment(a[o], c, 0, true) + moment(b[o], c, 0, true)) + 2 * 0.5 +
          0.5;
      const double bound =
          amplitude * w * std::abs(moment(a[o], c, 1) - moment(b[o], c, 1)) +
          amplitude * w * w * std::abs(moment(a[o], c, 2) - moment(b[o], c, 2)) / 2 +
          amplitude * w * w * w * (moment(a[o], c, 3, true) + moment(b[o], c, 3, true)) / 6;
      const auto x = static_cast<std::int64_t>(o);
      const double difference = std::abs(direct.at(4, x, 0) - by_way.at(4, x, 0));
      largest = std::max(largest, bound + roundings);
      INFO("1/" << shrink << ", column " << o);
      REQUIRE(difference <= bound + roundings);
    }
    CHECK(largest < 8);  // small beside the 120 from white to black
  }
}

TEST_CASE("JPEGs above the limits are decoded smaller where that takes no memory for all of it") {
  const Bytes huge = even_grey(8000, 20000);
  if (turbo::available()) {
    const ImageInfo info = image_info(huge);
    CHECK((info.height == 8000 && info.width == 20000));
    const Image image = decode_image(huge);
    CHECK(image.str() == "4000x10000x1");
    CHECK((int{image.at(0, 0, 0)} == 128 && int{image.at(3999, 9999, 0)} == 128));
    // One byte a block of the shrunken image.
    CHECK(decode_image(even_grey(24000, 20000)).str() == "6000x5000x1");
  } else {
    CHECK(contains(refusal(huge), "f: an image of 8000x20000 pixels, expected sides up to 32768"));
  }
  // A progressive one is held as a whole while it is decoded.
  CHECK(contains(refusal(even_grey(8000, 20000, 0xc2)),
                 "f: an image of 8000x20000 pixels, expected sides up to 32768 and 100000000"));
  CHECK(decode_image(even_grey(1, 1)).str() == "1x1x1");
  CHECK(contains(refusal(even_grey(0, 8)), "f: an image of 0x8 pixels"));
}

TEST_CASE("small JPEGs that claim to be large are refused at once") {
  for (const std::uint8_t marker : {std::uint8_t{0xc0}, std::uint8_t{0xc2}}) {
    Bytes b = even_grey(80, 80, marker);
    const auto at = [&b](std::size_t i) -> std::uint8_t& { return b[71 + 5 + i]; };
    REQUIRE((at(0) == 0 && at(1) == 80));
    at(0) = at(2) = 0xff;
    CHECK(contains(refusal(b),
                   "f: corrupt JPEG: it claims 65360x65360 pixels, 66748900 blocks, in 25 "
                   "bytes of image data, expected 8343613 bytes or more"));
  }
}

TEST_CASE("JPEGs of other kinds are refused clearly") {
  Bytes deep = even_grey(16, 16);
  deep[71 + 4] = 12;
  CHECK(contains(refusal(deep), "f: JPEG with 12 bits a channel, expected 8"));
  CHECK(contains(refusal(even_grey(16, 16, 0xc9)), "f: JPEG coded with method SOF9"));
  Bytes sampled = even_grey(16, 16);
  sampled[71 + 11] = 0x51;
  CHECK(contains(refusal(sampled), "sampling factors 5 and 1, expected 1 to 4"));
}

TEST_CASE("JPEGs that go over the image again and again are refused") {
  const Bytes one = even_grey(16, 16, 0xc2);
  Bytes many(one.begin(), one.end() - 2);
  for (int i = 0; i < 500; ++i) {
    many.insert(many.end(), one.end() - 13, one.end() - 2);  // the scan: its header and a byte
  }
  many.insert(many.end(), {0xff, 0xd9});
  CHECK(contains(refusal(many), "f: corrupt JPEG: more than 500 scans"));
}

TEST_CASE("JPEGs with a table that is missing are an error, again and again") {
  Bytes b = even_grey(16, 16);
  b[71 + 12] = 3;  // no such quantization table
  for (int repeat = 0; repeat < 3; ++repeat) {
    const std::string e = refusal(b);
    CHECK((contains(e, "f: cannot be decoded: ") || !turbo::available()));
    CHECK(decode_image(even_grey(16, 16)).str() == "16x16x1");
  }
}

TEST_CASE("JPEGs are decoded no larger than a small copy needs") {
  Image photo(120, 200, 3);
  for (std::size_t i = 0; i < photo.bytes(); ++i)
    photo.data()[i] = static_cast<std::uint8_t>(i / 5);
  const std::vector<std::uint8_t> jpeg = encode_jpeg(photo), png = encode_png(photo);
  for (const auto& [side, width] : {std::pair<int, int>{200, 200},
                                    {101, 200},
                                    {100, 100},
                                    {60, 100},
                                    {50, 50},
                                    {26, 50},
                                    {25, 25},
                                    {1, 25},
                                    {1000, 200}}) {
    INFO(side);
    const Image copy = decode_for_side(jpeg, side);
    CHECK(copy.width() == width);
    CHECK(copy.height() == 120 * width / 200);
    CHECK(decode_for_side(png, side).width() == width);
  }
  CHECK(decode_for_side(jpeg, 200) == decode_image(jpeg));
  CHECK_THROWS_AS(decode_for_side(Bytes(jpeg.begin(), jpeg.begin() + 40), 10), FormatError);
}
