// Ops by value, their errors, and that threads and repetition change nothing.
#include <taxon/base/parallel.h>
#include <taxon/core/ops.h>

#include <atomic>
#include <cmath>
#include <cstring>

#include <functional>
#include <thread>

#include "catch.h"
#include "gradient_cases.h"

using namespace taxon;

namespace {

Tensor values(std::vector<float> v, const Shape& shape) {
  return Tensor::from(v, shape);
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("small results by hand") {
  const Tensor a = values({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(matmul(a, a, {false, true}).to_vector<float>() == std::vector<float>{14, 32, 32, 77});
  CHECK(sum(a, {0}).to_vector<float>() == std::vector<float>{5, 7, 9});
  CHECK(mean(a).item() == 3.5);
  CHECK(max(a, 1).to_vector<float>() == std::vector<float>{3, 6});
  CHECK(argmax(values({1, 7, 7, 2}, {4}), 0).item() == 1);
  CHECK(transpose(a, {1, 0}).to_vector<float>() == std::vector<float>{1, 4, 2, 5, 3, 6});
  CHECK(slice(a, 1, 0, 3, 2).to_vector<float>() == std::vector<float>{1, 3, 4, 6});
  CHECK(pad(values({1}, {1}), {{1}, {2}, 9}).to_vector<float>() == std::vector<float>{9, 1, 9, 9});
  CHECK(concat({a, a}, 0).shape() == Shape{4, 3});
  const Tensor index = Tensor::from(std::vector<std::int64_t>{1, 0, 1}, {3});
  CHECK(gather(a, index).to_vector<float>() == std::vector<float>{4, 5, 6, 1, 2, 3, 4, 5, 6});
  CHECK(one_hot(index, 2).to_vector<float>() == std::vector<float>{0, 1, 1, 0, 0, 1});
  const Tensor image = values({1, 2, 3, 4}, {1, 2, 2, 1});
  CHECK(max_pool2d(image).item() == 4);
  CHECK(avg_pool2d(image).item() == 2.5);
  CHECK(global_avg_pool(image).shape() == Shape{1, 1});
  const Tensor filter = values({1, 0, 0, 1}, {1, 2, 2, 1});
  CHECK(conv2d(image, filter).item() == 5);
  const Tensor target = Tensor::from(std::vector<std::int64_t>{1}, {1});
  CHECK(std::abs(cross_entropy(values({0, 0}, {1, 2}), target).item() - std::log(2.0)) < 1e-6);
}

TEST_CASE("cross_entropy_hits: the loss, its gradient and the right rows in one pass") {
  const Tensor target = Tensor::from(std::vector<std::int64_t>{1, 0, 2, -100}, {4});
  Tensor x = values({0, 2, 1, 3, 3, 3, 1, 2, 1, 5, 0, 0}, {4, 3}).set_requires_grad();
  Tensor same = x.clone().set_requires_grad();
  const CrossEntropyHits both = cross_entropy_hits(x, target);
  CHECK(both.hits.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{1, 1, 0, 0});
  const Tensor loss = cross_entropy(same, target);
  CHECK(both.loss.item() == loss.item());
  both.loss.backward();
  loss.backward();
  CHECK(x.grad().to_vector<float>() == same.grad().to_vector<float>());
  CHECK_THROWS_AS(cross_entropy_hits(x, x.detach()), DTypeError);
}

TEST_CASE("the gradient of cross_entropy takes the factor that comes from above") {
  const Tensor target = Tensor::from(std::vector<std::int64_t>{1, 0}, {2});
  const auto gradient = [&](Reduction reduction, double factor) {
    Tensor x = Tensor::normal({2, 3}, 0, 1, 7, 0, DType::f64).set_requires_grad();
    CrossEntropyOptions options;
    options.reduction = reduction;
    const Tensor loss = cross_entropy(x, target, {}, options);
    (reduction == Reduction::none ? sum(mul(loss, factor)) : mul(loss, factor)).backward();
    return x.grad().to_vector<double>();
  };
  const std::vector<double> once = gradient(Reduction::sum, 1);
  for (std::size_t i = 0; i < once.size(); ++i) {
    CHECK(gradient(Reduction::sum, 3)[i] == Approx(3 * once[i]));
    CHECK(gradient(Reduction::none, 3)[i] == Approx(3 * once[i]));
    CHECK(gradient(Reduction::mean, 3)[i] == Approx(1.5 * once[i]));
  }
}

TEST_CASE("lerp_ of a list moves each of its tensors") {
  Tensors y{values({0, 8}, {2}), Tensor::full({3}, 4, DType::f64), values({-4}, {1})};
  const Tensors x{values({4, 0}, {2}), Tensor::zeros({3}, DType::f64), values({4}, {1})};
  lerp_(y, x, 0.25);
  CHECK(y[0].to_vector<float>() == std::vector<float>{1, 6});
  CHECK(y[1].to_vector<double>() == std::vector<double>{3, 3, 3});
  CHECK(y[2].to_vector<float>() == std::vector<float>{-2});
  CHECK_THROWS_AS(lerp_(y, {x[0], x[1]}, 0.25), ShapeError);
  CHECK_THROWS_AS(lerp_(y, {x[0], x[2], x[1]}, 0.25), ShapeError);
}

TEST_CASE("conversions between dtypes") {
  const Tensor x = values({-1.5F, 0, 2.75F, 200}, {4});
  CHECK(x.to(DType::i32).to_vector<std::int32_t>() == std::vector<std::int32_t>{-1, 0, 2, 200});
  CHECK(x.to(DType::f64).to_vector<double>() == std::vector<double>{-1.5, 0, 2.75, 200});
  CHECK(x.to(DType::bf16).to(DType::f32).to_vector<float>() == x.to_vector<float>());
  CHECK(Tensor::full({2}, 7, DType::u8).to(DType::f32).to_vector<float>() ==
        std::vector<float>{7, 7});
}

TEST_CASE("errors name the op, what was given and what was expected") {
  const Tensor image = Tensor::zeros({2, 8, 8, 3}), weight = Tensor::zeros({4, 3, 3, 2});
  CHECK(error_of([&] { conv2d(image, weight); }) ==
        "conv2d: input f32[2, 8, 8, 3] has 3 channels, weight f32[4, 3, 3, 2] with groups=1 "
        "expects 2");
  CHECK(error_of([&] {
          matmul(Tensor::zeros({2, 3}), Tensor::zeros({4, 5}));
        }) == "matmul: f32[2, 3] has 3 columns, f32[4, 5] has 4 rows; expected equal numbers");
  CHECK(error_of([&] { add(Tensor::zeros({2}), Tensor::zeros({2}, DType::f64)); }) ==
        "add: inputs f32[2] and f64[2] differ in dtype; expected one dtype");
  CHECK(error_of([&] { relu(Tensor::zeros({2}, DType::i64)); }) ==
        "relu: dtype i64 is not supported; expected f32, bf16 (or f64)");
  CHECK(error_of([&] {
          cross_entropy(Tensor::zeros({1, 3}), Tensor::full({1}, 3, DType::i64));
        }) == "cross_entropy: target 3; expected 0 to 2");
  CHECK(error_of([&] { gather(image, Tensor::full({1}, -1, DType::i64)); }) ==
        "gather: index -1; expected 0 to 1");
}

TEST_CASE("misfits of every kind are refused") {
  const Tensor image = Tensor::zeros({1, 4, 4, 2}), row = Tensor::zeros({3});
  const Tensor weight = Tensor::zeros({2, 3, 3, 2});
  CHECK_THROWS_AS(conv2d(row, weight), ShapeError);
  CHECK_THROWS_AS(conv2d(image, weight, row), ShapeError);
  CHECK_THROWS_AS(conv2d(image, weight, {}, {0, 1}), ShapeError);
  CHECK_THROWS_AS(conv2d(image, Tensor::zeros({2, 5, 5, 2})), ShapeError);
  CHECK_THROWS_AS(conv2d(image, Tensor()), ShapeError);
  CHECK_THROWS_AS(linear(row, Tensor::zeros({2, 4})), ShapeError);
  CHECK_THROWS_AS(linear(row, Tensor::zeros({2, 3}), row), ShapeError);
  CHECK_THROWS_AS(matmul(row, row), ShapeError);
  CHECK_THROWS_AS(max_pool2d(image, {5, 5}), ShapeError);
  CHECK_THROWS_AS(max_pool2d(image, {2, 2, 1, 1, 2, 2}), ShapeError);
  CHECK_THROWS_AS(adaptive_avg_pool2d(image, 0, 1), ShapeError);
  CHECK_THROWS_AS(batch_norm_train(Tensor::zeros({1, 3}), {}, {}), ShapeError);
  CHECK_THROWS_AS(batch_norm_train(image, row, {}), ShapeError);
  CHECK_THROWS_AS(softmax(row, 1), ShapeError);
  CHECK_THROWS_AS(sum(image, {0, 0}), ShapeError);
  CHECK_THROWS_AS(reshape(row, {2, 2}), ShapeError);
  CHECK_THROWS_AS(transpose(image, {0, 1, 2}), ShapeError);
  CHECK_THROWS_AS(transpose(image, {0, 1, 2, 2}), ShapeError);
  CHECK_THROWS_AS(concat({row, image}, 0), ShapeError);
  CHECK_THROWS_AS(concat({}, 0), ShapeError);
  CHECK_THROWS_AS(slice(row, 0, 2, 4), ShapeError);
  CHECK_THROWS_AS(pad(row, {{1, 1}, {1, 1}}), ShapeError);
  CHECK_THROWS_AS(one_hot(Tensor::full({1}, 5, DType::i64), 5), FormatError);
  CHECK_THROWS_AS(dropout(row, {1.0}), OptionError);
  CHECK_THROWS_AS(argmax(Tensor::zeros({2, 0}), 1), ShapeError);
  CHECK_THROWS_AS(row.view<double>(), DTypeError);
  CHECK_THROWS_AS(image.item(), ShapeError);
  CHECK_THROWS_AS(Tensor::empty({4}, DType::f32, {DeviceType::cuda, 0}), DeviceError);
  CHECK_THROWS_AS(Tensor::from(std::vector<float>{1, 2}, {3}), ShapeError);
}

TEST_CASE("empty tensors pass through") {
  CHECK(relu(Tensor::zeros({0, 3})).shape() == Shape{0, 3});
  CHECK(sum(Tensor::zeros({0, 3}), {0}).to_vector<float>() == std::vector<float>{0, 0, 0});
  CHECK(matmul(Tensor::zeros({2, 0}), Tensor::zeros({0, 2})).to_vector<float>() ==
        std::vector<float>(4, 0.0F));
  CHECK(concat({Tensor::zeros({0, 2}), Tensor::ones({1, 2})}, 0).shape() == Shape{1, 2});
}

namespace {

// Forward and backward of a case in f32 at the given number of threads: all bytes, one after
// another.
std::vector<float> run_case(const test::GradientCase& c, int threads) {
  const int before = num_threads();
  set_num_threads(threads);
  Tensors inputs;
  for (const Tensor& t : c.inputs) inputs.push_back(t.to(DType::f32).set_requires_grad());
  std::vector<float> all;
  try {
    const Tensor y = c.f(inputs);
    if (y.dtype() == DType::f32) all = y.to_vector<float>();
    y.backward(Tensor::uniform(y.shape(), -1, 1, 4, 4, y.dtype()));
    for (const Tensor& t : inputs) {
      for (const float v : t.grad().view<float>()) all.push_back(v);
    }
  } catch (const DTypeError&) {  // a case with f64 constants
    all.clear();
  } catch (const ShapeError&) {
    all.clear();
  }
  set_num_threads(before);
  return all;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * 4) == 0);
}

}  // namespace

TEST_CASE("1, 2 and 3 threads, and twice in a row, give the same bits") {
  for (const test::GradientCase& c : test::gradient_cases()) {
    INFO(c.op << " " << c.label);
    const std::vector<float> one = run_case(c, 1);
    CHECK(same_bits(one, run_case(c, 1)));
    CHECK(same_bits(one, run_case(c, 2)));
    CHECK(same_bits(one, run_case(c, 3)));
  }
}

TEST_CASE("a repeated step asks no memory of the system") {
  Tensor w1 = Tensor::normal({32, 3, 3, 8}, 0, 0.1, 1, 1).set_requires_grad();
  Tensor w2 = Tensor::normal({10, 32}, 0, 0.1, 1, 2).set_requires_grad();
  const Tensor x = Tensor::normal({16, 12, 12, 8}, 0, 1, 1, 3);
  const Tensor target = Tensor::zeros({16}, DType::i64);
  const auto step = [&] {
    const Tensor h = relu(batch_norm_train(conv2d(x, w1, {}, {1, 1, 1, 1}), {}, {}).y);
    cross_entropy(linear(global_avg_pool(max_pool2d(h)), w2), target).backward();
    w1.set_grad({});
    w2.set_grad({});
  };
  step();
  const std::uint64_t calls = memory_stats().system_calls;
  const std::size_t live = memory_stats().live;
  for (int i = 0; i < 5; ++i) step();
  CHECK(memory_stats().system_calls == calls);
  CHECK(memory_stats().live == live);
}

#if !defined(__SANITIZE_ADDRESS__)  // there every tensor has memory of its own
TEST_CASE("freed neighbours make room for a larger tensor, and it for smaller ones") {
  constexpr std::int64_t million = 1 << 20;
  release_cached_memory();
  Tensors small;
  for (int i = 0; i < 8; ++i) small.push_back(Tensor::empty({2 * million}));
  const MemoryStats before = memory_stats();
  for (const int i : {1, 3, 2, 6, 5}) small[static_cast<std::size_t>(i)] = Tensor();
  const std::size_t freed = 5 * 2 * million * sizeof(float);
  CHECK(memory_stats().live == before.live - freed);
  CHECK(memory_stats().cached == before.cached + freed);
  const Tensor three = Tensor::full({6 * million}, 3.0), two = Tensor::full({4 * million}, 2.0);
  CHECK(memory_stats().live == before.live);
  CHECK(memory_stats().cached == before.cached);
  CHECK(memory_stats().system_calls == before.system_calls);
  CHECK(sum(three).item() == 18.0 * million);
  CHECK(sum(two).item() == 8.0 * million);
  release_cached_memory();  // what is in use stays
  CHECK(sum(three).item() == 18.0 * million);
}
#endif

TEST_CASE("exact_conv: integers come out as the sums of products that they are") {
  Tensor x = Tensor::empty({2, 8, 8, 16}), w = Tensor::empty({16, 3, 3, 16});
  const auto fill = [](Tensor& t, int step) {
    int value = 0;
    for (float& v : t.mutable_view<float>()) v = static_cast<float>((value += step) % 7 - 3);
  };
  fill(x, 3);
  fill(w, 5);
  const Tensor sums = conv2d(x.to(DType::f64), w.to(DType::f64), {}, {1, 1, 1, 1});
  const auto largest_error = [&](const Tensor& y) {
    double most = 0;
    for (std::int64_t i = 0; i < y.numel(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      most = std::max(most,
                      std::abs(static_cast<double>(y.view<float>()[at]) - sums.view<double>()[at]));
    }
    return most;
  };
  CHECK_FALSE(exact_conv());
  CHECK(largest_error(conv2d(x, w, {}, {1, 1, 1, 1})) < 0.02);
  set_exact_conv(true);
  const Tensor exact = conv2d(x, w, {}, {1, 1, 1, 1});
  set_exact_conv(false);
  CHECK(largest_error(exact) == 0);
}

TEST_CASE("a ReLU in the same pass lets NaN through") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto spoilt = [nan](const Shape& shape) {
    Tensor t = Tensor::ones(shape);
    for (float& v : t.mutable_view<float>()) v = nan;
    return t;
  };
  const auto is_spoilt = [](const Tensor& t) {
    for (const float v : t.view<float>()) {
      if (!std::isnan(v)) return false;
    }
    return true;
  };
  for (const std::int64_t rows : {1, 9, 40}) {
    INFO(rows << " rows");
    CHECK(is_spoilt(linear(spoilt({rows, 20}), Tensor::ones({7, 20}), {}, true)));
  }
  const Epilogue cut{{}, true};
  const Tensor x = spoilt({2, 8, 8, 16});
  CHECK(is_spoilt(conv2d(x, Tensor::ones({17, 3, 3, 16}), {}, {1, 1, 1, 1}, cut)));
  CHECK(is_spoilt(conv2d(x, Tensor::ones({17, 1, 1, 16}), {}, {}, cut)));
  CHECK(is_spoilt(conv2d(x, Tensor::ones({16, 3, 3, 1}), {}, {1, 1, 1, 1, 1, 1, 16}, cut)));
  CHECK(is_spoilt(batch_norm_train(x, {}, {}, 1e-5, cut).y));
}

TEST_CASE("prepared weights: by shape and groups, and for several threads at once") {
  const NoGrad no_grad;
  const Tensor weight = Tensor::uniform({64, 64}, -1, 1, 1);
  for (const Shape& shape : {Shape{64, 64}, Shape{1, 4096}, Shape{16, 256}}) {
    const Tensor w = reshape(weight, shape), x = Tensor::uniform({30, shape[1]}, -1, 1, 2);
    CHECK(linear(x, w, {}, false, true).to_vector<float>() == linear(x, w).to_vector<float>());
  }
  const Tensor filters = Tensor::uniform({32, 3, 3, 16}, -1, 1, 3);
  const auto both = [&](std::int64_t groups) {
    const Tensor x = Tensor::uniform({2, 8, 8, 16 * groups}, -1, 1, 4);
    Conv2dOptions o;
    o.groups = groups;
    const auto expected = conv2d(x, filters, {}, o).to_vector<float>();
    o.keep_prepared = true;
    return conv2d(x, filters, {}, o).to_vector<float>() == expected;
  };
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const NoGrad guard;
      right += both(1) && both(2);
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(right == 4);
}

TEST_CASE("convolution of no images") {
  Tensor weight = Tensor::uniform({8, 3, 3, 16}, -1, 1, 1), bias = Tensor::zeros({8});
  weight.set_requires_grad();
  bias.set_requires_grad();
  const Tensor y = conv2d(Tensor::zeros({0, 8, 8, 16}), weight, bias, {2, 2, 1, 1});
  REQUIRE(y.shape() == Shape{0, 4, 4, 8});
  sum(y).backward();
  for (const float g : weight.grad().view<float>()) REQUIRE(g == 0);
  for (const float g : bias.grad().view<float>()) REQUIRE(g == 0);
}

TEST_CASE("linear keeps packed weights until they change") {
  const NoGrad no_grad;
  Tensor weight = Tensor::uniform({40, 70}, -1, 1, 1);
  const Tensor some = Tensor::uniform({30, 70}, -1, 1, 2);
  linear(some, weight, {}, false, true);
  const std::size_t live = memory_stats().live;
  linear(some, weight, {}, false, true);
  CHECK(memory_stats().live == live);  // used again, not made again
  linear(some, Tensor::uniform({40, 70}, -1, 1, 1), {}, false, true);
  CHECK(memory_stats().live == live);  // kept with its weights, gone with them
  for (const std::int64_t rows : {30, 1, 100}) {
    const Tensor x = Tensor::uniform({rows, 70}, -1, 1, 2);
    for (int round = 0; round < 3; ++round) {
      CHECK(linear(x, weight, {}, false, true).to_vector<float>() ==
            linear(x, weight).to_vector<float>());
      if (round == 1) weight.copy_from(Tensor::uniform({40, 70}, -1, 1, 3));
    }
  }
}

TEST_CASE("conv2d: prepared weights are made again when the weights change") {
  const NoGrad no_grad;
  const Tensor x = Tensor::uniform({1, 9, 9, 16}, -1, 1, 1);
  Tensor weight = Tensor::uniform({24, 3, 3, 16}, -1, 1, 2);
  Conv2dOptions o;
  o.pad_h = o.pad_w = 1;
  Conv2dOptions keep = o;
  keep.keep_prepared = true;
  const auto same = [&] {
    return conv2d(x, weight, {}, keep).to_vector<float>() ==
           conv2d(x, weight, {}, o).to_vector<float>();
  };
  CHECK(same());
  const std::size_t live = memory_stats().live;
  CHECK(same());
  CHECK(memory_stats().live == live);  // used again, not made again
  weight.copy_from(Tensor::uniform({24, 3, 3, 16}, -1, 1, 3));
  CHECK(same());
  keep.stride_h = keep.stride_w = o.stride_h = o.stride_w = 2;  // another kernel's form beside it
  CHECK(same());
  CHECK(memory_stats().live > live);
}
