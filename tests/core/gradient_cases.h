// The cases of the gradient check: for each op at least one application of it.
#pragma once

#include <taxon/core/ops.h>

#include <functional>
#include <string>
#include <vector>

namespace taxon::test {

struct GradientCase {
  std::string op;                           // name in the table of ops
  std::string label;                        // what this case is about
  Tensors inputs;                           // f64
  std::function<Tensor(const Tensors&)> f;  // of inputs of any floating dtype, on any device
};

/// A constant of f with the dtype (if it is floating) and on the device of its input x.
Tensor beside(const Tensor& constant, const Tensor& x);

std::vector<GradientCase> gradient_cases();
std::vector<GradientCase> pointwise_cases();
std::vector<GradientCase> product_cases();
std::vector<GradientCase> network_cases();
std::vector<GradientCase> shape_cases();

/// Normal numbers in f64; each call another stream.
Tensor draw(const Shape& shape, double mean = 0, double std = 1);
/// Numbers that are no nearer than 0.05 to each other or to 0: no kink or tie lies between the
/// points of a difference quotient.
Tensor draw_apart(const Shape& shape);

}  // namespace taxon::test
