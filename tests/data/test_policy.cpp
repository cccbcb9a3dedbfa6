// Colour jitter, TrivialAugment, RandAugment, cutout and random erasing.
#include "catch.h"

#include <taxon/data/image_ops.h>
#include <taxon/data/transforms.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

Preprocess sized(const Image& image) {
  Preprocess p;
  p.height = image.height();
  p.width = image.width();
  p.channels = image.channels();
  p.mean.assign(static_cast<std::size_t>(p.channels), 0.5f);
  p.std.assign(static_cast<std::size_t>(p.channels), 0.25f);
  return p;
}

Image muted(std::int64_t height, std::int64_t width, std::int64_t channels) {
  Image image = pattern(height, width, channels);
  for (std::size_t i = 0; i < image.bytes(); ++i) {
    image.data()[i] = static_cast<std::uint8_t>(40 + image.data()[i] / 2);
  }
  return image;
}

Image flat(std::int64_t side, std::array<std::uint8_t, 3> colour) {
  Image image(side, side, 3);
  image_ops::fill(image, {0, 0, side, side}, colour);
  return image;
}

// Number and sum of the hashes of all different results of `draws` samples.
std::pair<std::size_t, std::uint64_t> all_results(const Image& image, const Augment& a, int draws) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < draws; ++i) {
    seen.insert(hash(augmented(image, sized(image), a, 3, 0, i)));
  }
  return {seen.size(), std::accumulate(seen.begin(), seen.end(), std::uint64_t{0})};
}

// The rectangle in which two images differ.
image_ops::Box difference(const Image& a, const Image& b) {
  std::int64_t top = a.height(), left = a.width(), bottom = 0, right = 0;
  for (std::int64_t y = 0; y < a.height(); ++y) {
    for (std::int64_t x = 0; x < a.width(); ++x) {
      for (std::int64_t c = 0; c < a.channels(); ++c) {
        if (a.at(y, x, c) == b.at(y, x, c)) continue;
        top = std::min(top, y);
        left = std::min(left, x);
        bottom = std::max(bottom, y + 1);
        right = std::max(right, x + 1);
      }
    }
  }
  return {top, left, bottom - top, right - left};
}

}  // namespace

// The expected numbers and sums: every operation of torchvision 0.29's
// TrivialAugmentWide()._augmentation_space(31) and RandAugment()._augmentation_space(31, size) at
// each strength and sign, applied to the same image (PIL, NEAREST) by autoaugment._apply_op; of the
// distinct results the number and the sum of hash().
TEST_CASE("TrivialAugment draws each of torchvision's results and no other") {
  Augment a;
  a.policy = Policy::trivial;
  using Results = std::pair<std::size_t, std::uint64_t>;
  CHECK(all_results(muted(16, 16, 3), a, 20000) == Results{502, 0xbcd89f156cf2ed1cULL});
  CHECK(all_results(muted(12, 20, 1), a, 20000) == Results{429, 0x91e53c2083c9cc23ULL});
}

TEST_CASE("RandAugment draws each of torchvision's results and no other") {
  Augment a;
  a.policy = Policy::rand;
  a.rand_ops = 1;
  using Results = std::pair<std::size_t, std::uint64_t>;
  a.rand_magnitude = 9;
  CHECK(all_results(muted(16, 16, 3), a, 1000) == Results{22, 0xe81b0eb94f90ef18ULL});
  CHECK(all_results(muted(12, 20, 1), a, 1000) == Results{19, 0xcca229887768806fULL});
  a.rand_magnitude = 30;
  CHECK(all_results(muted(16, 16, 3), a, 1000) == Results{23, 0x59b855fdea5e8084ULL});
  CHECK(all_results(muted(12, 20, 1), a, 1000) == Results{20, 0x6d458624491ae15cULL});
  a.rand_ops = 2;
  CHECK(all_results(muted(16, 16, 3), a, 1000).first > 150);
}

TEST_CASE("jitter draws factors from the whole range and nothing outside it") {
  Augment a;
  a.brightness = 0.4;
  const auto levels = [&](const Image& image, std::int64_t channel) {
    std::set<int> seen;
    for (int i = 0; i < 2000; ++i) {
      seen.insert(augmented(image, sized(image), a, 1, 0, i).at(0, 0, channel));
    }
    return std::pair{*seen.begin(), *seen.rbegin()};
  };
  const Image grey = flat(2, {100, 100, 100});
  CHECK(levels(grey, 0) == std::pair{60, 139});
  a.brightness = 2;  // [0, 3]
  CHECK(levels(grey, 0) == std::pair{0, 255});
  a.brightness = 0;
  a.saturation = 0.5;  // blue of grey 11 (of 255): 11 + [0.5, 1.5] * (100 - 11), cut off
  CHECK(levels(flat(2, {0, 0, 100}), 2) == std::pair{55, 144});
  CHECK(levels(grey, 1) == std::pair{100, 100});
  a.saturation = 0;
  a.contrast = 0.5;  // mean 100
  Image two(2, 2, 3);
  for (std::size_t i = 0; i < two.bytes(); ++i) {
    two.data()[i] = i < 6 ? 60 : 140;
  }
  CHECK(levels(two, 0) == std::pair{40, 79});
  a.contrast = 0;
  a.hue = 0.1;  // red stays the strongest and never gets both other colours
  CHECK(levels(flat(2, {200, 0, 0}), 0) == std::pair{200, 200});
  CHECK(levels(flat(2, {200, 0, 0}), 1).second == 118);
}

TEST_CASE("jitter works in every order") {
  Augment a;
  a.brightness = a.contrast = a.saturation = a.hue = 0.4;
  const Image image = muted(8, 8, 3);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 500; ++i) {
    const Image out = augmented(image, sized(image), a, 1, 0, i);
    CHECK(out == augmented(image, sized(image), a, 1, 0, i));
    seen.insert(hash(out));
  }
  CHECK(seen.size() == 500);
  // A cut-off by brightness before or after contrast is lowered: 255 only if brightness comes last.
  Augment b;
  b.brightness = 1;
  b.contrast = 1;
  Image half = flat(4, {250, 250, 250});
  image_ops::fill(half, {0, 0, 2, 4}, {0, 0, 0});
  int white = 0, less = 0;
  for (int i = 0; i < 500; ++i) {
    const int v = augmented(half, sized(half), b, 1, 0, i).at(3, 3, 0);
    white += v == 255 ? 1 : 0;
    less += v < 200 ? 1 : 0;
  }
  CHECK(white > 100);
  CHECK(less > 50);
}

TEST_CASE("cutout fills a square with the mean colour, its centre anywhere") {
  Augment a;
  a.cutout = 6;
  const Image image = flat(16, {10, 20, 30});
  std::set<std::pair<std::int64_t, std::int64_t>> places;
  for (int i = 0; i < 3000; ++i) {
    const Image out = augmented(image, sized(image), a, 1, 0, i);
    const image_ops::Box box = difference(image, out);
    REQUIRE((box.height >= 3 && box.height <= 6 && box.width >= 3 && box.width <= 6));
    if (box.top > 0 && box.top + box.height < 16) REQUIRE(box.height == 6);
    Image expected = image;
    image_ops::fill(expected, box, {128, 128, 128});
    REQUIRE(out == expected);
    places.insert({box.top * 20 + box.height, box.left * 20 + box.width});
  }
  CHECK(places.size() == 256);
}

TEST_CASE("random erasing fills 2 to 33 % of the area with the given probability") {
  Augment a;
  a.erase = 0.5;
  a.erase_fill = EraseFill::mean;
  const Image image = flat(40, {10, 20, 30});
  int erased = 0;
  double least = 1, most = 0, flattest = 1, tallest = 1;
  for (int i = 0; i < 2000; ++i) {
    const Image out = augmented(image, sized(image), a, 1, 0, i);
    if (out == image) continue;
    ++erased;
    const image_ops::Box box = difference(image, out);
    Image expected = image;
    image_ops::fill(expected, box, {128, 128, 128});
    REQUIRE(out == expected);
    const auto h = static_cast<double>(box.height), w = static_cast<double>(box.width);
    least = std::min(least, h * w / 1600);
    most = std::max(most, h * w / 1600);
    flattest = std::min(flattest, h / w);
    tallest = std::max(tallest, h / w);
  }
  CHECK((erased > 900 && erased < 1100));
  CHECK((least > 0.015 && least < 0.03));  // whole pixels
  CHECK((most > 0.3 && most < 0.35));
  CHECK((flattest > 0.25 && flattest < 0.4));
  CHECK((tallest > 2.8 && tallest < 4));
  a.erase = 1;
  a.erase_fill = EraseFill::random;
  std::set<int> values;
  for (int i = 0; i < 20; ++i) {
    const Image out = augmented(image, sized(image), a, 1, 0, i);
    for (std::size_t k = 0; k < out.bytes(); ++k) {
      values.insert(out.data()[k]);
    }
  }
  CHECK(values.size() == 256);
}

TEST_CASE("one more step of augmentation changes nothing in the others") {
  const Image image = pattern(16, 16, 3);
  const Preprocess p = sized(image);
  const Augment shifted = Augment::preset("standard", 16, 16, true);
  Augment both = shifted;
  both.cutout = 4;
  for (int i = 0; i < 50; ++i) {
    const Image one = augmented(image, p, shifted, 1, 0, i);
    const Image two = augmented(image, p, both, 1, 0, i);
    const image_ops::Box box = difference(one, two);
    CHECK((box.height <= 4 && box.width <= 4));
  }
}

TEST_CASE("augmentation of the smallest images") {
  for (const std::int64_t channels : {1, 3}) {
    const Image image = pattern(1, 1, channels);
    Augment a = Augment::preset("trivial", 1, 1, true);
    a.brightness = a.contrast = a.saturation = a.hue = 0.5;
    a.cutout = 2;
    a.erase = 1;
    for (int i = 0; i < 200; ++i) {
      CHECK(augmented(image, sized(image), a, 1, 0, i).bytes() == image.bytes());
    }
  }
}

TEST_CASE("augmentation refuses what makes no sense") {
  const auto broken = [](auto change) {
    Augment a;
    change(a);
    return error_of<OptionError>([&] { a.validate(32, 24); });
  };
  CHECK(broken([](Augment&) {}) == "no error");
  CHECK(contains(broken([](Augment& a) { a.pad = 25; }), "pad is 25, expected 0 to 24"));
  CHECK(contains(broken([](Augment& a) { a.min_area = 0; }), "min_area is 0, expected above 0"));
  CHECK(contains(broken([](Augment& a) { a.hue = 0.6; }), "hue is 0.6, expected 0 to 0.5"));
  CHECK(contains(broken([](Augment& a) { a.brightness = -1; }), "brightness is -1"));
  CHECK(contains(broken([](Augment& a) { a.rand_ops = 0; }), "rand_ops is 0, expected 1 to 14"));
  CHECK(contains(broken([](Augment& a) { a.rand_magnitude = 31; }), "rand_magnitude is 31"));
  CHECK(contains(broken([](Augment& a) { a.erase = 1.5; }), "erase is 1.5, expected 0 to 1"));
  CHECK(contains(broken([](Augment& a) { a.cutout = 49; }), "cutout is 49, expected 0 to 48"));
}
