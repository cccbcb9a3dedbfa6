// Batches from pixels in the device's memory under the shim.
#include <taxon/kernels/images.h>

#include <algorithm>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Covers covers({"images"}, false);

struct Case {
  std::int64_t all, n, height, width, channels;
  bool reflect;
};
const Case cases[] = {{5, 7, 8, 6, 3, true}, {5, 7, 8, 6, 3, false},   {1, 1, 1, 1, 1, true},
                      {3, 4, 1, 9, 4, true}, {2, 3, 32, 32, 1, false}, {2, 0, 4, 4, 3, true}};

Guarded<ImagePlan> plans(const Case& c) {
  Guarded<std::int32_t> drawn(c.n * 8);
  fill_integers(drawn, 3, 0, 100);
  Guarded<ImagePlan> out(c.n);
  for (std::int64_t i = 0; i < c.n; ++i) {
    const auto at = [&](int k) { return drawn[i * 8 + k]; };
    const auto within = [&](int k, std::int64_t to) {
      return static_cast<std::int32_t>(at(k) % (to + 1));
    };
    out[i] = {static_cast<std::int32_t>(at(0) % c.all),
              at(1) % 9 - 4,
              at(2) % 9 - 4,
              at(3) % 2,
              within(4, c.height),
              within(5, c.width),
              within(6, c.height),
              within(7, c.width)};
  }
  return out;
}

void check(ImagesArgs args, std::int64_t numbers) {
  Guarded<float> expected(numbers);
  args.x = expected.data();
  run_row(reference_of(images_rows()), args);
  each_order([&] {
    Guarded<float> x(numbers);
    args.x = x.data();
    run_checked(*cuda_tables().images().first, args);
    CHECK(identical(x, expected));
  });
}

}  // namespace

TEST_CASE("cuda: batches from pixels", "[images]") {
  for (const Case& c : cases) {
    INFO(c.n << " of " << c.height << " x " << c.width << " x " << c.channels);
    const std::int64_t size = c.height * c.width * c.channels;
    Guarded<unsigned char> pixels(c.all * size);
    fill_integers(pixels, 1, 0, 255);
    const Guarded<ImagePlan> plan = plans(c);
    ImagesArgs args;
    args.n = c.n;
    args.height = c.height;
    args.width = c.width;
    args.channels = c.channels;
    args.reflect = c.reflect;
    args.pixels = pixels.data();
    args.plan = plan.data();
    for (int k = 0; k < ImagesArgs::most_channels; ++k) {
      args.scale[k] = static_cast<float>(k + 1);  // whole numbers: exact
      args.shift[k] = static_cast<float>(7 - k);
      args.fill[k] = static_cast<unsigned char>(100 + k);
    }
    check(args, c.n * size);
    args.plan = nullptr;  // as they are
    args.n = std::min(c.n, c.all);
    check(args, args.n * size);
  }
}
