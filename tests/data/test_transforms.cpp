// Preprocessing and augmentation.
#include "catch.h"

#include <taxon/base/parallel.h>
#include <taxon/data/transforms.h>

#include <cmath>
#include <set>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

Preprocess square(std::int64_t size, ResizeMode mode = ResizeMode::crop) {
  Preprocess p;
  p.height = p.width = size;
  p.resize = mode;
  return p;
}

}  // namespace

TEST_CASE("crop equals torchvision's Resize and CenterCrop bit for bit") {
  const Preprocess p = square(32);
  CHECK(hash(p.fit(pattern(97, 61, 3))) == 0xa6fc307fb87f1ddfULL);
  CHECK(hash(p.fit(pattern(61, 97, 3))) == 0x63c44c86595f6f9fULL);
  CHECK(hash(p.fit(pattern(60, 61, 3))) == 0x4d4a1d66ad01a8c7ULL);
  CHECK(hash(p.fit(pattern(33, 32, 3))) == 0x366196154f6d9e5ULL);
  Preprocess inner = p;
  inner.crop_pct = 32.0 / 37.0;
  CHECK(hash(inner.fit(pattern(97, 61, 3))) == 0x54e190ad921f01d1ULL);
}

TEST_CASE("squash and letterbox") {
  CHECK(square(24, ResizeMode::squash).fit(pattern(97, 61, 3)) ==
        resize(pattern(97, 61, 3), 24, 24));
  const Image image = pattern(20, 40, 3);
  const Image boxed = square(16, ResizeMode::letterbox).fit(image);
  CHECK(int{boxed.at(3, 5, 0)} == 114);
  CHECK(int{boxed.at(12, 5, 2)} == 114);
  CHECK(crop(boxed, 4, 0, 8, 16) == resize(image, 8, 16));
  CHECK(square(16, ResizeMode::letterbox).fit(pattern(1, 300, 3)).str() == "16x16x3");
}

TEST_CASE("an image that fits is left as it is, channels are converted") {
  const Image image = pattern(8, 8, 3);
  for (const ResizeMode mode : {ResizeMode::crop, ResizeMode::squash, ResizeMode::letterbox}) {
    CHECK(square(8, mode).fit(image) == image);
  }
  Preprocess grey = square(8);
  grey.channels = 1;
  grey.mean = {0};
  grey.std = {1};
  CHECK(grey.fit(image) == convert_channels(image, 1));
  CHECK(square(8).fit(pattern(8, 8, 1)) == convert_channels(pattern(8, 8, 1), 3));
}

TEST_CASE("extreme aspect ratios take no extreme memory") {
  Image line(1, 30000, 3);
  CHECK(square(224).fit(line).str() == "224x224x3");
  CHECK(square(224, ResizeMode::letterbox).fit(line).str() == "224x224x3");
}

TEST_CASE("normalisation is (x / 255 - mean) / std") {
  Preprocess p = square(9);
  p.mean = {0.1f, 0.5f, 0.9f};
  p.std = {0.2f, 0.25f, 2.0f};
  const Image image = pattern(9, 9, 3);
  const Tensor x = p(image);
  REQUIRE(x.shape() == Shape{1, 9, 9, 3});
  const auto v = x.view<float>();
  for (std::size_t i = 0; i < v.size(); ++i) {
    const double expected = (image.data()[i] / 255.0 - static_cast<double>(p.mean[i % 3])) /
                            static_cast<double>(p.std[i % 3]);
    REQUIRE(std::abs(static_cast<double>(v[i]) - expected) < 1e-6);
  }
}

TEST_CASE("several images make one batch, the same with any number of threads") {
  const Preprocess p = square(16);
  const std::vector<Image> images{pattern(30, 20, 3), pattern(16, 16, 3), pattern(5, 9, 1)};
  const Tensor one = p(images);
  CHECK(one.shape() == Shape{3, 16, 16, 3});
  const int before = num_threads();
  set_num_threads(3);
  CHECK(p(images).to_vector<float>() == one.to_vector<float>());
  set_num_threads(before);
  const auto second = p(images[1]).to_vector<float>();
  CHECK(std::equal(second.begin(), second.end(), one.view<float>().begin() + 16 * 16 * 3));
}

TEST_CASE("preprocessing refuses what makes no sense") {
  const auto broken = [](auto change) {
    Preprocess p;
    change(p);
    return error_of<OptionError>([&] { p.validate(); });
  };
  CHECK(contains(broken([](auto& p) { p.height = 0; }), "size 0x32"));
  CHECK(contains(broken([](auto& p) { p.channels = 2; }), "2 channels, expected 1 or 3"));
  CHECK(contains(broken([](auto& p) { p.std = {1, 0, 1}; }), "std above 0"));
  CHECK(contains(broken([](auto& p) { p.mean = {0}; }), "1 means"));
  CHECK(contains(broken([](auto& p) { p.crop_pct = 0; }), "crop_pct 0"));
  CHECK(contains(error_of<OptionError>([] { parse_resize_mode("squahs"); }),
                 "did you mean 'squash'"));
  CHECK(name_of(parse_resize_mode("letterbox")) == "letterbox");
}

TEST_CASE("augmentation depends on seed, epoch and index alone") {
  const Preprocess p = square(16);
  const Augment a = Augment::preset("standard", 16, 16, true);
  CHECK((a.pad == 2 && a.flip));
  const Image image = pattern(16, 16, 3);
  CHECK(augmented(image, p, a, 1, 2, 3) == augmented(image, p, a, 1, 2, 3));
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 200; ++i) {
    seen.insert(hash(augmented(image, p, a, 1, i % 2, i)));
  }
  CHECK(seen.size() > 35);  // of 5 x 5 shifts x 2
  CHECK(seen.size() <= 50);
}

TEST_CASE("alternating flips show each sample both ways in two epochs") {
  const Preprocess p = square(8);
  Augment a;
  a.flip_alternate = true;
  const Image image = pattern(8, 8, 3);
  int flipped = 0;
  for (int i = 0; i < 100; ++i) {
    const bool even = augmented(image, p, a, 1, 0, i) == image;
    CHECK((augmented(image, p, a, 1, 1, i) == image) != even);
    CHECK((augmented(image, p, a, 1, 6, i) == image) == even);
    flipped += even ? 0 : 1;
  }
  CHECK((flipped > 30 && flipped < 70));
}

TEST_CASE("shifts and mirrored shifts are all that padding does") {
  const Preprocess p = square(6);
  const Image image = pattern(6, 6, 3);
  for (const PadMode mode : {PadMode::zero, PadMode::reflect}) {
    Augment a;
    a.pad = 2;
    a.pad_mode = mode;
    a.flip = true;
    const auto pixel = [&](std::int64_t y, std::int64_t x, std::int64_t c) {
      if (mode == PadMode::zero && (y < 0 || x < 0 || y > 5 || x > 5)) {
        return std::uint8_t{0};
      }
      const auto back = [](std::int64_t i) { return i < 0 ? -i : i > 5 ? 10 - i : i; };
      return image.at(back(y), back(x), c);
    };
    std::set<std::uint64_t> expected, seen;
    for (std::int64_t dy = -2; dy <= 2; ++dy) {
      for (std::int64_t dx = -2; dx <= 2; ++dx) {
        for (const bool flip : {false, true}) {
          Image out(6, 6, 3);
          for (std::int64_t y = 0; y < 6; ++y) {
            for (std::int64_t x = 0; x < 6; ++x) {
              for (std::int64_t c = 0; c < 3; ++c) {
                out.at(y, flip ? 5 - x : x, c) = pixel(y + dy, x + dx, c);
              }
            }
          }
          expected.insert(hash(out));
        }
      }
    }
    for (int i = 0; i < 1000; ++i) {
      seen.insert(hash(augmented(image, p, a, 7, 0, i)));
    }
    CHECK(seen == expected);
  }
}

TEST_CASE("random parts have the model's size and vary") {
  const Preprocess p = square(32);
  Augment a;
  a.min_area = 0.3;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 20; ++i) {
    const Image out = augmented(pattern(300, 200, 3), p, a, 5, 0, i);
    REQUIRE(out.str() == "32x32x3");
    seen.insert(hash(out));
  }
  CHECK(seen.size() == 20);
  CHECK(augmented(pattern(1, 900, 3), p, a, 5, 0, 0).str() == "32x32x3");
}

TEST_CASE("presets of augmentation") {
  CHECK_FALSE(Augment::preset("none", 32, 32, true).enabled());
  CHECK(Augment::preset("standard", 32, 32, true).pad == 4);
  CHECK_FALSE(Augment::preset("standard", 28, 28, false).flip);
  CHECK(Augment::preset("standard", 224, 224, true).min_area < 1);
  Augment trivial = Augment::preset("trivial", 32, 32, true);
  CHECK(trivial.policy == Policy::trivial);
  trivial.policy = Policy::none;
  CHECK(trivial == Augment::preset("standard", 32, 32, true));
  CHECK(Augment::preset("light", 28, 28, false).pad == 1);
  CHECK_FALSE(Augment::preset("light", 28, 28, false).flip_alternate);
  CHECK(Augment::preset("light", 32, 32, true).flip_alternate);
  CHECK(contains(error_of<OptionError>([] { Augment::preset("standrad", 8, 8, true); }),
                 "did you mean 'standard'"));
}
