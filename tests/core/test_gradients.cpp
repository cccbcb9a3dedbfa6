// Every op's gradient against central differences, in double on the reference kernels.
#include <taxon/core/ops.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "catch.h"
#include "gradient_cases.h"

using namespace taxon;
using namespace taxon::test;

namespace {

// A scalar that depends on every element of the output in another way.
Tensor weighted_sum(const Tensor& y) {
  const Tensor weight = Tensor::uniform(y.shape(), 0.5, 1.5, 99, 1, DType::f64);
  return sum(mul(y, weight));
}

double loss(const GradientCase& c, const Tensors& inputs) {
  const NoGrad no_grad;
  return weighted_sum(c.f(inputs)).item();
}

// The largest difference between autograd and (f(x+h) - f(x-h)) / 2h, relative to the gradient's
// size.
double worst_difference(const GradientCase& c) {
  Tensors inputs;
  for (const Tensor& t : c.inputs) inputs.push_back(t.clone().set_requires_grad());
  weighted_sum(c.f(inputs)).backward();
  constexpr double h = 1e-5;
  double worst = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Tensors moved = c.inputs;
    moved[i] = c.inputs[i].clone();
    const std::vector<double> gradient = inputs[i].grad().to_vector<double>();
    for (std::size_t j = 0; j < gradient.size(); ++j) {
      const double at = moved[i].view<double>()[j];
      moved[i].mutable_view<double>()[j] = at + h;
      const double above = loss(c, moved);
      moved[i].mutable_view<double>()[j] = at - h;
      const double below = loss(c, moved);
      moved[i].mutable_view<double>()[j] = at;
      const double difference = std::abs((above - below) / (2 * h) - gradient[j]);
      worst = std::max(worst, difference / std::max(1.0, std::abs(gradient[j])));
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("gradients equal central differences") {
  for (const GradientCase& c : gradient_cases()) {
    INFO(c.op << " " << c.label);
    // h^2 times the third derivative, plus rounding of f over h: both below 1e-8 for these
    // functions.
    CHECK(worst_difference(c) < 1e-7);
  }
}

TEST_CASE("every op has a gradient case or is marked as having no gradient") {
  std::set<std::string, std::less<>> checked;
  for (const GradientCase& c : gradient_cases()) checked.insert(c.op);
  std::set<std::string, std::less<>> known;
  for (const OpRow& row : op_table()) {
    INFO(row.info->name);
    CHECK(known.insert(std::string(row.info->name)).second);
    CHECK_FALSE(row.info->summary.empty());
    CHECK(row.has_backward == (row.info->gradient == Gradient::yes));
    CHECK(checked.contains(row.info->name) == (row.info->gradient == Gradient::yes));
  }
  for (const std::string& name : checked) {
    INFO(name);
    CHECK(known.contains(name));
  }
}

TEST_CASE("gradients in f32 agree with those in f64") {
  for (const GradientCase& c : gradient_cases()) {
    if (c.op == "cast") continue;
    INFO(c.op << " " << c.label);
    // Constants that a case captured are f64: only cases of pure f32 inputs apply.
    Tensors narrow, wide;
    for (const Tensor& t : c.inputs) {
      narrow.push_back(t.to(DType::f32).set_requires_grad());
      wide.push_back(narrow.back().detach().to(DType::f64).set_requires_grad());
    }
    Tensor y;
    try {
      y = c.f(narrow);
    } catch (const Error&) {
      continue;  // mixes dtypes
    }
    weighted_sum(cast(y, DType::f64)).backward();
    weighted_sum(c.f(wide)).backward();
    for (std::size_t i = 0; i < narrow.size(); ++i) {
      const auto a = narrow[i].grad().to_vector<float>();
      const auto b = wide[i].grad().to_vector<double>();
      double scale = 1, worst = 0;
      for (const double v : b) scale = std::max(scale, std::abs(v));
      for (std::size_t j = 0; j < a.size(); ++j) worst = std::max(worst, std::abs(a[j] - b[j]));
      CHECK(worst < 64 * 6e-8 * scale * std::sqrt(static_cast<double>(y.numel())));
    }
  }
}
