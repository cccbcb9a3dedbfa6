// The layers: shapes, defaults, initial distributions, running statistics, dropout's state.
#include <taxon/layers/layers.h>

#include <algorithm>
#include <cmath>

#include "catch.h"

using namespace taxon;

namespace {

double largest(const Tensor& t) {
  double m = 0;
  for (const float v : t.view<float>()) {
    m = std::max(m, std::abs(static_cast<double>(v)));
  }
  return m;
}

double spread(const Tensor& t) {  // standard deviation
  double sum = 0, squares = 0;
  for (const float v : t.view<float>()) {
    sum += v;
    squares += static_cast<double>(v) * v;
  }
  const double n = static_cast<double>(t.numel());
  return std::sqrt(squares / n - sum / n * sum / n);
}

}  // namespace

TEST_CASE("weights start as torch's", "[layers]") {
  Init init;
  init.seed = 11;
  SECTION("Linear") {
    Linear fc(400, 300, init);
    const double bound = 1 / std::sqrt(400.0);
    CHECK(largest(fc.weight) <= bound);
    CHECK(largest(fc.weight) > 0.99 * bound);
    CHECK(spread(fc.weight) == Approx(bound / std::sqrt(3.0)).epsilon(0.02));
    CHECK(largest(fc.bias) <= bound);
    CHECK(largest(fc.bias) > 0.9 * bound);
  }
  SECTION("Conv2d: fan_in counts the group's channels") {
    ConvOptions o;
    o.groups = 4;
    Conv2d conv(32, 64, 3, init, o);
    const double bound = 1 / std::sqrt(9.0 * 8);
    CHECK(conv.weight.shape() == Shape{64, 3, 3, 8});
    CHECK(largest(conv.weight) <= bound);
    CHECK(spread(conv.weight) == Approx(bound / std::sqrt(3.0)).epsilon(0.05));
  }
  SECTION("rectifier: fan_out") {
    ConvOptions o;
    o.init = ConvInit::rectifier;
    Conv2d conv(32, 64, 3, init, o);
    CHECK(spread(conv.weight) == Approx(std::sqrt(2.0 / (9 * 64))).epsilon(0.03));
  }
  SECTION("nothing drawn") {
    init.draw = false;
    CHECK(largest(Linear(4, 4, init).weight) == 0);
  }
}

TEST_CASE("shapes", "[layers]") {
  Init init;
  const Tensor x = Tensor::uniform(Shape{2, 9, 7, 4}, -1, 1, 1);
  const auto shape = [&](Module&& m) { return m.forward(x).shape(); };
  ConvOptions o;
  o.stride = 2;
  o.padding = 1;
  CHECK(shape(Conv2d(4, 6, 3, init, o)) == Shape{2, 5, 4, 6});
  PoolLayerOptions p;
  p.stride = 2;
  p.padding = 1;
  CHECK(shape(MaxPool2d(3, p)) == Shape{2, 5, 4, 4});
  CHECK(shape(MaxPool2d(2)) == Shape{2, 4, 3, 4});
  CHECK(shape(AvgPool2d(2)) == Shape{2, 4, 3, 4});
  CHECK(shape(AdaptiveAvgPool2d(3, 2)) == Shape{2, 3, 2, 4});
  CHECK(shape(GlobalAvgPool()) == Shape{2, 4});
  CHECK(shape(Flatten()) == Shape{2, 9 * 7 * 4});
  CHECK(shape(Identity()) == x.shape());
  CHECK(shape(ReLU()) == x.shape());
  CHECK(shape(GELU()) == x.shape());
  CHECK(shape(SiLU()) == x.shape());
  CHECK(shape(LayerNorm(4)) == x.shape());
  CHECK(shape(BatchNorm2d(4)) == x.shape());
  CHECK(Linear(4, 3, init).forward(x).shape() == Shape{2, 9, 7, 3});
}

TEST_CASE("options out of range are refused", "[layers]") {
  Init init;
  ConvOptions groups;
  groups.groups = 3;
  REQUIRE_THROWS_AS(Conv2d(4, 6, 3, init, groups), OptionError);
  REQUIRE_THROWS_AS(Conv2d(0, 6, 3, init), OptionError);
  REQUIRE_THROWS_AS(Linear(4, 0, init), OptionError);
  REQUIRE_THROWS_AS(Dropout(1.0, init), OptionError);
  REQUIRE_THROWS_AS(BatchNorm2d(0), OptionError);
  PoolLayerOptions p;
  p.padding = 2;
  REQUIRE_THROWS_AS(MaxPool2d(3, p), OptionError);
  REQUIRE_THROWS_AS(LayerNorm(3).forward(Tensor::zeros(Shape{2, 4})), ShapeError);
}

TEST_CASE("batch-norm: running statistics move by momentum, with the unbiased variance",
          "[layers]") {
  BatchNorm2d bn(1);
  const Tensor x = Tensor::from(std::vector<float>{1, 2, 3, 6}, Shape{2, 1, 2, 1});
  const Tensor y = bn.forward(x);
  const double mean = 3, biased = 3.5, unbiased = 14.0 / 3;
  CHECK(y.view<float>()[0] == Approx((1 - mean) / std::sqrt(biased + 1e-5)).epsilon(1e-5));
  CHECK(bn.running_mean.item() == Approx(0.1 * mean));
  CHECK(bn.running_var.item() == Approx(0.9 + 0.1 * unbiased));
  CHECK(bn.num_batches_tracked.item() == 1);
  bn.eval();
  const Tensor z = bn.forward(x);
  CHECK(z.view<float>()[3] ==
        Approx((6 - 0.1 * mean) / std::sqrt(0.9 + 0.1 * unbiased + 1e-5)).epsilon(1e-5));
  CHECK(bn.num_batches_tracked.item() == 1);
  bn.train();
  REQUIRE_THROWS_AS(bn.forward(Tensor::zeros(Shape{1, 1, 1, 1})), ShapeError);
}

TEST_CASE("dropout: masks follow seed and step, and a resumed layer goes on", "[layers]") {
  const Tensor x = Tensor::ones(Shape{100, 100});
  Init ia, ib;
  Dropout a(0.25, ia), b(0.25, ib);
  const auto first = a.forward(x).to_vector<float>();
  const auto second = a.forward(x).to_vector<float>();
  CHECK(first != second);
  const auto zeros = std::count(first.begin(), first.end(), 0.0f);
  CHECK(static_cast<double>(zeros) == Approx(2500).margin(200));
  CHECK(*std::max_element(first.begin(), first.end()) == Approx(4.0 / 3));
  CHECK(b.forward(x).to_vector<float>() == first);
  Init ic;
  Dropout c(0.25, ic);
  c.load_state(b.state());  // after one step
  CHECK(c.forward(x).to_vector<float>() == second);
  c.eval();
  CHECK(c.forward(x).to_vector<float>() == x.to_vector<float>());
  Init other;
  Dropout d(0.25, other), e(0.25, other);  // two layers of one model
  CHECK(d.forward(x).to_vector<float>() != e.forward(x).to_vector<float>());
}

TEST_CASE("folding batch-norm keeps the answer", "[layers]") {
  Init init;
  init.seed = 5;
  for (const bool bias : {false, true}) {
    ConvOptions o;
    o.bias = bias;
    Conv2d conv(3, 8, 3, init, o);
    BatchNorm2d bn(8);
    for (std::uint64_t i = 0; i < 4; ++i) {
      bn.forward(conv.forward(Tensor::uniform(Shape{4, 6, 6, 3}, -1, 2, i)));
    }
    bn.weight.copy_from(Tensor::uniform(Shape{8}, 0.5, 2, 21));
    bn.bias.copy_from(Tensor::uniform(Shape{8}, -1, 1, 22));
    conv.eval();
    bn.eval();
    const Tensor x = Tensor::uniform(Shape{2, 6, 6, 3}, -1, 1, 30);
    const auto before = bn.forward(conv.forward(x)).to_vector<float>();
    fold_batch_norm(conv, bn);
    const auto after = bn.forward(conv.forward(x)).to_vector<float>();
    for (std::size_t i = 0; i < before.size(); ++i) {
      REQUIRE(after[i] == Approx(before[i]).margin(2e-5));
    }
  }
  Conv2d conv(3, 4, 1, init);
  BatchNorm2d bn(8);
  REQUIRE_THROWS_AS(fold_batch_norm(conv, bn), ShapeError);
}
