// Batches from pixels in memory, by values worked out by hand.
#include "row_check.h"

#include <taxon/kernels/images.h>

#include <vector>

using namespace taxon::kernels;
using namespace taxon::test;

namespace {

// Two grey images of 2 x 3: 1 2 3 / 4 5 6 and ten times that.
constexpr unsigned char pixels[] = {1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60};

std::vector<float> made(const ImagePlan* plan, bool reflect, float scale, float shift) {
  ImagesArgs args;
  args.n = 1;
  args.height = 2;
  args.width = 3;
  args.channels = 1;
  args.reflect = reflect;
  args.pixels = pixels;
  args.plan = plan;
  args.scale[0] = scale;
  args.shift[0] = shift;
  args.fill[0] = 9;
  std::vector<float> x(6);
  args.x = x.data();
  run_row(*images_rows().first, args);
  return x;
}

std::vector<float> made(const ImagePlan& plan, bool reflect, float scale = 1, float shift = 0) {
  return made(&plan, reflect, scale, shift);
}

}  // namespace

TEST_CASE("images are picked, moved, mirrored, filled and normalised, in this order", "[images]") {
  using V = std::vector<float>;
  CHECK(made(nullptr, false, 1, 0) == V{1, 2, 3, 4, 5, 6});
  CHECK(made({.index = 1}, false) == V{10, 20, 30, 40, 50, 60});
  CHECK(made({.index = 0}, false, 2, 1) == V{3, 5, 7, 9, 11, 13});
  CHECK(made({.dy = 1}, false) == V{4, 5, 6, 0, 0, 0});
  CHECK(made({.dy = 1}, true) == V{4, 5, 6, 1, 2, 3});
  CHECK(made({.dx = -1}, false) == V{0, 1, 2, 0, 4, 5});
  CHECK(made({.dx = -1}, true) == V{2, 1, 2, 5, 4, 5});
  CHECK(made({.mirror = 1}, false) == V{3, 2, 1, 6, 5, 4});
  CHECK(made({.dx = -1, .mirror = 1}, false) == V{2, 1, 0, 5, 4, 0});
  CHECK(made({.mirror = 1, .top = 1, .left = 0, .bottom = 2, .right = 2}, false) ==
        V{3, 2, 1, 9, 9, 4});
  CHECK(made({.dx = 3}, false, 2, 1) == V{1, 1, 1, 1, 1, 1});  // what is outside is 0, then scaled
  CHECK(made({.dx = 7}, true) == made({.dx = 3}, true));       // a reflection goes on and on
}
