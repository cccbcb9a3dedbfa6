// Convolution by cuDNN: forward with bias, residual and ReLU in one graph where an engine takes it,
// else with these in a second; backward for the data and for the weights. In bf16 the weights,
// which are f32 in memory, are rounded into scratch memory first.
#include <algorithm>

#include "cudnn_row.h"
#include "ops.h"
#include "rows.h"

namespace taxon::kernels::cuda::vendor {
namespace {

enum Id : std::int64_t { kX = 1, kWeight, kBias, kY, kResidual };
enum Temporary : std::int64_t { kNarrowWeight = kTemporary, kWide };
constexpr std::int64_t kVirtual = kTemporary + 50;

Tensor weights(const Conv2dArgs& a, std::int64_t id, cudnnDataType_t type, const Pointers& p) {
  return image(id, a.k, a.r, a.s, a.c / a.groups, type, p);
}

Convolution convolution(const Conv2dArgs& a, ConvolutionKind kind, std::int64_t w, std::int64_t y) {
  return {kind,
          kX,
          w,
          y,
          {a.pad_h, a.pad_w},
          {a.pad_h, a.pad_w},
          {a.stride_h, a.stride_w},
          {a.dilation_h, a.dilation_w}};
}

/// to = from, of another type.
Graph cast(const Tensor& from, const Tensor& to) {
  return {{from, to}, {Pointwise{CUDNN_POINTWISE_IDENTITY, from.id, 0, to.id}}};
}

std::int64_t outputs(std::int64_t in, std::int64_t pad, std::int64_t taps, std::int64_t dilation,
                     std::int64_t stride) {
  return (in + 2 * pad - dilation * (taps - 1) - 1) / stride + 1;
}

template <bool Bf16>
struct Conv2dOp {
  using Args = Conv2dArgs;
  static constexpr bool kBf16 = Bf16;
  static constexpr cudnnDataType_t kType = data_type(Bf16);

  static const char* declines(const Args& a) {
    if (a.n < 1 || a.oh < 1 || a.ow < 1 || a.c < 1 || a.k < 1 || a.r < 1 || a.s < 1)
      return "an empty image or filter";
    if (outputs(a.h, a.pad_h, a.r, a.dilation_h, a.stride_h) != a.oh ||
        outputs(a.w, a.pad_w, a.s, a.dilation_w, a.stride_w) != a.ow)
      return "an output that its padding does not give";
    return nullptr;
  }
  static bool exact(const Args& a) { return a.exact; }
  static Key sizes(const Args& a) {
    return {a.n,     a.h,          a.w,          a.c,        a.k,        a.r,
            a.s,     a.oh,         a.ow,         a.stride_h, a.stride_w, a.pad_h,
            a.pad_w, a.dilation_h, a.dilation_w, a.groups,   a.relu};
  }
  static Pointers pointers(const Args& a) {
    Pointers p{};
    p[kX] = a.x;
    p[kWeight] = a.weight;
    p[kBias] = a.bias;
    p[kY] = a.y;
    p[kResidual] = const_cast<void*>(a.residual);
    return p;
  }
  static Tensor x(const Args& a, const Pointers& p) {
    return image(kX, a.n, a.h, a.w, a.c, kType, p);
  }
  static Tensor y(const Args& a, const Pointers& p, std::int64_t id = kY) {
    return image(id, a.n, a.oh, a.ow, a.k, kType, p);
  }
  /// The weights as the products take them; in bf16 a graph that rounds them comes first.
  static Tensor factors(const Args& a, const Pointers& p, Recipe& recipe) {
    const Tensor given = weights(a, kWeight, CUDNN_DATA_FLOAT, p);
    if (!Bf16) return given;
    const Tensor narrow = as_temporary(given, kNarrowWeight, kType);
    recipe.push_back(cast(given, narrow));
    return narrow;
  }
};

template <bool Bf16>
struct Forward : Conv2dOp<Bf16> {
  using Base = Conv2dOp<Bf16>;
  using Args = Conv2dArgs;
  static constexpr std::int64_t kId = kConvForward;

  /// Appends residual, bias and ReLU to `graph`, from the tensor `from` to y. The residual comes
  /// before the bias: that is the order of cuDNN's compiled kernels.
  static void finish(Graph& graph, const Args& a, const Pointers& p, std::int64_t from) {
    std::vector<Pointwise> steps;
    if (a.residual != nullptr) {
      graph.tensors.push_back(Base::y(a, p, kResidual));
      steps.push_back({CUDNN_POINTWISE_ADD, 0, kResidual, 0});
    }
    if (a.bias != nullptr) {
      graph.tensors.push_back(vector_of(kBias, a.k, p));
      steps.push_back({CUDNN_POINTWISE_ADD, 0, kBias, 0});
    }
    if (a.relu) steps.push_back({CUDNN_POINTWISE_RELU_FWD, 0, 0, 0});
    chain(graph, steps, from, Base::y(a, p), kVirtual + 1);
  }

  static Recipe fused(const Args& a, const Pointers& p) {
    Recipe recipe;
    const Tensor w = Base::factors(a, p, recipe);
    const bool more = a.bias != nullptr || a.residual != nullptr || a.relu;
    Graph graph{{Base::x(a, p), w},
                {convolution(a, ConvolutionKind::forward, w.id, more ? kVirtual : kY)}};
    if (more) {
      graph.tensors.push_back(as_virtual(Base::y(a, p), kVirtual));
      finish(graph, a, p, kVirtual);
    } else {
      graph.tensors.push_back(Base::y(a, p));
    }
    recipe.push_back(graph);
    return recipe;
  }
  /// The sums into scratch memory, as f32, then the rest.
  static Recipe apart(const Args& a, const Pointers& p) {
    Recipe recipe;
    const Tensor w = Base::factors(a, p, recipe);
    const Tensor wide = as_temporary(Base::y(a, p), kWide, CUDNN_DATA_FLOAT);
    Graph product{{Base::x(a, p), w, wide},
                  {convolution(a, ConvolutionKind::forward, w.id, Bf16 ? kVirtual : kWide)}};
    if (Bf16) {
      product.tensors.push_back(as_virtual(wide, kVirtual));
      product.operations.push_back(Pointwise{CUDNN_POINTWISE_IDENTITY, kVirtual, 0, kWide});
    }
    recipe.push_back(product);
    Graph rest{{wide}, {}};
    finish(rest, a, p, kWide);
    recipe.push_back(rest);
    return recipe;
  }
  static Forms forms(const Args& a, const Pointers& p) {
    if (a.bias == nullptr && a.residual == nullptr && !a.relu) return {fused(a, p)};
    return {fused(a, p), apart(a, p)};
  }
};

template <bool Bf16>
struct BackwardData : Conv2dOp<Bf16> {
  using Base = Conv2dOp<Bf16>;
  using Args = Conv2dArgs;
  static constexpr std::int64_t kId = kConvBackwardData;

  static Forms forms(const Args& a, const Pointers& p) {
    Recipe recipe;
    const Tensor w = Base::factors(a, p, recipe);
    recipe.push_back({{Base::x(a, p), w, Base::y(a, p)},
                      {convolution(a, ConvolutionKind::backward_data, w.id, kY)}});
    return {recipe};
  }
};

template <bool Bf16>
struct BackwardWeight : Conv2dOp<Bf16> {
  using Base = Conv2dOp<Bf16>;
  using Args = Conv2dArgs;
  static constexpr std::int64_t kId = kConvBackwardWeight;

  /// The gradient of bias: the sum of that of the output.
  static void add_bias(Recipe& recipe, const Args& a, const Pointers& p) {
    if (a.bias == nullptr) return;
    recipe.push_back({{Base::y(a, p), vector_of(kBias, a.k, p)}, {Sum{kY, kBias}}});
  }
  static Forms forms(const Args& a, const Pointers& p) {
    const auto product = [&](std::int64_t dw) {
      return convolution(a, ConvolutionKind::backward_weight, dw, kY);
    };
    const Tensor dw = weights(a, kWeight, CUDNN_DATA_FLOAT, p);
    Forms forms;
    if (!Bf16) {
      forms.push_back({{{Base::x(a, p), dw, Base::y(a, p)}, {product(kWeight)}}});
    } else {
      // The sums leave as f32. Not all shapes have an engine for that (few channels): then they
      // leave rounded to bf16.
      forms.push_back(
          {{{Base::x(a, p), dw, Base::y(a, p), as_virtual(dw, kVirtual)},
            {product(kVirtual), Pointwise{CUDNN_POINTWISE_IDENTITY, kVirtual, 0, kWeight}}}});
      const Tensor narrow = as_temporary(dw, kNarrowWeight, Base::kType);
      forms.push_back(
          {{{Base::x(a, p), narrow, Base::y(a, p)}, {product(narrow.id)}}, cast(narrow, dw)});
    }
    for (Recipe& recipe : forms) add_bias(recipe, a, p);
    return forms;
  }
};

/// The row of the gradient of the weights. Where our own kernel sums columns, that of the bias is
/// no part of the graphs.
template <bool Bf16>
struct BackwardWeightRow {
  using Row = CudnnRow<BackwardWeight<Bf16>>;
  static constexpr Type kType = Bf16 ? Type::bf16 : Type::f32;

  static bool own_sums(const Conv2dArgs& a) {
    return a.bias != nullptr && column_sums().run != nullptr;
  }
  static Conv2dArgs product(Conv2dArgs a) {
    if (own_sums(a)) a.bias = nullptr;
    return a;
  }
  static const char* declines(const Conv2dArgs& a) { return Row::declines(product(a)); }
  static std::size_t scratch(const Conv2dArgs& a, int threads) {
    const std::size_t bytes = Row::scratch(product(a), threads);
    if (!own_sums(a) || column_sums().scratch == nullptr) return bytes;
    return std::max(bytes, column_sums().scratch(kType, a.n * a.oh * a.ow, a.k));
  }
  static void run(const Conv2dArgs& a, const Exec& exec) {
    Row::run(product(a), exec);
    if (own_sums(a)) column_sums().run(kType, a.n * a.oh * a.ow, a.k, a.y, a.bias, exec);
  }
  static const kernels::Row<Conv2dArgs>& row() {
    static const kernels::Row<Conv2dArgs> it{
        "conv2d_backward_weight/cudnn", Needs::baseline, false, declines, scratch, run};
    return it;
  }
};

}  // namespace
}  // namespace taxon::kernels::cuda::vendor

namespace taxon::kernels::cuda {

const Row<Conv2dArgs>& conv2d_forward_cudnn(Type type) {
  return vendor::row_of<vendor::Forward>(type, "conv2d_forward/cudnn", false);
}
const Row<Conv2dArgs>& conv2d_backward_data_cudnn(Type type) {
  return vendor::row_of<vendor::BackwardData>(type, "conv2d_backward_data/cudnn", false);
}
const Row<Conv2dArgs>& conv2d_backward_weight_cudnn(Type type) {
  return type == Type::bf16 ? vendor::BackwardWeightRow<true>::row()
                            : vendor::BackwardWeightRow<false>::row();
}

}  // namespace taxon::kernels::cuda
