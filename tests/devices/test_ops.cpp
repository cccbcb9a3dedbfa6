// Every op and its gradient on a GPU against the CPU, by the cases of the gradient check.
#include <taxon/core/ops.h>

#include <algorithm>

#include "catch.h"
#include "core/gradient_cases.h"
#include "device_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

struct Results {
  Tensor y;
  Tensors gradients;
};

// The gradients of a sum that weighs every element of the output differently.
Results run(const GradientCase& c, DType dtype, Device device) {
  Tensors inputs;
  for (const Tensor& t : c.inputs) {
    inputs.push_back(t.to(dtype).to(device).set_requires_grad());
  }
  Results out{c.f(inputs), {}};
  const Tensor weight = Tensor::uniform(out.y.shape(), 0.5, 1.5, 99, 1).to(out.y.dtype());
  out.y.backward(weight.to(device));
  for (const Tensor& t : inputs) out.gradients.push_back(t.grad());
  return out;
}

void compare(const GradientCase& c, DType dtype, double tolerance) {
  const Results expected = run(c, dtype, cpu), got = run(c, dtype, gpu());
  CHECK(got.y.device() == gpu());
  CHECK(difference(got.y, expected.y) < tolerance);
  for (std::size_t i = 0; i < got.gradients.size(); ++i) {
    INFO("gradient of input " << i);
    REQUIRE(got.gradients[i].defined() == expected.gradients[i].defined());
    if (!got.gradients[i].defined()) continue;
    CHECK(got.gradients[i].device() == gpu());
    CHECK(difference(got.gradients[i], expected.gradients[i]) < tolerance);
  }
}

}  // namespace

// Sums of at most a few hundred terms of order 1: their rounding is far below 2e-5.
TEST_CASE("every op and its gradient on a GPU equal the CPU's") {
  for (const GradientCase& c : gradient_cases()) {
    INFO(c.op << " " << c.label);
    compare(c, DType::f32, 2e-5);
  }
}

TEST_CASE("ops without a gradient on a GPU equal the CPU's") {
  const Tensor x = Tensor::normal({4, 7, 3}, 0, 1, 5);
  for (const int axis : {0, 1, 2}) {
    CHECK(argmax(x.to(gpu()), axis).to_vector<std::int64_t>() ==
          argmax(x, axis).to_vector<std::int64_t>());
  }
  const Tensor index = Tensor::from(std::vector<std::int64_t>{2, 0, 1, 2}, {4});
  CHECK(difference(one_hot(index.to(gpu()), 3), one_hot(index, 3)) == 0);
  CHECK_THROWS_AS(one_hot(index.to(gpu()), 2), FormatError);
}

TEST_CASE("casts between all types on a GPU equal the CPU's") {
  const Tensor x = Tensor::uniform({300}, 0, 200, 6);
  for (const DType from : {DType::f32, DType::bf16, DType::u8, DType::i32, DType::i64}) {
    for (const DType to : {DType::f32, DType::bf16, DType::u8, DType::i32, DType::i64}) {
      const Tensor here = x.to(from);
      INFO(name_of(from) << " to " << name_of(to));
      CHECK(difference(here.to(gpu()).to(to), here.to(to)) == 0);
    }
  }
}
