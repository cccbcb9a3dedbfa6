// Every op, declared once: its name, options and rules. Definitions stand in the .cpp files beside
// this one, by family; the table of all ops is in table.cpp.
#pragma once

#include <taxon/core/op.h>
#include <taxon/core/ops.h>
#include <taxon/kernels/pointwise.h>
#include <taxon/kernels/reduce.h>

#include "common.h"

namespace taxon {
class Group;
}

namespace taxon::ops {

// The members every op has.
#define TAXON_OP_RULES                                                                      \
  static Specs infer(const Specs& in, const Options& options);                              \
  static void forward(Context& context, const Tensors& in, Tensors& out, const Options& o); \
  static Tensors backward(Context& context, const Tensors& dout, const Options& o)
#define TAXON_OP_RULES_NO_GRADIENT                             \
  static Specs infer(const Specs& in, const Options& options); \
  static void forward(Context& context, const Tensors& in, Tensors& out, const Options& o)

struct NoOptions {};
struct Scalars {
  double a = 0, b = 0;
};

// --- pointwise.cpp
// ----------------------------------------------------------------------------------
template <class Self, kernels::Unary kernel>
struct UnaryOp {
  using Options = Scalars;
  TAXON_OP_RULES;
};
#define TAXON_UNARY(Name, code, text_name, summary)   \
  struct Name : UnaryOp<Name, kernels::Unary::code> { \
    static constexpr OpInfo info{text_name, summary}; \
  }
TAXON_UNARY(AddScalar, add_scalar, "add_scalar", "x + a");
TAXON_UNARY(MulScalar, mul_scalar, "mul_scalar", "x * a");
TAXON_UNARY(RsubScalar, rsub_scalar, "rsub_scalar", "a - x");
TAXON_UNARY(RdivScalar, rdiv_scalar, "rdiv_scalar", "a / x");
TAXON_UNARY(PowScalar, pow_scalar, "pow_scalar", "x ^ a");
TAXON_UNARY(Exp, exp, "exp", "e ^ x");
TAXON_UNARY(Log, log, "log", "natural logarithm");
TAXON_UNARY(Sqrt, sqrt, "sqrt", "square root");
TAXON_UNARY(Tanh, tanh, "tanh", "hyperbolic tangent");
TAXON_UNARY(Sigmoid, sigmoid, "sigmoid", "1 / (1 + e ^ -x)");
TAXON_UNARY(Relu, relu, "relu", "max(x, 0)");
TAXON_UNARY(Gelu, gelu, "gelu", "x * Phi(x), exact");
TAXON_UNARY(Silu, silu, "silu", "x * sigmoid(x)");
TAXON_UNARY(Clamp, clamp, "clamp", "min(max(x, a), b)");
#undef TAXON_UNARY

template <class Self, kernels::Binary kernel>
struct BinaryOp {
  using Options = NoOptions;
  TAXON_OP_RULES;
};
struct Add : BinaryOp<Add, kernels::Binary::add> {
  static constexpr OpInfo info{"add", "a + b, broadcasting"};
};
struct Sub : BinaryOp<Sub, kernels::Binary::sub> {
  static constexpr OpInfo info{"sub", "a - b, broadcasting"};
};
struct Mul : BinaryOp<Mul, kernels::Binary::mul> {
  static constexpr OpInfo info{"mul", "a * b, broadcasting"};
};
struct Div : BinaryOp<Div, kernels::Binary::div> {
  static constexpr OpInfo info{"div", "a / b, broadcasting"};
};

struct Cast {
  static constexpr OpInfo info{"cast", "conversion to another dtype"};
  struct Options {
    DType to = DType::f32;
  };
  TAXON_OP_RULES;
};
struct Dropout {
  static constexpr OpInfo info{"dropout", "0 with probability p, else x / (1 - p)"};
  using Options = DropoutOptions;
  TAXON_OP_RULES;
};

// --- product.cpp
// ------------------------------------------------------------------------------------
struct Matmul {
  static constexpr OpInfo info{"matmul", "matrix products, batched, of either operand transposed"};
  using Options = MatmulOptions;
  TAXON_OP_RULES;
};
struct LinearOp {
  static constexpr OpInfo info{"linear", "x W^T + b [then ReLU]"};
  struct Options {
    bool relu = false, keep_prepared = false;
  };
  TAXON_OP_RULES;
};
struct Conv2dOp {
  static constexpr OpInfo info{"conv2d", "2-D convolution of NHWC images [+ residual] [then ReLU]"};
  struct Options : Conv2dOptions {
    bool relu = false;
  };
  TAXON_OP_RULES;
};

// --- pool.cpp
// ---------------------------------------------------------------------------------------
struct MaxPool {
  static constexpr OpInfo info{"max_pool2d", "maximum over windows [then ReLU]"};
  struct Options : PoolOptions {
    bool relu = false;
  };
  TAXON_OP_RULES;
};
struct ConvMaxPool {
  static constexpr OpInfo info{"conv2d_max_pool",
                               "conv2d of stride 1 [then ReLU], maximum over 2x2; for few filters"};
  using Options = ConvPoolOptions;
  TAXON_OP_RULES;
};
struct AvgPool {
  static constexpr OpInfo info{"avg_pool2d", "mean over windows"};
  using Options = PoolOptions;
  TAXON_OP_RULES;
};
struct AdaptiveAvgPool {
  static constexpr OpInfo info{"adaptive_avg_pool2d", "mean over cells of a grid of given size"};
  struct Options {
    std::int64_t out_h = 1, out_w = 1;
  };
  TAXON_OP_RULES;
};

// --- norm.cpp
// ---------------------------------------------------------------------------------------
struct EpsOptions {
  double eps = 1e-5;
};
struct BatchNormOptions {
  double eps = 1e-5;
  bool relu = false;
};
struct BatchNormTrain {
  static constexpr OpInfo info{
      "batch_norm_train",
      "(x - mean) / sqrt(var + eps) * w + b [+ residual] [then ReLU], batch statistics; outputs "
      "(y, mean, var)"};
  using Options = ops::BatchNormOptions;
  TAXON_OP_RULES;
};
struct BatchNormShared {
  static constexpr OpInfo info{"batch_norm_shared",
                               "batch_norm_train with the statistics of all processes' parts; "
                               "outputs (y, mean, var, count)"};
  struct Options : ops::BatchNormOptions {
    Group* group = nullptr;
  };
  TAXON_OP_RULES;
};
struct BatchNormInfer {
  static constexpr OpInfo info{"batch_norm_infer", "the same with given statistics"};
  using Options = ops::BatchNormOptions;
  TAXON_OP_RULES;
};
struct LayerNormOp {
  static constexpr OpInfo info{"layer_norm", "normalisation over the last axis"};
  using Options = EpsOptions;
  TAXON_OP_RULES;
};

// --- softmax.cpp
// ------------------------------------------------------------------------------------
struct AxisOptions {
  int axis = -1;
};
struct Softmax {
  static constexpr OpInfo info{"softmax", "exp(x) / sum exp(x) over an axis"};
  using Options = AxisOptions;
  TAXON_OP_RULES;
};
struct LogSoftmax {
  static constexpr OpInfo info{"log_softmax", "logarithm of softmax"};
  using Options = AxisOptions;
  TAXON_OP_RULES;
};
struct CrossEntropyOp {
  static constexpr OpInfo info{
      "cross_entropy",
      "-log softmax(x)[target], indices or probabilities, its gradient in the same pass; outputs "
      "(loss, hits)"};
  struct Options : CrossEntropyOptions {
    bool hits = false;
  };
  TAXON_OP_RULES;
};
struct BceWithLogits {
  static constexpr OpInfo info{"bce_with_logits", "binary cross-entropy of sigmoid(x), by element"};
  using Options = NoOptions;
  TAXON_OP_RULES;
};

// --- reduce.cpp
// -------------------------------------------------------------------------------------
struct ReduceOptions {
  std::vector<int> axes;  // none: all
  bool keep = false;
};
struct Sum {
  static constexpr OpInfo info{"sum", "sum over axes"};
  using Options = ReduceOptions;
  TAXON_OP_RULES;
};
struct Mean {
  static constexpr OpInfo info{"mean", "mean over axes"};
  using Options = ReduceOptions;
  TAXON_OP_RULES;
};
struct MaxAxis {
  static constexpr OpInfo info{"max", "maximum over an axis; outputs (y, index)"};
  struct Options {
    int axis = -1;
    bool keep = false;
  };
  TAXON_OP_RULES;
};
struct Argmax {
  static constexpr OpInfo info{"argmax", "index of the first maximum over an axis", Gradient::no};
  using Options = AxisOptions;
  TAXON_OP_RULES_NO_GRADIENT;
};

// --- shape.cpp
// --------------------------------------------------------------------------------------
struct Reshape {
  static constexpr OpInfo info{"reshape", "the same elements under another shape", Gradient::yes, 1,
                               true};
  struct Options {
    Shape shape;
  };
  TAXON_OP_RULES;
};
struct Transpose {
  static constexpr OpInfo info{"transpose", "axes permuted"};
  struct Options {
    std::vector<int> axes;
  };
  TAXON_OP_RULES;
};
struct Concat {
  static constexpr OpInfo info{"concat", "tensors joined along an axis"};
  using Options = AxisOptions;
  TAXON_OP_RULES;
};
struct Slice {
  static constexpr OpInfo info{"slice", "every step-th element of [begin, end) along an axis"};
  struct Options {
    int axis = 0;
    std::int64_t begin = 0, end = 0, step = 1;
  };
  TAXON_OP_RULES;
};
struct Pad {
  static constexpr OpInfo info{"pad", "a constant around the tensor"};
  using Options = PadOptions;
  TAXON_OP_RULES;
};
struct Gather {
  static constexpr OpInfo info{"gather", "slices along an axis, picked by index"};
  using Options = AxisOptions;
  TAXON_OP_RULES;
};
struct OneHot {
  static constexpr OpInfo info{"one_hot", "1 at the index, 0 elsewhere", Gradient::no};
  struct Options {
    std::int64_t classes = 0;
    DType dtype = DType::f32;
  };
  TAXON_OP_RULES_NO_GRADIENT;
};

#undef TAXON_OP_RULES
#undef TAXON_OP_RULES_NO_GRADIENT

}  // namespace taxon::ops
