// Recording under the shim: what is given to a stream that records is done when it is repeated.
#include <taxon/base/error.h>

#include <vector>

#include "catch.h"
#include "cuda/device.h"
#include "cuda/shim/words.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::kernels::cuda;
using Catch::Contains;

namespace {

__global__ void add_kernel(float* y, float by) {
  y[threadIdx.x] += by;
}

struct Numbers {
  Numbers() : there(static_cast<float*>(allocate(0, bytes))) { zero(0, there, bytes, stream(0)); }
  ~Numbers() { release(0, there); }
  std::vector<float> values() const {
    std::vector<float> out(4);
    to_host(0, out.data(), there, bytes, stream(0));
    return out;
  }
  static constexpr size_t bytes = 4 * sizeof(float);
  float* there;
};

}  // namespace

TEST_CASE("the shim records launches, copies and zeros, with their arguments of that time") {
  Numbers a, b;
  Exec exec;
  exec.stream = start_recording(0);
  float by = 2;
  TAXON_LAUNCH(add_kernel, 1, 4, exec, a.there, by);
  by = 100;
  copy(0, b.there, a.there, Numbers::bytes, exec.stream);
  zero(0, b.there, sizeof(float), exec.stream);
  void* recorded = end_recording(0, exec.stream);
  CHECK(a.values() == std::vector<float>{0, 0, 0, 0});
  repeat(0, recorded, stream(0));
  repeat(0, recorded, stream(0));
  CHECK(a.values() == std::vector<float>{4, 4, 4, 4});
  CHECK(b.values() == std::vector<float>{0, 4, 4, 4});
  free_recording(recorded);
}

TEST_CASE("the shim refuses what CUDA cannot record, and memory that is gone when it is repeated") {
  auto numbers = std::make_unique<Numbers>();
  Numbers other;
  float host = 1;
  void* own = start_recording(0);
  CHECK_THROWS_WITH(to_device(0, numbers->there, &host, sizeof host, own), Contains("capturing"));
  CHECK_THROWS_WITH(to_host(0, &host, numbers->there, sizeof host, own), Contains("capturing"));
  CHECK_THROWS_WITH(synchronize(0, own), Contains("capturing"));
  copy(0, other.there, numbers->there, Numbers::bytes, own);
  void* recorded = end_recording(0, own);
  CHECK_THROWS_WITH(end_recording(0, own), Contains("does not record"));
  repeat(0, recorded, stream(0));
  numbers.reset();
  CHECK_THROWS_WITH(repeat(0, recorded, stream(0)), Contains("not all in one piece"));
  free_recording(recorded);
}
