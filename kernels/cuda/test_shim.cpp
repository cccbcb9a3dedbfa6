// The shim itself: correct kernels run, and planted mistakes are caught, whatever the order.
#include <taxon/base/error.h>

#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch.h"
#include "cuda/device.h"
#include "cuda/shim/words.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::kernels::cuda;

namespace {

constexpr int many = 256;

/// The text of the fault that f runs into under each of several seeds; "" if it does not.
template <class F>
std::vector<std::string> faults(F f) {
  std::vector<std::string> texts;
  const shim::Settings before = shim::settings();
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    shim::settings().seed = seed;
    texts.emplace_back();
    try {
      f();
    } catch (const shim::Fault& e) {
      texts.back() = e.what();
    }
  }
  shim::settings() = before;
  return texts;
}
template <class F>
void check_fault(const std::string& part, F f) {
  for (const std::string& text : faults(f)) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
    if (part != "") CHECK(text.find("_kernel, block (") != std::string::npos);
    if (part != "") CHECK(text.find("thread (") != std::string::npos);
    if (part == "") CHECK(text == "");
  }
}

/// y[i] = the sum over the block of x, by a tree; `skip`: the step without its barrier.
__global__ void tree_kernel(const float* x, float* y, int skip) {
  TAXON_SHARED(float, sums, many);
  const int t = static_cast<int>(threadIdx.x);
  sums[t] = x[t];
  __syncthreads();
  for (int step = many / 2, level = 0; step > 0; step /= 2, ++level) {
    if (t < step) sums[t] += sums[t + step];
    if (level != skip) __syncthreads();
  }
  if (t == 0) y[0] = sums[0];
}

__global__ void no_barrier_kernel(float* y) {
  TAXON_SHARED(float, values, many);
  const int t = static_cast<int>(threadIdx.x);
  values[t] = 1;
  y[t] = values[(t + 1) % many];
}
__global__ void overwritten_kernel(float* y) {  // a read, then a write without a barrier
  TAXON_SHARED(float, values, many);
  const int t = static_cast<int>(threadIdx.x);
  values[t] = 1;
  __syncthreads();
  const float v = values[(t + 1) % many];
  values[t] = v;
  y[t] = v;
}
__global__ void both_write_kernel(float* y) {
  TAXON_SHARED(float, values, 1);
  values[0] = 1;
  __syncthreads();
  y[threadIdx.x] = values[0];
}
/// Neighbours in a warp: ordered by __syncwarp, not by a shuffle.
__global__ void warp_kernel(float* y, int barrier, int distance) {
  TAXON_SHARED(float, values, many);
  const int t = static_cast<int>(threadIdx.x);
  values[t] = static_cast<float>(t);
  if (barrier == 1) __syncwarp();
  if (barrier == 2) __shfl_xor_sync(all_lanes, t, 1);
  y[t] = values[t ^ distance];
}
__global__ void beyond_kernel(float* y, int at, bool write) {
  TAXON_SHARED(float, values, many);
  const int t = static_cast<int>(threadIdx.x);
  values[t] = 1;
  if (write && t == 7) values[at] = 1;
  if (!write && t == 7) y[0] = values[at];
}
__global__ void unwritten_kernel(float* y) {
  TAXON_SHARED(float, values, many);
  if (threadIdx.x != 5) values[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = values[many - 1 - threadIdx.x];
}
__global__ void exits_kernel(int last) {
  if (static_cast<int>(threadIdx.x) >= last) return;
  __syncthreads();
}
__global__ void two_barriers_kernel(int) {
  if (threadIdx.x % 2 == 0) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
__global__ void divergent_shuffle_kernel(float* y) {
  if (threadIdx.x % 2 == 0) y[threadIdx.x] = __shfl_xor_sync(all_lanes, 1.0f, 1);
}
__global__ void two_shuffles_kernel(float* y) {
  if (threadIdx.x % 32 < 16) {
    y[threadIdx.x] = __shfl_xor_sync(all_lanes, 1.0f, 1);
  } else {
    y[threadIdx.x] = __shfl_xor_sync(all_lanes, 2.0f, 1);
  }
}
__global__ void half_warp_kernel(int* y) {
  const unsigned t = threadIdx.x;
  if (t % 32 < 16) y[t] = __shfl_xor_sync(0xffffu, static_cast<int>(t), 3);
  if (t % 32 >= 16) y[t] = __any_sync(0xffff0000u, t == 20) + __all_sync(0xffff0000u, 1);
}
__global__ void foreign_lane_kernel(int* y) {
  if (threadIdx.x < 16) y[threadIdx.x] = __shfl_sync(0xffffu, 1, 20);
}
__global__ void shuffle_kernel(int* xor_, int* down, unsigned* ballot, int* from) {
  const int t = static_cast<int>(threadIdx.x);
  xor_[t] = __shfl_xor_sync(all_lanes, t, 5);
  down[t] = __shfl_down_sync(all_lanes, t, 4);
  ballot[t] = __ballot_sync(all_lanes, t % 3 == 0);
  from[t] = __shfl_sync(all_lanes, t, 9);
}
__global__ void huge_kernel(int) {
  TAXON_SHARED(double, values, 48 * 1024 / 8 + 1);
  values[0] = 1;
}
__global__ void misaligned_kernel(int) {
  TAXON_SHARED(float, values, 64);
  store4(values, static_cast<int>(threadIdx.x) * 2, make_float4(1, 2, 3, 4));
}
__global__ void order_kernel(int* counter, int* order) {
  order[*counter] = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  ++*counter;
}
__global__ void index_kernel(int* hits) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  ++hits[block * blockDim.x * blockDim.y * blockDim.z + thread];
}

const Exec exec;

}  // namespace

TEST_CASE("a tree of sums, and one that misses a barrier", "[shim]") {
  std::vector<float> x(many);
  for (int i = 0; i < many; ++i) x[static_cast<std::size_t>(i)] = static_cast<float>(i);
  float y = 0;
  check_fault("", [&] { TAXON_LAUNCH(tree_kernel, dim3(3), many, exec, x.data(), &y, -1); });
  CHECK(y == many * (many - 1) / 2);
  for (int skip = 0; skip < 8; ++skip) {
    check_fault("race: shared array sums",
                [&] { TAXON_LAUNCH(tree_kernel, dim3(3), many, exec, x.data(), &y, skip); });
    if (skip == 6) break;  // after the last step thread 0 reads what it has written itself
  }
}

TEST_CASE("races are found whichever thread comes first", "[shim]") {
  std::vector<float> y(many);
  check_fault("race: shared array values",
              [&] { TAXON_LAUNCH(overwritten_kernel, dim3(1), many, exec, y.data()); });
  check_fault("race: shared array values",
              [&] { TAXON_LAUNCH(both_write_kernel, dim3(1), many, exec, y.data()); });
  for (const std::string& text :
       faults([&] { TAXON_LAUNCH(no_barrier_kernel, dim3(1), many, exec, y.data()); })) {
    // The reader may come before the writer: then there is nothing to read yet.
    CHECK((text.find("race") != std::string::npos ||
           text.find("never written") != std::string::npos));
  }
}

TEST_CASE("within a warp __syncwarp orders memory, a shuffle does not", "[shim]") {
  std::vector<float> y(many);
  const auto run = [&](int barrier, int distance) {
    return [&, barrier, distance] {
      TAXON_LAUNCH(warp_kernel, dim3(1), many, exec, y.data(), barrier, distance);
    };
  };
  check_fault("", run(1, 1));
  check_fault("", run(0, 0));
  for (int barrier : {0, 2}) {
    for (const std::string& text : faults(run(barrier, 1))) CHECK(text != "");
  }
  check_fault("race", run(2, 1));  // after the shuffle all have written
  for (const std::string& text : faults(run(1, 32))) CHECK(text != "");  // another warp
}

TEST_CASE("accesses beyond a shared array are caught", "[shim]") {
  std::vector<float> y(many);
  for (int at : {many, many + 1, -1, 1 << 20}) {
    for (bool write : {false, true}) {
      check_fault("shared array values: element",
                  [&] { TAXON_LAUNCH(beyond_kernel, dim3(2), many, exec, y.data(), at, write); });
    }
  }
  check_fault("not a multiple of 4", [&] { TAXON_LAUNCH(misaligned_kernel, dim3(1), 8, exec, 0); });
  check_fault("more than", [&] { TAXON_LAUNCH(huge_kernel, dim3(1), 8, exec, 0); });
}

TEST_CASE("reading shared memory that nobody wrote is caught", "[shim]") {
  std::vector<float> y(many);
  check_fault("element 5 is read but was never written",
              [&] { TAXON_LAUNCH(unwritten_kernel, dim3(2), many, exec, y.data()); });
}

TEST_CASE("divergent barriers and shuffles are caught", "[shim]") {
  std::vector<float> y(many);
  check_fault("", [&] { TAXON_LAUNCH(exits_kernel, dim3(2), 64, exec, 64); });
  check_fault("divergent barrier", [&] { TAXON_LAUNCH(exits_kernel, dim3(2), 64, exec, 63); });
  check_fault("has ended", [&] { TAXON_LAUNCH(exits_kernel, dim3(2), 64, exec, 32); });
  check_fault("divergent barrier",
              [&] { TAXON_LAUNCH(two_barriers_kernel, dim3(1), 64, exec, 0); });
  check_fault("divergent shuffle",
              [&] { TAXON_LAUNCH(divergent_shuffle_kernel, dim3(1), 64, exec, y.data()); });
  check_fault("divergent shuffle",
              [&] { TAXON_LAUNCH(two_shuffles_kernel, dim3(1), 64, exec, y.data()); });
  check_fault("divergent shuffle",
              [&] { TAXON_LAUNCH(divergent_shuffle_kernel, dim3(1), 16, exec, y.data()); });
  std::vector<int> z(many);
  check_fault("mask leaves out",
              [&] { TAXON_LAUNCH(foreign_lane_kernel, dim3(1), 32, exec, z.data()); });
}

TEST_CASE("shuffles and votes", "[shim]") {
  std::vector<int> xor_(96), down(96), from(96), half(64);
  std::vector<unsigned> ballot(96);
  check_fault("", [&] {
    TAXON_LAUNCH(shuffle_kernel, dim3(1), 96, exec, xor_.data(), down.data(), ballot.data(),
                 from.data());
    TAXON_LAUNCH(half_warp_kernel, dim3(1), 64, exec, half.data());
  });
  for (int t = 0; t < 96; ++t) {
    const auto i = static_cast<std::size_t>(t);
    const int lane = t % 32, first = t - lane;
    CHECK(xor_[i] == first + (lane ^ 5));
    CHECK(down[i] == (lane + 4 < 32 ? t + 4 : t));
    CHECK(from[i] == first + 9);
    unsigned bits = 0;
    for (int j = 0; j < 32; ++j) bits |= (first + j) % 3 == 0 ? 1u << j : 0;
    CHECK(ballot[i] == bits);
    if (t < 64) CHECK(half[i] == (lane < 16 ? t ^ 3 : (first == 0 ? 2 : 1)));
  }
}

TEST_CASE("every thread of every block runs once, in an order that the seed decides", "[shim]") {
  std::vector<int> hits(2 * 3 * 4 * 5 * 6 * 2);
  TAXON_LAUNCH(index_kernel, dim3(2, 3, 4), dim3(5, 6, 2), exec, hits.data());
  CHECK(hits == std::vector<int>(hits.size(), 1));
  std::set<std::vector<int>> orders;
  faults([&] {
    std::vector<int> order(4 * 32);
    int counter = 0;
    TAXON_LAUNCH(order_kernel, dim3(4), 32, exec, &counter, order.data());
    CHECK(std::set<int>(order.begin(), order.end()).size() == order.size());
    orders.insert(order);
  });
  CHECK(orders.size() == 8);
  shim::settings().host_threads = 3;
  std::vector<int> more(40 * 64);
  TAXON_LAUNCH(index_kernel, dim3(40), dim3(64), exec, more.data());
  shim::settings().host_threads = 1;
  CHECK(more == std::vector<int>(more.size(), 1));
}

TEST_CASE("launches that no GPU takes are refused", "[shim]") {
  CHECK_THROWS_AS(TAXON_LAUNCH(exits_kernel, dim3(1), 1025, exec, 9999), shim::Fault);
  CHECK_THROWS_AS(TAXON_LAUNCH(exits_kernel, dim3(0), 32, exec, 9999), shim::Fault);
  CHECK_THROWS_AS(TAXON_LAUNCH(exits_kernel, dim3(1, 65536), 32, exec, 9999), shim::Fault);
}
