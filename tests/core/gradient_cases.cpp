#include "gradient_cases.h"

#include <taxon/base/random.h>

#include <algorithm>

namespace taxon::test {
namespace {

std::uint64_t next_stream() {
  static std::uint64_t stream = 0;
  return ++stream;
}

void extend(std::vector<GradientCase>& all, std::vector<GradientCase> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace

Tensor draw(const Shape& shape, double mean, double std) {
  return Tensor::normal(shape, mean, std, 11, next_stream(), DType::f64);
}

Tensor beside(const Tensor& constant, const Tensor& x) {
  if (!constant.defined()) return constant;
  const Tensor t = is_floating(constant.dtype()) ? constant.to(x.dtype()) : constant;
  return t.to(x.device());
}

Tensor draw_apart(const Shape& shape) {
  const auto order = permutation(shape.numel(), 12, next_stream());
  std::vector<double> values;
  for (const std::int64_t i : order) {
    const double step = 0.11 * static_cast<double>(i + 1);
    values.push_back(i % 2 == 0 ? step : -step);
  }
  return Tensor::from(values, shape);
}

std::vector<GradientCase> gradient_cases() {
  std::vector<GradientCase> all;
  extend(all, pointwise_cases());
  extend(all, product_cases());
  extend(all, network_cases());
  extend(all, shape_cases());
  return all;
}

std::vector<GradientCase> pointwise_cases() {
  const auto unary = [](std::string op, Tensor x, std::function<Tensor(const Tensor&)> f) {
    return GradientCase{op, "", {std::move(x)}, [f](const Tensors& in) { return f(in[0]); }};
  };
  using F = Tensor (*)(const Tensor&);
  const auto positive = [] { return add(exp(draw({3, 5})), 0.2); };
  std::vector<GradientCase> cases{
      unary("add_scalar", draw({7}), [](const Tensor& x) { return x + 3.0; }),
      unary("mul_scalar", draw({7}), [](const Tensor& x) { return x * -2.5; }),
      unary("rsub_scalar", draw({7}), [](const Tensor& x) { return 2.0 - x; }),
      unary("rdiv_scalar", positive(), [](const Tensor& x) { return 2.0 / x; }),
      unary("pow_scalar", positive(), [](const Tensor& x) { return pow(x, 2.5); }),
      unary("pow_scalar", draw({9}), [](const Tensor& x) { return pow(x, 3); }),
      unary("exp", draw({3, 5}), static_cast<F>(exp)),
      unary("log", positive(), static_cast<F>(log)),
      unary("sqrt", positive(), static_cast<F>(sqrt)),
      unary("tanh", draw({17}), static_cast<F>(tanh)),
      unary("sigmoid", draw({17}, 0, 3), sigmoid),
      unary("relu", draw_apart({4, 9}), relu),
      unary("gelu", draw({17}, 0, 2), gelu),
      unary("silu", draw({17}, 0, 2), silu),
      unary("clamp", draw_apart({20}), [](const Tensor& x) { return clamp(x, -0.7, 0.8); }),
      unary("cast", draw({5}), [](const Tensor& x) { return mul(cast(x, x.dtype()), 2.0); }),
      unary("dropout", draw({64}),
            [](const Tensor& x) {
              return dropout(x, {0.4, 5, 6});
            }),
  };
  using Binary = Tensor (*)(const Tensor&, const Tensor&);
  const std::vector<std::pair<std::string, Binary>> binaries{
      {"add", add}, {"sub", sub}, {"mul", mul}, {"div", div}};
  const std::vector<std::pair<Shape, Shape>> shapes{
      {{3, 4}, {3, 4}}, {{2, 3, 4}, {4}}, {{2, 1, 4}, {3, 1}}, {{}, {3}}, {{5}, {1}}};
  for (const auto& [name, f] : binaries) {
    for (const auto& [a, b] : shapes) {
      const Tensor divisor = add(exp(draw(b)), 0.3);
      cases.push_back({name, a.str() + b.str(), {draw(a), divisor}, [f = f](const Tensors& in) {
                         return f(in[0], in[1]);
                       }});
    }
  }
  cases.push_back({"mul", "one tensor twice", {draw({6})}, [](const Tensors& in) {
                     return mul(in[0], in[0]);
                   }});
  return cases;
}

std::vector<GradientCase> product_cases() {
  std::vector<GradientCase> cases;
  const auto stored = [](std::int64_t r, std::int64_t c, bool t) {
    return t ? Shape{c, r} : Shape{r, c};
  };
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      const std::string label = std::string(ta ? "A^T" : "A") + (tb ? " B^T" : " B");
      const auto f = [ta, tb](const Tensors& in) { return matmul(in[0], in[1], {ta, tb}); };
      cases.push_back({"matmul", label, {draw(stored(3, 4, ta)), draw(stored(4, 5, tb))}, f});
      Shape a{2}, b{2};
      for (const std::int64_t d : stored(3, 4, ta)) a.push_back(d);
      for (const std::int64_t d : stored(4, 5, tb)) b.push_back(d);
      cases.push_back({"matmul", label + " batched", {draw(a), draw(b)}, f});
      cases.push_back({"matmul", label + " shared B", {draw(a), draw(stored(4, 5, tb))}, f});
      cases.push_back({"matmul", label + " shared A", {draw(stored(3, 4, ta)), draw(b)}, f});
    }
  }
  cases.push_back(
      {"linear", "bias", {draw({3, 4}), draw({5, 4}), draw({5})}, [](const Tensors& in) {
         return linear(in[0], in[1], in[2]);
       }});
  cases.push_back(
      {"linear", "rank 3, no bias", {draw({2, 3, 4}), draw({5, 4})}, [](const Tensors& in) {
         return linear(in[0], in[1]);
       }});
  cases.push_back(
      {"linear", "with ReLU", {draw({3, 4}), draw({5, 4}), draw({5})}, [](const Tensors& in) {
         return linear(in[0], in[1], in[2], true);
       }});

  struct Conv {
    std::string label;
    Shape x, w;
    Conv2dOptions o;
  };
  const std::vector<Conv> convs{
      {"3x3 same", {2, 5, 4, 3}, {4, 3, 3, 3}, {1, 1, 1, 1}},
      {"stride 2 with remainder", {1, 6, 5, 2}, {3, 3, 3, 2}, {2, 2, 1, 1}},
      {"1x1 stride 2", {2, 5, 5, 3}, {2, 1, 1, 3}, {2, 2}},
      {"dilation", {1, 7, 7, 2}, {2, 3, 3, 2}, {1, 1, 2, 2, 2, 2}},
      {"groups", {2, 4, 4, 4}, {6, 3, 3, 2}, {1, 1, 1, 1, 1, 1, 2}},
      {"depthwise", {1, 5, 5, 3}, {3, 3, 3, 1}, {1, 1, 1, 1, 1, 1, 3}},
      {"padding wider than the filter", {1, 2, 2, 1}, {2, 2, 2, 1}, {1, 1, 3, 3}},
      {"uneven", {1, 6, 5, 2}, {2, 1, 4, 2}, {2, 1, 0, 2}},
  };
  for (const Conv& c : convs) {
    cases.push_back(
        {"conv2d", c.label, {draw(c.x), draw(c.w), draw({c.w[0]})}, [o = c.o](const Tensors& in) {
           return conv2d(in[0], in[1], in[2], o);
         }});
  }
  cases.push_back(
      {"conv2d", "no bias", {draw({1, 4, 4, 2}), draw({3, 3, 3, 2})}, [](const Tensors& in) {
         return conv2d(in[0], in[1], {}, {1, 1, 1, 1});
       }});
  for (const bool relu : {false, true}) {
    cases.push_back({"conv2d",
                     relu ? "with a residual and ReLU" : "with a residual",
                     {draw({2, 4, 5, 2}), draw({3, 3, 3, 2}), draw({3}), draw({2, 4, 5, 3})},
                     [=](const Tensors& in) {
                       return conv2d(in[0], in[1], in[2], {1, 1, 1, 1}, {in[3], relu});
                     }});
  }
  return cases;
}

}  // namespace taxon::test
