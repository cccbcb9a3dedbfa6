// How an operation is declared, and how it is applied. An op is a struct:
//
//   struct Softmax {
//     static constexpr OpInfo info{"softmax", "exp(x) / sum exp(x) over an axis", Gradient::yes};
//     using Options = SoftmaxOptions;                                  // named options
//     static Specs infer(const Specs& in, const Options&);             // shape rule; throws
//     ShapeError static void forward(Context&, const Tensors& in, Tensors& out, const Options&);
//     static Tensors backward(Context&, const Tensors& dout, const Options&);
//   };
//
// `apply<Softmax>({x}, options)` checks, allocates the outputs that infer() names, runs forward
// and, where an input requires a gradient, records the op for backward(). Ops are pure in (inputs,
// options).
#pragma once

#include <taxon/core/tensor.h>

#include <span>
#include <string_view>
#include <vector>

namespace taxon {

using Tensors = std::vector<Tensor>;

/// Shape and dtype of an input or output; an absent optional input has defined = false.
struct Spec {
  Shape shape;
  DType dtype = DType::f32;
  bool defined = true;
  std::string str() const;
};
using Specs = std::vector<Spec>;

enum class Gradient : std::uint8_t { no, yes };

struct OpInfo {
  std::string_view name;
  std::string_view summary;  ///< one line for the reference in docs/ops.md
  Gradient gradient = Gradient::yes;
  /// Outputs that carry a gradient: the first ones. The others (indices, statistics) are constants.
  std::size_t gradient_outputs = 1;
  /// The output shares the input's memory (reshape): infer's outputs are not allocated.
  bool view = false;
};

/// What forward leaves for backward.
class Context {
 public:
  /// Keeps a tensor (an input, an output or a temporary) until backward has run. Costs nothing when
  /// no gradient will be asked for.
  void save(const Tensor& t);
  /// The i-th saved tensor. Throws Error if its memory was written to since.
  Tensor saved(std::size_t i) const;
  /// Whether backward's result for input i will be used; an op may leave the others undefined.
  bool needs_grad(std::size_t input) const;
  const Spec& input(std::size_t i) const { return inputs_[i]; }
  bool recording() const { return recording_; }

 private:
  friend struct Engine;
  struct Saved {
    Tensor tensor;
    std::uint64_t version;
  };
  std::vector<Saved> saved_;
  std::vector<bool> needs_grad_;
  Specs inputs_;
  bool recording_ = false;
  std::string_view op_;
};

/// Watches the gradients that backward brings to leaves, on one thread.
class GradientObserver {
 public:
  virtual ~GradientObserver() = default;
  /// A part of the leaf's gradient was added to its grad(): all of it, where the leaf is used once.
  virtual void arrived(const Tensor& leaf) = 0;
};
/// The calling thread's observer: nullptr in normal use.
extern constinit thread_local GradientObserver* gradient_observer;

/// An op with its options, type-erased.
struct BoundOp {
  const OpInfo* info = nullptr;
  const void* options = nullptr;
  Specs (*infer)(const Specs&, const void* options) = nullptr;
  void (*forward)(Context&, const Tensors&, Tensors&, const void* options) = nullptr;
  Tensors (*backward)(Context&, const Tensors&, const void* options) = nullptr;
  std::shared_ptr<const void> (*keep)(const void* options) = nullptr;  ///< a copy for the graph
};

/// What the templates below come down to.
Tensors apply_bound(const BoundOp& op, const Tensors& inputs);

template <class Op>
BoundOp bind(const typename Op::Options& options) {
  using Options = typename Op::Options;
  BoundOp bound;
  bound.info = &Op::info;
  bound.options = &options;
  bound.infer = [](const Specs& in, const void* o) {
    return Op::infer(in, *static_cast<const Options*>(o));
  };
  bound.forward = [](Context& c, const Tensors& in, Tensors& out, const void* o) {
    Op::forward(c, in, out, *static_cast<const Options*>(o));
  };
  if constexpr (requires { &Op::backward; }) {
    bound.backward = [](Context& c, const Tensors& d, const void* o) {
      return Op::backward(c, d, *static_cast<const Options*>(o));
    };
  }
  bound.keep = [](const void* o) -> std::shared_ptr<const void> {
    return std::make_shared<Options>(*static_cast<const Options*>(o));
  };
  return bound;
}

/// All outputs of an op.
template <class Op>
Tensors apply_all(const Tensors& inputs, const typename Op::Options& options = {}) {
  return apply_bound(bind<Op>(options), inputs);
}
/// The first output of an op.
template <class Op>
Tensor apply(const Tensors& inputs, const typename Op::Options& options = {}) {
  return apply_bound(bind<Op>(options), inputs)[0];
}

/// A row of the table of ops.
struct OpRow {
  const OpInfo* info;
  bool has_backward;
};
/// Every op of the library: feeds the reference in docs/, `taxon info`, and the gradient-check
/// suite, which fails for a row with Gradient::yes and no case.
std::span<const OpRow> op_table();

}  // namespace taxon
