// Tensors on a GPU: making, copying, reading, and what is refused.
#include <taxon/core/devices.h>
#include <taxon/core/ops.h>

#include <string>

#include "catch.h"
#include "device_test.h"

using namespace taxon;
using namespace taxon::test;

TEST_CASE("tensors go to a GPU and come back as they were") {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{0}, Shape{3, 5}, Shape{1000, 1001}}) {
    const Tensor x = Tensor::normal(shape, 0, 1, 3);
    const Tensor there = x.to(gpu());
    CHECK(there.device() == gpu());
    CHECK(there.to(cpu).to_vector<float>() == x.to_vector<float>());
    CHECK(there.to_vector<float>() == x.to_vector<float>());
    CHECK(there.clone().to_vector<float>() == x.to_vector<float>());
    Tensor copy = Tensor::zeros(shape, DType::f32, gpu());
    copy.copy_from(x);
    CHECK(copy.to_vector<float>() == x.to_vector<float>());
  }
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{1, -5, 1'000'000'000'000}, {3});
  CHECK(labels.to(gpu()).to_vector<std::int64_t>() == labels.to_vector<std::int64_t>());
}

TEST_CASE("tensors are made and filled on a GPU") {
  CHECK(Tensor::zeros({7}, DType::i64, gpu()).to_vector<std::int64_t>() ==
        std::vector<std::int64_t>(7, 0));
  CHECK(Tensor::full({3, 2}, -2.5, DType::f32, gpu()).to_vector<float>() ==
        std::vector<float>(6, -2.5f));
  CHECK(Tensor::ones({}, DType::f32, gpu()).item() == 1);
  Tensor x = Tensor::empty({5}, DType::u8, gpu());
  x.fill(9);
  CHECK(x.to_vector<std::uint8_t>() == std::vector<std::uint8_t>(5, 9));
}

TEST_CASE("what a GPU cannot do is told") {
  const Tensor x = Tensor::ones({2, 2}, DType::f32, gpu()), here = Tensor::ones({2, 2});
  CHECK_THROWS_AS(x.view<float>(), DeviceError);
  CHECK_THROWS_WITH(add(x, here), "add: inputs are on cuda:0 and cpu; expected one device");
  CHECK_THROWS_AS(Tensor::ones({2}, DType::f64, gpu()), DTypeError);
  CHECK_THROWS_AS(x.to(DType::f64), DTypeError);
  const Device none{DeviceType::cuda, 100};
  CHECK_FALSE(is_available(none));
  CHECK_THROWS_AS(here.to(none), DeviceError);
  Tensor y = here.clone();
  CHECK_THROWS_AS(lerp_(y, x, 0.5), DeviceError);
}

TEST_CASE("memory that does not fit a GPU is refused with the sizes") {
  try {
    Tensor::empty({std::int64_t{1} << 50}, DType::f32, gpu());
    FAIL("expected DeviceError");
  } catch (const DeviceError& e) {
    const std::string what = e.what();
    INFO(what);
    CHECK(what.find("cuda:0: out of memory: 4503599627370496 bytes asked for") == 0);
    CHECK(what.find("bytes are free") != std::string::npos);
  }
  CHECK(Tensor::ones({3}, DType::f32, gpu()).to_vector<float>() == std::vector<float>(3, 1.0f));
}

TEST_CASE("a GPU's memory is counted and used again") {
  { const Tensor x = Tensor::ones({1 << 20}, DType::f32, gpu()); }
  const MemoryStats before = memory_stats(gpu());
  for (int i = 0; i < 3; ++i) {
    const Tensor x = Tensor::empty({1 << 20}, DType::f32, gpu());
    CHECK(memory_stats(gpu()).live >= before.live + (4u << 20));
  }
  CHECK(memory_stats(gpu()).system_calls == before.system_calls);
  CHECK(memory_stats(gpu()).live == before.live);
  release_cached_memory(gpu());
  CHECK(memory_stats(gpu()).cached < before.cached);
}
