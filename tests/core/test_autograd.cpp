// The graph: accumulation, freeing, depth, misuse.
#include <taxon/core/ops.h>

#include "catch.h"

using namespace taxon;

namespace {
Tensor leaf(std::vector<float> values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())}).set_requires_grad();
}
}  // namespace

TEST_CASE("gradients add up over uses and over backward runs") {
  Tensor x = leaf({2, 3});
  sum(add(mul(x, x), x)).backward();
  CHECK(x.grad().to_vector<float>() == std::vector<float>{5, 7});
  sum(x).backward();
  CHECK(x.grad().to_vector<float>() == std::vector<float>{6, 8});
  x.set_grad({});
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("two leaves never share a gradient's memory") {
  Tensor a = leaf({1, 2}), b = leaf({3, 4});
  sum(add(a, b)).backward();
  a.grad().fill(7);
  CHECK(b.grad().to_vector<float>() == std::vector<float>{1, 1});
}

TEST_CASE("nothing is recorded without need") {
  Tensor x = leaf({1});
  {
    const NoGrad no_grad;
    CHECK_FALSE(mul(x, 2.0).requires_grad());
  }
  CHECK(mul(x, 2.0).requires_grad());
  CHECK_FALSE(mul(x.detach(), 2.0).requires_grad());
  CHECK_FALSE(argmax(x, 0).requires_grad());
  CHECK_THROWS_AS(x.detach().backward(), Error);
}

TEST_CASE("a chain of 200,000 ops is walked and freed without recursion") {
  Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 200000; ++i) y = add(y, 0.0);
  SECTION("backward") {
    y.backward();
    CHECK(x.grad().item() == 1);
  }
  SECTION("dropped") {
    y = Tensor();
  }
}

TEST_CASE("a graph runs backward once") {
  Tensor x = leaf({1, 2});
  const Tensor y = sum(mul(x, x));
  y.backward();
  CHECK_THROWS_AS(y.backward(), Error);
}

TEST_CASE("what backward needs must not change in between") {
  Tensor x = leaf({1, 2});
  Tensor factor = Tensor::from(std::vector<float>{3, 4}, {2});
  const Tensor y = sum(mul(x, factor));
  factor.fill(0);
  CHECK_THROWS_AS(y.backward(), Error);
}

TEST_CASE("backward frees what forward saved as it goes") {
  Tensor x = Tensor::ones({1 << 20}).set_requires_grad();
  const std::size_t before = memory_stats().live;
  Tensor y = sum(exp(exp(exp(mul(x, 1e-3)))));
  const std::size_t held = memory_stats().live - before;
  y.backward();
  CHECK(memory_stats().live - before < held / 2);  // the gradient of x remains
  y = Tensor();
  CHECK(memory_stats().live - before <= (std::size_t{4} << 20) + 4096);
}

TEST_CASE("misuse is told") {
  Tensor x = leaf({1, 2});
  CHECK_THROWS_AS(mul(x, 2.0).backward(), ShapeError);  // not a scalar
  CHECK_THROWS_AS(mul(x, 2.0).backward(Tensor::ones({3})), ShapeError);
  CHECK_THROWS_AS(mul(x, 2.0).set_requires_grad(), Error);
  CHECK_THROWS_AS(Tensor::zeros({2}, DType::i64).set_requires_grad(), DTypeError);
  CHECK_THROWS_AS(x.set_grad(Tensor::ones({3})), ShapeError);
  CHECK_THROWS_AS(Tensor().shape(), Error);
}
