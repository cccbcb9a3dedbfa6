// The operations on tensors. Each is declared once in core/src/ops/ (shape rule, forward, backward)
// and listed in the table there. Floating dtypes are f32 and, on the CPU for gradient checks, f64.
// Shapes are checked before anything runs: ShapeError, DTypeError, DeviceError name the op.
#pragma once

#include <taxon/core/op.h>
#include <taxon/core/tensor.h>

#include <cstdint>
#include <limits>

namespace taxon {

class Group;

// --- element by element
// -----------------------------------------------------------------------------
Tensor add(const Tensor& a, const Tensor& b);  ///< broadcasting by NumPy's rule, as sub, mul, div
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);
Tensor add(const Tensor& x, double s);
Tensor mul(const Tensor& x, double s);
Tensor rsub(double s, const Tensor& x);  ///< s - x
Tensor rdiv(double s, const Tensor& x);  ///< s / x
Tensor pow(const Tensor& x, double exponent);
Tensor neg(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor gelu(const Tensor& x);  ///< exact: x * Phi(x), as torch's default
Tensor silu(const Tensor& x);
Tensor clamp(const Tensor& x, double low, double high);
Tensor cast(const Tensor& x, DType to);
inline Tensor operator+(const Tensor& a, const Tensor& b) {
  return add(a, b);
}
inline Tensor operator-(const Tensor& a, const Tensor& b) {
  return sub(a, b);
}
inline Tensor operator*(const Tensor& a, const Tensor& b) {
  return mul(a, b);
}
inline Tensor operator/(const Tensor& a, const Tensor& b) {
  return div(a, b);
}
inline Tensor operator+(const Tensor& a, double s) {
  return add(a, s);
}
inline Tensor operator-(const Tensor& a, double s) {
  return add(a, -s);
}
inline Tensor operator*(const Tensor& a, double s) {
  return mul(a, s);
}
inline Tensor operator/(const Tensor& a, double s) {
  return mul(a, 1.0 / s);
}
inline Tensor operator+(double s, const Tensor& a) {
  return add(a, s);
}
inline Tensor operator-(double s, const Tensor& a) {
  return rsub(s, a);
}
inline Tensor operator*(double s, const Tensor& a) {
  return mul(a, s);
}
inline Tensor operator/(double s, const Tensor& a) {
  return rdiv(s, a);
}
inline Tensor operator-(const Tensor& a) {
  return neg(a);
}

/// What follows a convolution or a batch-norm in the same pass over memory.
struct Epilogue {
  Tensor residual;    ///< added, of the output's shape; or undefined
  bool relu = false;  ///< then max(., 0)
};

// --- products
// ---------------------------------------------------------------------------------------
struct MatmulOptions {
  bool trans_a = false, trans_b = false;  ///< use the last two axes of a / b swapped
};
/// [.., m, k] x [.., k, n] -> [.., m, n]; both rank 2, or equal leading axes, or one of rank 2.
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});
/// x [.., in] times weight [out, in] transposed, plus bias [out] (may be undefined) -> [.., out];
/// then max(., 0) if asked for. keep_prepared: see Conv2dOptions.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {}, bool relu = false,
              bool keep_prepared = false);

struct Conv2dOptions {
  std::int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1;
  std::int64_t groups = 1;
  /// For inference: what the kernel makes of the weights (transformed, packed) is kept with them
  /// and used again until they change. Costs about four times the memory of
  /// 3x3 filters, more where they are few, for each kernel that uses them.
  bool keep_prepared = false;
};
/// Whether convolutions compute the sums of products of their definition and nothing else. Off (the
/// default), 3x3 ones multiply less by Winograd's method, whose error is a little larger (on random
/// values within 2e-5 of the largest result) and in which a NaN reaches the 4x4 outputs around it.
/// For the whole process; set it before training starts.
void set_exact_conv(bool on);
bool exact_conv();
/// x [n, h, w, c], weight [out, kh, kw, c/groups], bias [out] or undefined -> [n, oh, ow, out].
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {}, const Epilogue& after = {});

struct ConvPoolOptions {
  std::int64_t pad_h = 0, pad_w = 0;
  bool relu = false;
};
/// max_pool2d with windows of 2x2 of conv2d with stride 1, [then ReLU]. As one op, which does not
/// keep what lies between them, where that pays.
Tensor conv2d_max_pool(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                       const ConvPoolOptions& options = {});
/// Whether one op is the faster way: small f32 images of few channels, and few filters.
bool conv2d_max_pool_pays(const Tensor& x, const Tensor& weight, const ConvPoolOptions& options);

// --- pooling (NHWC)
// ---------------------------------------------------------------------------------
struct PoolOptions {
  std::int64_t kernel_h = 2, kernel_w = 2;
  std::int64_t stride_h = 0, stride_w = 0;  ///< 0: the kernel's
  std::int64_t pad_h = 0, pad_w = 0;        ///< at most half the kernel
  bool count_include_pad = true;            ///< avg_pool2d only
};
/// The maximum of each window, then max(., 0) if asked for.
Tensor max_pool2d(const Tensor& x, const PoolOptions& options = {}, bool relu = false);
Tensor avg_pool2d(const Tensor& x, const PoolOptions& options = {});
Tensor adaptive_avg_pool2d(const Tensor& x, std::int64_t out_h, std::int64_t out_w);
Tensor global_avg_pool(const Tensor& x);  ///< [n, h, w, c] -> [n, c]

// --- normalisation
// ----------------------------------------------------------------------------------
struct BatchNormResult {
  Tensor y, mean, var;  ///< batch statistics [c], var biased; they carry no gradient
  double count = 0;     ///< values a channel that they were taken of
};
/// Training: statistics of x [.., c] over all axes but the last. weight, bias [c] or undefined.
BatchNormResult batch_norm_train(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                 double eps = 1e-5, const Epilogue& after = {});
/// The same with the statistics of the whole batch, of which each process of the group has a part
/// (Ioffe and Szegedy 2015 over the joint batch); the gradients of weight and bias are those of the
/// part, as of every other parameter.
BatchNormResult batch_norm_shared(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                  Group& group, double eps = 1e-5, const Epilogue& after = {});
/// Inference: the given statistics, constants to autograd.
Tensor batch_norm_infer(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Tensor& mean, const Tensor& var, double eps = 1e-5,
                        const Epilogue& after = {});
/// Over the last axis; weight, bias [last] or undefined.
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps = 1e-5);

// --- softmax and losses
// -----------------------------------------------------------------------------
Tensor softmax(const Tensor& x, int axis = -1);
Tensor log_softmax(const Tensor& x, int axis = -1);

enum class Reduction : std::uint8_t { none, mean, sum };
struct CrossEntropyOptions {
  double label_smoothing = 0;
  std::int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;  ///< mean over the targets' class weights, as torch
};
/// logits [n, c]; target i64 [n] (class indices) or floating [n, c] (probabilities); class_weight
/// [c] or undefined. -> scalar, or [n] with Reduction::none.
Tensor cross_entropy(const Tensor& logits, const Tensor& target, const Tensor& class_weight = {},
                     const CrossEntropyOptions& options = {});
struct CrossEntropyHits {
  Tensor loss;
  Tensor hits;  ///< u8 [n]: 1 where the first of the row's largest logits is its target, else 0
};
/// Both in one pass, for class indices.
CrossEntropyHits cross_entropy_hits(const Tensor& logits, const Tensor& target,
                                    const Tensor& class_weight = {},
                                    const CrossEntropyOptions& options = {});
/// logits, target [n, c] (target in [0, 1]); pos_weight [c] or undefined.
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target,
                                        const Tensor& pos_weight = {},
                                        Reduction reduction = Reduction::mean);

// --- reductions
// -------------------------------------------------------------------------------------
/// Over the given axes (none: all); keep: reduced axes stay with extent 1.
Tensor sum(const Tensor& x, const std::vector<int>& axes = {}, bool keep = false);
Tensor mean(const Tensor& x, const std::vector<int>& axes = {}, bool keep = false);
/// One axis; the gradient goes to the first maximum.
Tensor max(const Tensor& x, int axis, bool keep = false);
Tensor argmax(const Tensor& x, int axis = -1);  ///< i64; no gradient

// --- shape
// ------------------------------------------------------------------------------------------
Tensor reshape(const Tensor& x, const Shape& shape);  ///< shares memory
Tensor flatten(const Tensor& x, int from_axis = 1);
Tensor transpose(const Tensor& x, const std::vector<int>& axes);  ///< permutes, copies
Tensor concat(const Tensors& parts, int axis);
Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end,
             std::int64_t step = 1);
struct PadOptions {
  std::vector<std::int64_t> before, after;  ///< one number an axis, >= 0
  double value = 0;
};
Tensor pad(const Tensor& x, const PadOptions& options);
/// Slices along `axis` at index i64 [m], each in [0, extent).
Tensor gather(const Tensor& x, const Tensor& index, int axis = 0);
/// i64 [..] -> [.., classes]; no gradient. Throws FormatError for an index outside [0, classes).
Tensor one_hot(const Tensor& index, std::int64_t classes, DType dtype = DType::f32);

struct DropoutOptions {
  double p = 0.5;
  std::uint64_t seed = 0, stream = 0;
};
/// Zero with probability p, else x / (1 - p). Pure: the same seed and stream give the same mask.
Tensor dropout(const Tensor& x, const DropoutOptions& options);

// --- in place, not recorded
// -------------------------------------------------------------------------
/// y += weight * (x - y): moving averages of weights and of batch-norm statistics.
void lerp_(Tensor& y, const Tensor& x, double weight);
/// The same for each of a list, in one pass.
void lerp_(Tensors& y, const Tensors& x, double weight);

}  // namespace taxon
