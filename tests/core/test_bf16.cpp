// Ops on bf16 activations, forward and backward, against f32 on the same numbers; rules on dtypes.
#include <taxon/core/ops.h>

#include <cmath>
#include <functional>

#include "catch.h"

using namespace taxon;

namespace {

using Function = std::function<Tensor(const Tensors&)>;

struct Case {
  const char* name;
  Tensors activations, parameters;  // parameters stay f32
  Function f;                       // of both, one after the other
};

// Numbers that bf16 holds.
Tensor draw(const Shape& shape, std::uint64_t stream, double low = -1, double high = 1) {
  return Tensor::uniform(shape, low, high, 7, stream).to(DType::bf16).to(DType::f32);
}

// An op on one tensor.
Case unary(const char* name, Tensor (*f)(const Tensor&), double low = -1, double high = 1) {
  return {name, {draw({33, 17}, 1, low, high)}, {}, [f](const Tensors& in) { return f(in[0]); }};
}

std::vector<Case> pointwise_cases() {
  const Tensor a = draw({6, 5, 16}, 1, 0.5, 2), b = draw({5, 1}, 2, 0.5, 2);
  const auto two = [&](const char* name, Tensor (*f)(const Tensor&, const Tensor&)) {
    return Case{name, {a, b}, {}, [f](const Tensors& in) { return f(in[0], in[1]); }};
  };
  return {two("add", add),
          two("sub", sub),
          two("mul", mul),
          two("div", div),
          unary("add_scalar", [](const Tensor& x) { return add(x, 0.3); }),
          unary("mul_scalar", [](const Tensor& x) { return mul(x, 0.3); }),
          unary("rsub", [](const Tensor& x) { return rsub(0.3, x); }),
          unary(
              "rdiv", [](const Tensor& x) { return rdiv(0.3, x); }, 0.5, 2),
          unary(
              "pow", [](const Tensor& x) { return pow(x, 3); }, 0.5, 2),
          unary("exp", exp),
          unary("log", log, 0.5, 2),
          unary("sqrt", sqrt, 0.5, 2),
          unary("tanh", tanh),
          unary("sigmoid", sigmoid),
          unary("relu", relu),
          unary("gelu", gelu),
          unary("silu", silu),
          unary("clamp", [](const Tensor& x) { return clamp(x, -0.5, 0.5); }),
          unary("dropout", [](const Tensor& x) {
            return dropout(x, {0.25, 3, 4});
          })};
}

std::vector<Case> shape_cases() {
  const Tensor index = Tensor::from(std::vector<std::int64_t>{2, 0, 2, 2}, {4});
  const Tensor x = draw({4, 6, 5}, 1), part = draw({4, 2, 5}, 2);
  return {{"transpose",
           {x},
           {},
           [](const Tensors& in) {
             return transpose(in[0], {2, 0, 1});
           }},
          {"reshape",
           {x},
           {},
           [](const Tensors& in) {
             return reshape(in[0], {8, 15});
           }},
          {"concat", {x, part}, {}, [](const Tensors& in) { return concat(in, 1); }},
          {"slice", {x}, {}, [](const Tensors& in) { return slice(in[0], 1, 1, 6, 2); }},
          {"pad",
           {x},
           {},
           [](const Tensors& in) {
             return pad(in[0], {{0, 1, 2}, {1, 0, 3}, 0.5});
           }},
          {"gather", {x}, {}, [index](const Tensors& in) { return gather(in[0], index, 1); }},
          {"sum", {x}, {}, [](const Tensors& in) { return sum(in[0], {1}); }},
          {"sum over axes apart",
           {x},
           {},
           [](const Tensors& in) {
             return sum(in[0], {0, 2});
           }},
          {"mean",
           {x},
           {},
           [](const Tensors& in) {
             return mean(in[0], {1, 2});
           }},
          {"max", {x}, {}, [](const Tensors& in) { return max(in[0], 1); }}};
}

std::vector<Case> product_cases() {
  const Tensor x = draw({3, 9, 9, 16}, 1), residual = draw({3, 9, 9, 12}, 2);
  const Tensor weight = draw({12, 3, 3, 16}, 3, -0.2, 0.2), bias = draw({12}, 4);
  const Tensor grouped = draw({12, 1, 1, 8}, 5), flat = draw({5, 40}, 6),
               w = draw({7, 40}, 7, -0.3, 0.3);
  Conv2dOptions padded;
  padded.pad_h = padded.pad_w = 1;
  Conv2dOptions groups;
  groups.groups = 2;
  groups.stride_h = groups.stride_w = 2;
  return {{"conv2d",
           {x},
           {weight, bias},
           [=](const Tensors& in) { return conv2d(in[0], in[1], in[2], padded); }},
          {"conv2d, residual and ReLU",
           {x, residual},
           {weight, bias},
           [=](const Tensors& in) {
             return conv2d(in[0], in[2], in[3], padded, {in[1], true});
           }},
          {"conv2d, groups and stride",
           {x},
           {grouped},
           [=](const Tensors& in) { return conv2d(in[0], in[1], {}, groups); }},
          {"linear", {flat}, {w}, [](const Tensors& in) { return linear(in[0], in[1]); }},
          {"linear, bias and ReLU", {flat}, {w, draw({7}, 8)}, [](const Tensors& in) {
             return linear(in[0], in[1], in[2], true);
           }}};
}

std::vector<Case> norm_cases() {
  const Tensor x = draw({40, 3, 16}, 1), residual = draw({40, 3, 16}, 2);
  const Tensor weight = draw({16}, 3, 0.5, 2), bias = draw({16}, 4);
  const Tensor mean = draw({16}, 5, -0.1, 0.1), var = draw({16}, 6, 0.3, 1);
  const auto after = [](const Tensor& r) { return Epilogue{r, true}; };
  return {{"batch_norm_train",
           {x},
           {weight, bias},
           [](const Tensors& in) { return batch_norm_train(in[0], in[1], in[2]).y; }},
          {"batch_norm_train, residual and ReLU",
           {x, residual},
           {weight, bias},
           [=](const Tensors& in) {
             return batch_norm_train(in[0], in[2], in[3], 1e-5, after(in[1])).y;
           }},
          {"batch_norm_infer",
           {x, residual},
           {weight, bias},
           [=](const Tensors& in) {
             return batch_norm_infer(in[0], in[2], in[3], mean, var, 1e-5, after(in[1]));
           }},
          {"layer_norm", {x}, {weight, bias}, [](const Tensors& in) {
             return layer_norm(in[0], in[1], in[2]);
           }}};
}

std::vector<Case> pool_cases() {
  const Tensor x = draw({2, 7, 6, 17}, 1);
  return {{"max_pool2d", {x}, {}, [](const Tensors& in) { return max_pool2d(in[0]); }},
          {"max_pool2d with ReLU",
           {x},
           {},
           [](const Tensors& in) {
             return max_pool2d(in[0], {3, 3, 2, 2, 1, 1}, true);
           }},
          {"avg_pool2d", {x}, {}, [](const Tensors& in) { return avg_pool2d(in[0]); }},
          {"global_avg_pool", {x}, {}, [](const Tensors& in) { return global_avg_pool(in[0]); }}};
}

Tensors leaves(const Case& c, DType dtype) {
  Tensors in;
  for (const Tensor& t : c.activations) in.push_back(t.to(dtype).detach().set_requires_grad());
  for (const Tensor& t : c.parameters) in.push_back(t.detach().set_requires_grad());
  return in;
}

// The largest difference, relative to the number itself or to `share` of the largest of all, where
// that is more.
double worst(const Tensor& a, const Tensor& b, float share) {
  const auto va = a.to(DType::f32).to_vector<float>(), vb = b.to(DType::f32).to_vector<float>();
  REQUIRE(va.size() == vb.size());
  float largest = 0;
  for (const float v : vb) largest = std::max(largest, std::abs(v));
  float most = 0;
  for (std::size_t i = 0; i < va.size(); ++i) {
    const float size = std::max(std::abs(vb[i]), largest * share);
    if (size > 0) most = std::max(most, std::abs(va[i] - vb[i]) / size);
  }
  return static_cast<double>(most);
}

void check_case(const Case& c) {
  INFO(c.name);
  const Tensors narrow = leaves(c, DType::bf16), wide = leaves(c, DType::f32);
  const Tensor y = c.f(narrow), expected = c.f(wide);
  CHECK(y.dtype() == DType::bf16);
  CHECK(worst(y, expected, 0x1p-8F) <= 0x1p-8);  // rounded once
  const Tensor dy = draw(y.shape(), 9);
  y.backward(dy.to(DType::bf16));
  expected.backward(dy);
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    INFO("input " << i);
    CHECK(narrow[i].grad().dtype() == narrow[i].dtype());
    // Several roundings: of y, which some slopes are computed from, and of products before they are
    // summed, where terms may cancel.
    CHECK(worst(narrow[i].grad(), wide[i].grad(), 0.25F) <= 3 * 0x1p-8);
  }
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const DTypeError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("ops on bf16 give what f32 gives, rounded", "[bf16]") {
  for (const Case& c : pointwise_cases()) check_case(c);
  for (const Case& c : shape_cases()) check_case(c);
  set_exact_conv(true);  // transformed values are rounded to bf16 too, see docs/kernels.md
  for (const Case& c : product_cases()) check_case(c);
  set_exact_conv(false);
  for (const Case& c : norm_cases()) check_case(c);
  for (const Case& c : pool_cases()) check_case(c);
}

TEST_CASE("statistics and parameters beside bf16 are f32", "[bf16]") {
  const Tensor x = draw({40, 16}, 1);
  const BatchNormResult half = batch_norm_train(x.to(DType::bf16), {}, {});
  const BatchNormResult full = batch_norm_train(x, {}, {});
  CHECK(half.mean.to_vector<float>() == full.mean.to_vector<float>());
  CHECK(half.var.to_vector<float>() == full.var.to_vector<float>());
}

TEST_CASE("casts to bf16 and back pass gradients through", "[bf16]") {
  Tensor x = draw({100}, 1).set_requires_grad();
  const Tensor y = mul(x.to(DType::bf16), 2.0).to(DType::f32);
  CHECK(y.to_vector<float>() == mul(x.detach(), 2.0).to_vector<float>());
  y.backward(draw({100}, 2));
  CHECK(x.grad().dtype() == DType::f32);
  CHECK(x.grad().to_vector<float>() == mul(draw({100}, 2), 2.0).to_vector<float>());
}

TEST_CASE("gradients of bf16 add up over uses and over backward runs", "[bf16]") {
  Tensor x = Tensor::from(std::vector<float>{2, 3}, {2}).to(DType::bf16).detach();
  x.set_requires_grad();
  for (const float runs : {1.0F, 2.0F}) {
    sum(add(mul(x, x), x)).backward();
    CHECK(x.grad().dtype() == DType::bf16);
    CHECK(x.grad().to(DType::f32).to_vector<float>() == std::vector<float>{5 * runs, 7 * runs});
  }
}

TEST_CASE("dtypes beside bf16 that do not fit are refused", "[bf16]") {
  const Tensor x = Tensor::zeros({4, 16}, DType::bf16), wide = Tensor::zeros({4, 16});
  const Tensor vector = Tensor::zeros({16}, DType::bf16);
  CHECK(error_of([&] { add(x, wide); }) ==
        "add: input 1 is f32[4, 16] beside activations bf16[4, 16]; expected bf16");
  CHECK(error_of([&] { add(wide, x); }) ==
        "add: inputs f32[4, 16] and bf16[4, 16] differ in dtype; expected one dtype");
  CHECK(error_of([&] { batch_norm_train(x, vector, {}); }) ==
        "batch_norm_train: input 1 is bf16[16] beside activations bf16[4, 16]; expected f32");
  CHECK(error_of([&] {
          batch_norm_train(x, {}, {}, 1e-5, {wide, true});
        }) ==
        "batch_norm_train: input 3 is f32[4, 16] beside activations bf16[4, 16]; expected bf16");
  CHECK(error_of([&] { batch_norm_train(wide, vector, {}); }) ==
        "batch_norm_train: inputs f32[4, 16] and bf16[16] differ in dtype; expected one dtype");
  CHECK(error_of([&] { layer_norm(x, vector, {}); }) ==
        "layer_norm: input 1 is bf16[16] beside activations bf16[4, 16]; expected f32");
  CHECK(error_of([&] {
          matmul(x, x, {false, true});
        }) == "matmul: dtype bf16 is not supported; expected f32 (or f64)");
}
