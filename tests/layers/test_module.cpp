// Module: names, state in and out, freezing, conversion.
#include <taxon/layers/layers.h>

#include <functional>

#include "catch.h"

using namespace taxon;

namespace {

std::shared_ptr<Sequential> small_net(std::uint64_t seed) {
  Init init;
  init.seed = seed;
  auto net = std::make_shared<Sequential>();
  net->add<Conv2d>(3, 4, 3, init).add<BatchNorm2d>(4).add<ReLU>();
  net->add<Flatten>().add<Linear>(4 * 2 * 2, 5, init, LinearOptions{true, {2, 2, 4}});
  net->add<Dropout>(0.5, init);
  return net;
}

std::vector<std::string> names(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> out;
  for (const NamedTensor& t : tensors) {
    out.push_back(t.name);
  }
  return out;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.to_vector<float>() == b.to_vector<float>();
}

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("names come as PyTorch's, own entries before the children's", "[module]") {
  auto net = small_net(1);
  CHECK(names(net->named_parameters()) ==
        std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias", "4.weight", "4.bias"});
  CHECK(names(net->named_buffers()) == std::vector<std::string>{"1.running_mean", "1.running_var",
                                                                "1.num_batches_tracked", "5.step"});
  CHECK(names(net->state()) == std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias",
                                                        "1.running_mean", "1.running_var",
                                                        "1.num_batches_tracked", "4.weight",
                                                        "4.bias", "5.step"});
  const auto in_file = names(net->file_state());
  CHECK(std::count(in_file.begin(), in_file.end(), "5.step") == 0);
  CHECK(net->parameter_count() == 4 * 27 + 4 + 8 + 80 + 5);
}

TEST_CASE("the same seed gives the same weights, another seed others", "[module]") {
  const auto a = small_net(7)->parameters(), b = small_net(7)->parameters();
  const auto c = small_net(8)->parameters();
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(same(a[i], b[i]));
  }
  CHECK_FALSE(same(a[0], c[0]));
}

TEST_CASE("state goes out and in", "[module]") {
  auto a = small_net(1), b = small_net(2);
  a->train();
  a->forward(Tensor::uniform(Shape{2, 4, 4, 3}, -1, 1, 3));  // moves the buffers
  SECTION("as a checkpoint") {
    b->load_state(a->state());
    const auto sa = a->state(), sb = b->state();
    for (std::size_t i = 0; i < sa.size(); ++i) {
      if (sa[i].tensor.dtype() == DType::f32) {
        CHECK(same(sa[i].tensor, sb[i].tensor));
      } else {
        CHECK(sa[i].tensor.to_vector<std::int64_t>() == sb[i].tensor.to_vector<std::int64_t>());
      }
    }
  }
  SECTION("as a file") {
    b->load_file_state(a->file_state());
    const auto pa = a->parameters(), pb = b->parameters();
    for (std::size_t i = 0; i < pa.size(); ++i) {
      CHECK(same(pa[i], pb[i]));
    }
  }
  SECTION("state() shares memory") {
    a->state()[1].tensor.fill(5);
    CHECK(a->parameters()[1].view<float>()[0] == 5);
  }
}

TEST_CASE("state that does not fit is refused, and nothing is changed", "[module]") {
  auto net = small_net(1);
  const auto before = net->parameters()[0].to_vector<float>();
  auto state = small_net(2)->state();
  SECTION("missing") {
    state.erase(state.begin() + 1);
    CHECK(message([&] { net->load_state(state); }).find("missing 0.bias") != std::string::npos);
  }
  SECTION("unexpected") {
    state.push_back({"fc.weight", Tensor::zeros(Shape{1})});
    CHECK(message([&] { net->load_state(state); }).find("unexpected fc.weight") !=
          std::string::npos);
  }
  SECTION("misshapen") {
    state.back() = state[0];
    state.back().name = "5.step";
    REQUIRE_THROWS_AS(net->load_state(state), FormatError);
    state = small_net(2)->state();
    state[8].tensor = Tensor::zeros(Shape{6});
    const std::string text = message([&] { net->load_state(state); });
    CHECK(text.find("'4.bias' is f32[6], expected f32[5]") != std::string::npos);
  }
  SECTION("twice") {
    state.push_back(state[0]);
    CHECK(message([&] { net->load_state(state); }).find("twice") != std::string::npos);
  }
  CHECK(net->parameters()[0].to_vector<float>() == before);
}

TEST_CASE("files hold PyTorch's layouts", "[module]") {
  Init init;
  SECTION("convolution: OIHW") {
    Conv2d conv(2, 3, 3, init);
    const auto state = conv.file_state();
    CHECK(state[0].tensor.shape() == Shape{3, 2, 3, 3});
    const auto ours = conv.weight.view<float>(), theirs = state[0].tensor.view<float>();
    for (std::size_t o = 0; o < 3; ++o) {
      for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t k = 0; k < 9; ++k) {
          REQUIRE(theirs[(o * 2 + i) * 9 + k] == ours[(o * 9 + k) * 2 + i]);
        }
      }
    }
  }
  SECTION("linear after flatten: columns in CHW order") {
    Linear fc(2 * 3 * 4, 5, init, LinearOptions{true, {2, 3, 4}});
    const auto state = fc.file_state();
    const auto ours = fc.weight.view<float>(), theirs = state[0].tensor.view<float>();
    for (std::size_t o = 0; o < 5; ++o) {
      for (std::size_t p = 0; p < 6; ++p) {
        for (std::size_t c = 0; c < 4; ++c) {
          REQUIRE(theirs[o * 24 + c * 6 + p] == ours[o * 24 + p * 4 + c]);
        }
      }
    }
    REQUIRE_THROWS_AS(Linear(10, 5, init, LinearOptions{true, {2, 2, 2}}), OptionError);
  }
}

TEST_CASE("freeze, conversion and modes reach all below", "[module]") {
  auto net = small_net(1);
  net->freeze();
  for (const Tensor& p : net->parameters()) {
    CHECK_FALSE(p.requires_grad());
  }
  net->freeze(false);
  net->to(DType::f64);
  for (const Tensor& p : net->parameters()) {
    CHECK(p.requires_grad());
    CHECK(p.dtype() == DType::f64);
  }
  CHECK(net->named_buffers()[2].tensor.dtype() == DType::i64);
  net->eval();
  CHECK_FALSE((*net)[1].training());
  net->train();
  CHECK((*net)[1].training());
}

TEST_CASE("find walks names and suggests", "[module]") {
  Init init;
  auto inner = std::make_shared<Sequential>();
  inner->add<Linear>(2, 2, init);
  Sequential net({inner});
  CHECK(net.find("0.0").str() == "Linear(2, 2)");
  REQUIRE_THROWS_AS(net.find("0.1"), OptionError);
}

TEST_CASE("a gradient reaches every parameter", "[module]") {
  auto net = small_net(3);
  const Tensor x = Tensor::uniform(Shape{4, 4, 4, 3}, -1, 1, 9);
  sum(net->forward(x)).backward();
  for (const NamedTensor& p : net->named_parameters()) {
    INFO(p.name);
    CHECK(p.tensor.grad().defined());
  }
  net->zero_grad();
  CHECK_FALSE(net->parameters()[0].grad().defined());
}

TEST_CASE("a chain runs what follows a convolution as one op, with the same result") {
  Init init{5};
  ConvOptions o;
  o.padding = 1;
  Sequential net;
  net.add<Conv2d>(3, 10, 3, init, o).add<BatchNorm2d>(10).add<ReLU>();
  net.add<Conv2d>(10, 9, 3, init, o).add<ReLU>().add<BatchNorm2d>(9).add<ReLU>();
  net.add<Conv2d>(9, 4, 3, init, o).add<BatchNorm2d>(4).add<Flatten>();
  net.add<Linear>(4 * 6 * 6, 7, init).add<ReLU>();
  const Tensor x = Init{6}.kaiming_normal(Shape{2, 6, 6, 3}, 4);
  for (const bool training : {true, false}) {
    INFO("training " << training);
    net.train(training);
    Tensor expected = x;
    for (const auto& [name, module] : net.children()) expected = module->forward(expected);
    const Tensor y = net.forward(x);
    REQUIRE(y.shape() == expected.shape());
    for (std::int64_t i = 0; i < y.numel(); ++i) {
      CHECK(y.view<float>()[static_cast<std::size_t>(i)] ==
            expected.view<float>()[static_cast<std::size_t>(i)]);
    }
  }
}

TEST_CASE("a chain runs convolution, ReLU and pooling together, with the same results") {
  struct Net {
    std::int64_t in, filters;
    double tolerance;  // few filters: other kernels, whose sums have another order
  };
  for (const Net& n : {Net{1, 6, 1e-5}, Net{3, 20, 0}}) {
    Init init{5};
    ConvOptions o;
    o.padding = 1;
    Sequential net;
    net.add<Conv2d>(n.in, n.filters, 3, init, o).add<ReLU>().add<MaxPool2d>(2);
    net.add<Conv2d>(n.filters, 5, 3, init, o).add<MaxPool2d>(3, PoolLayerOptions{2, 1});
    const Tensor x = Init{6}.kaiming_normal(Shape{3, 9, 8, n.in}, 4);
    Tensor apart = x;
    for (const auto& [name, module] : net.children()) apart = module->forward(apart);
    sum(mul(apart, apart)).backward();
    std::vector<Tensor> expected;
    for (const Tensor& p : net.parameters()) expected.push_back(p.grad());
    net.zero_grad();
    const Tensor y = net.forward(x);
    sum(mul(y, y)).backward();
    REQUIRE(y.shape() == apart.shape());
    const auto same = [&](const Tensor& a, const Tensor& b) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(a.numel()); ++i) {
        CHECK(std::abs(a.view<float>()[i] - b.view<float>()[i]) <=
              n.tolerance * (1 + std::abs(b.view<float>()[i])));
      }
    };
    same(y, apart);
    for (std::size_t i = 0; i < expected.size(); ++i) same(net.parameters()[i].grad(), expected[i]);
  }
}

TEST_CASE("a class derived from a layer keeps its own forward in a chain") {
  struct Doubled : ReLU {
    Tensor forward(const Tensor& x) override { return mul(relu(x), 2.0); }
  };
  Init init{5};
  Sequential net;
  net.add<Linear>(4, 3, init).add<Doubled>();
  const Tensor x = Init{6}.kaiming_normal(Shape{2, 4}, 4);
  const Tensor plain = relu(net[0].forward(x)), y = net.forward(x);
  for (std::size_t i = 0; i < 6; ++i) CHECK(y.view<float>()[i] == 2 * plain.view<float>()[i]);
}

TEST_CASE("conv_norm: a folded batch-norm adds the residual and cuts off in the convolution") {
  Init init{7};
  ConvOptions o;
  o.padding = 1;
  o.bias = false;
  Conv2d conv(8, 8, 3, init, o);
  BatchNorm2d norm(8);
  norm.eval();
  conv.eval();
  const Tensor x = Init{8}.kaiming_normal(Shape{2, 5, 5, 8}, 4);
  const Tensor plain = conv_norm(conv, norm, x, {x, true});
  const Tensor apart = relu(norm.forward(conv.forward(x)) + x);
  fold_batch_norm(conv, norm);
  const Tensor folded = conv_norm(conv, norm, x, {x, true});
  for (std::size_t i = 0; i < 400; ++i) {
    CHECK(plain.view<float>()[i] == Approx(apart.view<float>()[i]).margin(1e-5));
    CHECK(folded.view<float>()[i] == Approx(apart.view<float>()[i]).margin(1e-4));
  }
}
