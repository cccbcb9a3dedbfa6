// Operations on images against torchvision.
#include "catch.h"

#include <taxon/data/image_ops.h>

#include <vector>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

// Not all values occur, so that contrast can be stretched.
Image muted(std::int64_t height, std::int64_t width, std::int64_t channels) {
  Image image = pattern(height, width, channels);
  for (std::size_t i = 0; i < image.bytes(); ++i) {
    image.data()[i] = static_cast<std::uint8_t>(40 + image.data()[i] / 2);
  }
  return image;
}

// torchvision's name and magnitude of an operation.
void apply(Image& image, const std::string& op, double by) {
  using namespace image_ops;
  const auto whole = static_cast<std::int64_t>(by);
  if (op == "ShearX") shear_x(image, by);
  if (op == "ShearY") shear_y(image, by);
  if (op == "TranslateX") translate_x(image, whole);
  if (op == "TranslateY") translate_y(image, whole);
  if (op == "Rotate") rotate(image, by);
  if (op == "Brightness") brightness(image, 1 + by);
  if (op == "Color") saturation(image, 1 + by);
  if (op == "Contrast") contrast(image, 1 + by);
  if (op == "Sharpness") sharpness(image, 1 + by);
  if (op == "Posterize") posterize(image, static_cast<int>(by));
  if (op == "Solarize") solarize(image, by);
  if (op == "AutoContrast") autocontrast(image);
  if (op == "Equalize") equalize(image);
  if (op == "Invert") invert(image);
  if (op == "Hue") hue(image, by);
}

struct Case {
  const char* op;
  double by;
  std::uint64_t colour, grey;
};

// torchvision 0.29 on PIL images (Pillow 13) of muted(21, 34, 3) and muted(30, 30, 1): hash() of
// torchvision.transforms.autoaugment._apply_op(image, op, by, InterpolationMode.NEAREST, None) and,
// for Hue, of torchvision.transforms.functional.adjust_hue(image, by).
const Case cases[] = {
    {"ShearX", 0.3, 0x9c051036ca1601eaULL, 0x6eaec52888a175acULL},
    {"ShearX", -0.99, 0xb48ad4cd9d6997c6ULL, 0x62f6f9188920310cULL},
    {"ShearX", 0.165, 0x74b78c72e43e6e85ULL, 0x1573c7a28add0e84ULL},
    {"ShearY", 0.3, 0x10eb79f453a696c5ULL, 0xed885786cb66f72ULL},
    {"ShearY", -0.99, 0xd4e177103c67c5bfULL, 0x22eb94de9a20225aULL},
    {"TranslateX", 5.9, 0x2a6229d1e36e4561ULL, 0x9400956e9b72c693ULL},
    {"TranslateX", -3.2, 0x3bd386d9ac73b8baULL, 0xfa656faf7e65ad40ULL},
    {"TranslateY", 7, 0xe05d383d5c2e58e7ULL, 0x82f5f636bf585853ULL},
    {"TranslateY", -40, 0xcbdeb8f93bb6271dULL, 0x7337c7d7090f9f5ULL},
    {"Rotate", 30, 0x4862e760b98a67e8ULL, 0x36650a8f3ab1e0b8ULL},
    {"Rotate", -4.5, 0xfed144d91670d55eULL, 0x263e9d0eb36013acULL},
    {"Rotate", 90, 0x1be8d85efd3895d9ULL, 0x51abc7e5f6b783e0ULL},
    {"Rotate", 135, 0x2f5e0c5bf0338830ULL, 0x1f910b4ee8e84410ULL},
    {"Rotate", -112.5, 0x46863759c6d75bacULL, 0x8bc0e56a5da901eULL},
    {"Brightness", 0.33, 0xfc540451ed6d3803ULL, 0xa20d1e23d3b2f508ULL},
    {"Brightness", -0.99, 0xc7dbec847f7c9128ULL, 0x80268ca901230d35ULL},
    {"Color", 0.9, 0x78584a242829487cULL, 0xb2cdb1d67d8c18a4ULL},
    {"Color", -0.5, 0xdbfefba4cb891ae8ULL, 0xb2cdb1d67d8c18a4ULL},
    {"Contrast", 0.99, 0xd01b151c1191f816ULL, 0x689a6665dcce067bULL},
    {"Contrast", -0.3, 0x91219970aaf405e7ULL, 0xa12e4c7e089cfc0fULL},
    {"Sharpness", 0.9, 0x595be02d88b9f2f0ULL, 0xd1df4093ffbb8e22ULL},
    {"Sharpness", -0.6, 0x33ed206a46b6e1aeULL, 0x69ab40caa97cbe29ULL},
    {"Sharpness", 0.99, 0xec985aeabe18d38dULL, 0x6e28c8e417ea8828ULL},
    {"Posterize", 4, 0xa1f232147190f83dULL, 0x1ce277c9cb6cd005ULL},
    {"Posterize", 2, 0x4c48703f3833c2ddULL, 0x18ea188b3b20975ULL},
    {"Solarize", 127.5, 0x537f863da584bb1ULL, 0xf3b12a9d989fc410ULL},
    {"Solarize", 0.0, 0xfa5705be5cf2a6beULL, 0x734e7ed9140b8198ULL},
    {"AutoContrast", 0, 0x92c7ea6c70732618ULL, 0xb727ae9dd8e3d70bULL},
    {"Equalize", 0, 0x2d8e0ba7e541d081ULL, 0x92d323e842777b45ULL},
    {"Invert", 0, 0xfa5705be5cf2a6beULL, 0x734e7ed9140b8198ULL},
    {"Hue", 0.1, 0xafa78c1f1a7d8dc3ULL, 0xb2cdb1d67d8c18a4ULL},
    {"Hue", -0.3, 0x6223c168372ffcd1ULL, 0xb2cdb1d67d8c18a4ULL},
    {"Hue", 0.5, 0xf808e364e95e667fULL, 0xb2cdb1d67d8c18a4ULL},
};

}  // namespace

TEST_CASE("image operations equal torchvision's bit for bit") {
  for (const Case& c : cases) {
    Image colour = muted(21, 34, 3), grey = muted(30, 30, 1);
    apply(colour, c.op, c.by);
    apply(grey, c.op, c.by);
    INFO(c.op << " " << c.by);
    CHECK(hash(colour) == c.colour);
    CHECK(hash(grey) == c.grey);
  }
}

TEST_CASE("hue of 52^3 colours equals torchvision's bit for bit") {
  Image image(52, 52 * 52, 3);
  for (std::int64_t r = 0; r < 52; ++r) {
    for (std::int64_t g = 0; g < 52; ++g) {
      for (std::int64_t b = 0; b < 52; ++b) {
        const std::int64_t rgb[] = {r, g, b};
        for (std::int64_t c = 0; c < 3; ++c) {
          image.at(r, 52 * g + b, c) = static_cast<std::uint8_t>(5 * rgb[c]);
        }
      }
    }
  }
  Image turned = image;
  image_ops::hue(image, 0);
  CHECK(hash(image) == 0x96f61264f7374530ULL);
  image_ops::hue(turned, 0.25);
  CHECK(hash(turned) == 0x6df26424781064e1ULL);
}

TEST_CASE("operations that change nothing change nothing") {
  using Change = void (*)(Image&);
  using namespace image_ops;
  for (const Change change :
       {Change{[](Image& i) { brightness(i, 1); }}, Change{[](Image& i) { contrast(i, 1); }},
        Change{[](Image& i) { saturation(i, 1); }}, Change{[](Image& i) { sharpness(i, 1); }},
        Change{[](Image& i) { posterize(i, 8); }}, Change{[](Image& i) { solarize(i, 256); }},
        Change{[](Image& i) { shear_x(i, 0); }}, Change{[](Image& i) { translate_y(i, 0); }},
        Change{[](Image& i) { rotate(i, 360); }},
        Change{[](Image& i) { rotate(i, 90), rotate(i, -90); }},
        Change{[](Image& i) { invert(i), invert(i); }}}) {
    Image changed = pattern(7, 7, 3);
    const Image before = changed;
    change(changed);
    CHECK(changed == before);
  }
  Image flat(5, 5, 3);
  autocontrast(flat);
  equalize(flat);
  CHECK(flat == Image(5, 5, 3));
}

TEST_CASE("images of one pixel and one row pass through every operation") {
  for (const auto& [h, w] :
       {std::pair{1, 1}, std::pair{1, 40}, std::pair{40, 1}, std::pair{2, 2}}) {
    for (const Case& c : cases) {
      for (const std::int64_t channels : {1, 3}) {
        Image image = pattern(h, w, channels);
        apply(image, c.op, c.by);
        CHECK(image.height() == h);
        CHECK(image.width() == w);
      }
    }
  }
}

TEST_CASE("a rectangle is filled as far as it lies inside") {
  const Image before = pattern(6, 8, 3);
  for (const image_ops::Box& box :
       {image_ops::Box{1, 2, 3, 4}, image_ops::Box{-2, -3, 4, 5}, image_ops::Box{4, 6, 9, 9},
        image_ops::Box{7, 9, 2, 2}, image_ops::Box{-5, -5, 3, 3}}) {
    Image image = before;
    image_ops::fill(image, box, {1, 2, 3});
    for (std::int64_t y = 0; y < 6; ++y) {
      for (std::int64_t x = 0; x < 8; ++x) {
        const bool inside =
            y >= box.top && y < box.top + box.height && x >= box.left && x < box.left + box.width;
        for (std::int64_t c = 0; c < 3; ++c) {
          REQUIRE(image.at(y, x, c) == (inside ? c + 1 : before.at(y, x, c)));
        }
      }
    }
  }
  Image grey = pattern(3, 3, 1);
  image_ops::fill(grey, {0, 0, 3, 3}, {7, 8, 9});
  CHECK(pixels_of(grey) == Bytes(9, 7));
}
