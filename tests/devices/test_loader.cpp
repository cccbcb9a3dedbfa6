// Batches for a GPU: normalised there, and made there where pixels lie in its memory, they are
// those that the CPU makes.
#include "catch.h"

#include <taxon/base/random.h>
#include <taxon/data/loader.h>

#include "device_test.h"
#include "resident.h"

using namespace taxon;
using namespace taxon::test;

namespace {

constexpr std::int64_t kSide = 8, kSamples = 21;

// Random pixels in memory.
DatasetPtr noise() {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(kSamples * kSide * kSide * 3));
  Rng rng(4, 2);
  for (auto& p : pixels) p = static_cast<std::uint8_t>(rng.next_u32());
  Labels labels;
  labels.class_names = {"a", "b", "c"};
  for (std::int64_t i = 0; i < kSamples; ++i) labels.index.push_back(i % 3);
  return memory_dataset("noise", std::move(pixels), Shape{kSide, kSide, 3}, std::move(labels));
}

LoaderOptions options_for(Device device) {
  LoaderOptions o;
  o.batch = 8;
  o.shuffle = true;
  o.seed = 5;
  o.device = device;
  o.preprocess.height = o.preprocess.width = kSide;
  o.preprocess.mean = {0.4F, 0.5F, 0.6F};
  o.preprocess.std = {0.2F, 0.25F, 0.3F};
  return o;
}

// Whether two epochs are the same on both devices.
void compare(const LoaderOptions& on_cpu) {
  const DatasetPtr data = noise();
  LoaderOptions on_gpu = on_cpu;
  on_gpu.device = gpu();
  Loader expected(data, on_cpu), made(data, on_gpu);
  for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
    expected.start(epoch);
    made.start(epoch);
    Batch a, b;
    while (expected.next(a)) {
      REQUIRE(made.next(b));
      CHECK(b.x.device() == gpu());
      CHECK(b.y.device() == gpu());
      CHECK(b.indices == a.indices);
      CHECK(difference(b.x, a.x) < 1e-6);
      CHECK(difference(b.y, a.y) == 0);
    }
    CHECK_FALSE(made.next(b));
  }
}

}  // namespace

TEST_CASE("batches made on a GPU are those of the CPU") {
  LoaderOptions o = options_for(cpu);
  SECTION("as they are") {}
  SECTION("moved with zeros around, and mirrored") {
    o.augment.pad = 2;
    o.augment.flip = true;
  }
  SECTION("moved with reflections, mirrored in turn, and cut") {
    o.augment.pad = 3;
    o.augment.pad_mode = PadMode::reflect;
    o.augment.flip_alternate = true;
    o.augment.cutout = 5;
  }
  SECTION("cut alone") {
    o.augment.cutout = 3;
  }
  SECTION("drawn by weight") {
    o.weights.assign(kSamples, 1);
    o.weights[3] = 50;
    o.augment.pad = 2;
  }
  SECTION("a part of each") {
    o.part = 1;
    o.parts = 3;
    o.augment.flip = true;
  }
  LoaderOptions there = o;
  there.device = gpu();
  CHECK(Resident::of(*noise(), there) != nullptr);
  compare(o);
}

TEST_CASE("what else is done to images is done on the CPU") {
  LoaderOptions o = options_for(gpu());
  SECTION("colours") {
    o.augment.brightness = 0.2;
  }
  SECTION("operations") {
    o.augment.policy = Policy::trivial;
  }
  SECTION("erasing") {
    o.augment.erase = 0.5;
  }
  SECTION("parts") {
    o.augment.min_area = 0.5;
  }
  SECTION("mixing") {
    o.mixup = 0.3;
  }
  SECTION("another size") {
    o.preprocess.height = o.preprocess.width = 6;
  }
  CHECK(Resident::of(*noise(), o) == nullptr);
  o.device = cpu;
  compare(o);
}

TEST_CASE("a part of a batch may be empty") {
  LoaderOptions o = options_for(cpu);
  o.batch = 20;  // and one left, for the last of three parts
  o.parts = 3;
  SECTION("of pixels on the GPU") {}
  SECTION("of pixels from the CPU") {
    o.augment.brightness = 0.2;
  }
  compare(o);
}

TEST_CASE("a loader may go while batches are on their way, and a batch is thrown away") {
  LoaderOptions o = options_for(gpu());
  o.augment.brightness = 0.2;
  Loader loader(noise(), o);
  loader.start(0);
  Batch first, again;
  REQUIRE(loader.next(first));
  loader.start(0);
  REQUIRE(loader.next(again));
  CHECK(difference(again.x, first.x) == 0);
}

TEST_CASE("batches for the CPU are made there") {
  CHECK(Resident::of(*noise(), options_for(cpu)) == nullptr);
}
