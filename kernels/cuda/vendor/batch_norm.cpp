// Batch normalisation by cuDNN. Training: one graph for the statistics, the normalisation and,
// where an engine takes them, the residual and ReLU; what cuDNN calls the statistics' second half
// is 1 / sqrt(var + eps), so small graphs turn it into the variance and back. Inference: pointwise
// steps in one graph.
#include "cudnn_row.h"
#include "ops.h"
#include "rows.h"

namespace taxon::kernels::cuda::vendor {
namespace {

enum Id : std::int64_t {
  kX = 1,
  kWeight,
  kBias,
  kMean,
  kVar,
  kY,
  kResidual,
  kDy,
  kDx,
  kDWeight,
  kDBias,
  kDResidual
};
enum Temporary : std::int64_t {
  kInverse = kTemporary,
  kMasked,
  kSpareDx,
  kSpareDWeight,
  kSpareDBias
};
constexpr std::int64_t kEpsilon = kTemporary + 40, kZero = kTemporary + 41;
constexpr std::int64_t kVirtual = kTemporary + 50;

/// [rows, channels] as images of one pixel.
Tensor rows_of(std::int64_t id, std::int64_t rows, std::int64_t channels, cudnnDataType_t type,
               const Pointers& p) {
  return image(id, rows, 1, 1, channels, type, p);
}
Tensor inverse_of(std::int64_t channels) {
  return as_temporary(vector_of(kInverse, channels, Pointers{}), kInverse, CUDNN_DATA_FLOAT);
}

/// inverse = 1 / sqrt(var + eps)
Graph inverse_from_var(std::int64_t channels, double eps, const Pointers& p) {
  const Tensor var = vector_of(kVar, channels, p);
  Graph graph{{var, number(kEpsilon, eps)}, {}};
  chain(graph, {{CUDNN_POINTWISE_ADD, 0, kEpsilon, 0}, {CUDNN_POINTWISE_RSQRT, 0, 0, 0}}, kVar,
        inverse_of(channels), kVirtual);
  return graph;
}
/// var = max(1 / inverse^2 - eps, 0): off by rounding of var + eps, which is what counts.
Graph var_from_inverse(std::int64_t channels, double eps, const Pointers& p) {
  Graph graph{{inverse_of(channels), number(kEpsilon, eps), number(kZero, 0)}, {}};
  chain(graph,
        {{CUDNN_POINTWISE_MUL, 0, kInverse, 0},
         {CUDNN_POINTWISE_RECIPROCAL, 0, 0, 0},
         {CUDNN_POINTWISE_SUB, 0, kEpsilon, 0},
         {CUDNN_POINTWISE_MAX, 0, kZero, 0}},
        kInverse, vector_of(kVar, channels, p), kVirtual);
  return graph;
}

template <bool Bf16>
struct Norm {
  using Args = BatchNormArgs;
  static constexpr std::int64_t kId = kBatchNorm;
  static constexpr bool kBf16 = Bf16;
  static constexpr cudnnDataType_t kType = data_type(Bf16);

  static const char* declines(const Args& a) {
    if (a.rows < 1 || a.channels < 1) return "no rows";
    if (a.weight == nullptr || a.bias == nullptr) return "no weight or no bias";
    return nullptr;
  }
  static bool exact(const Args&) { return false; }
  static Key sizes(const Args& a) {
    return {a.rows, a.channels, a.training, a.relu, key_of(a.eps)};
  }
  static Pointers pointers(const Args& a) {
    Pointers p{};
    p[kX] = const_cast<void*>(a.x);
    p[kWeight] = const_cast<void*>(a.weight);
    p[kBias] = const_cast<void*>(a.bias);
    p[kMean] = a.mean;
    p[kVar] = a.var;
    p[kY] = a.y;
    p[kResidual] = const_cast<void*>(a.residual);
    return p;
  }

  static Tensor all(const Args& a, std::int64_t id, const Pointers& p) {
    return rows_of(id, a.rows, a.channels, kType, p);
  }
  static Tensor one(const Args& a, std::int64_t id, const Pointers& p) {
    return vector_of(id, a.channels, p);
  }
  /// Residual and ReLU.
  static std::vector<Pointwise> after(Graph& graph, const Args& a, const Pointers& p) {
    std::vector<Pointwise> steps;
    if (a.residual != nullptr) {
      graph.tensors.push_back(all(a, kResidual, p));
      steps.push_back({CUDNN_POINTWISE_ADD, 0, kResidual, 0});
    }
    if (a.relu) steps.push_back({CUDNN_POINTWISE_RELU_FWD, 0, 0, 0});
    return steps;
  }
  /// The normalisation to the tensor `to`, which is not added.
  static Graph statistics(const Args& a, const Pointers& p, std::int64_t to) {
    return {{all(a, kX, p), one(a, kWeight, p), one(a, kBias, p), number(kEpsilon, a.eps),
             one(a, kMean, p), inverse_of(a.channels)},
            {NormForward{kX, kWeight, kBias, kEpsilon, to, kMean, kInverse}}};
  }
  static Forms training(const Args& a, const Pointers& p) {
    const Graph last = var_from_inverse(a.channels, a.eps, p);
    if (a.residual == nullptr && !a.relu) {
      Graph graph = statistics(a, p, kY);
      graph.tensors.push_back(all(a, kY, p));
      return {{graph, last}};
    }
    Graph fused = statistics(a, p, kVirtual);
    fused.tensors.push_back(as_virtual(all(a, kY, p), kVirtual));
    chain(fused, after(fused, a, p), kVirtual, all(a, kY, p), kVirtual + 1);
    if (Bf16) return {{fused, last}};  // apart, it would be rounded twice
    const Tensor wide = as_temporary(all(a, kY, p), kMasked, kType);
    Graph first = statistics(a, p, kMasked);
    first.tensors.push_back(wide);
    Graph rest{{wide}, {}};
    chain(rest, after(rest, a, p), kMasked, all(a, kY, p), kVirtual + 1);
    return {{fused, last}, {first, rest, last}};
  }
  /// together: 1 / sqrt(var + eps) is formed in the same graph, not before it.
  static Recipe inference(const Args& a, const Pointers& p, bool together) {
    Recipe recipe;
    Graph graph;
    if (together) {
      graph = inverse_from_var(a.channels, a.eps, p);
      graph.tensors.back() = as_virtual(graph.tensors.back(), kInverse);
    } else {
      recipe.push_back(inverse_from_var(a.channels, a.eps, p));
      graph.tensors.push_back(inverse_of(a.channels));
    }
    for (const Tensor& t : {all(a, kX, p), one(a, kMean, p), one(a, kWeight, p), one(a, kBias, p)})
      graph.tensors.push_back(t);
    std::vector<Pointwise> steps = {{CUDNN_POINTWISE_SUB, 0, kMean, 0},
                                    {CUDNN_POINTWISE_MUL, 0, kInverse, 0},
                                    {CUDNN_POINTWISE_MUL, 0, kWeight, 0},
                                    {CUDNN_POINTWISE_ADD, 0, kBias, 0}};
    for (const Pointwise& step : after(graph, a, p)) steps.push_back(step);
    chain(graph, steps, kX, all(a, kY, p), kVirtual + 1);
    recipe.push_back(graph);
    return recipe;
  }
  static Forms forms(const Args& a, const Pointers& p) {
    if (a.training) return training(a, p);
    return {inference(a, p, true), inference(a, p, false)};
  }
};

template <bool Bf16>
struct NormGrad {
  using Args = BatchNormGradArgs;
  static constexpr std::int64_t kId = kBatchNormGrad;
  static constexpr bool kBf16 = Bf16;
  static constexpr cudnnDataType_t kType = data_type(Bf16);

  static const char* declines(const Args& a) {
    if (a.rows < 1 || a.channels < 1) return "no rows";
    if (!a.training) return "statistics that do not depend on x";
    if (a.weight == nullptr) return "no weight";
    if (a.relu && a.y == nullptr && a.bias == nullptr) return "no bias to find y's sign";
    if (!a.relu && a.dresidual != nullptr) return "dresidual is dy";
    return nullptr;
  }
  static bool exact(const Args&) { return false; }
  static Key sizes(const Args& a) { return {a.rows, a.channels, a.relu, key_of(a.eps)}; }
  static Pointers pointers(const Args& a) {
    Pointers p{};
    p[kX] = const_cast<void*>(a.x);
    p[kWeight] = const_cast<void*>(a.weight);
    p[kBias] = const_cast<void*>(a.bias);
    p[kMean] = const_cast<void*>(a.mean);
    p[kVar] = const_cast<void*>(a.var);
    p[kY] = const_cast<void*>(a.y);
    p[kDy] = const_cast<void*>(a.dy);
    p[kDx] = a.dx;
    p[kDWeight] = a.dweight;
    p[kDBias] = a.dbias;
    p[kDResidual] = a.dresidual;
    return p;
  }

  static Tensor all(const Args& a, std::int64_t id, const Pointers& p) {
    return rows_of(id, a.rows, a.channels, kType, p);
  }
  static Tensor one(const Args& a, std::int64_t id, const Pointers& p) {
    return vector_of(id, a.channels, p);
  }
  /// An output, or scratch memory in its place where it is not wanted.
  static Tensor or_spare(const Tensor& t, bool wanted, std::int64_t spare) {
    return wanted ? t : as_temporary(t, spare, t.type);
  }
  /// dy where y > 0: y as it was saved, or formed again.
  static Graph mask(const Args& a, const Pointers& p, const Tensor& masked) {
    const Tensor dy = all(a, kDy, p);
    if (a.y != nullptr) {
      return {{all(a, kY, p), dy, masked},
              {Pointwise{CUDNN_POINTWISE_RELU_BWD, kY, kDy, masked.id}}};
    }
    Graph graph{{all(a, kX, p), one(a, kMean, p), inverse_of(a.channels), one(a, kWeight, p),
                 one(a, kBias, p), dy},
                {}};
    chain(graph,
          {{CUDNN_POINTWISE_SUB, 0, kMean, 0},
           {CUDNN_POINTWISE_MUL, 0, kInverse, 0},
           {CUDNN_POINTWISE_MUL, 0, kWeight, 0},
           {CUDNN_POINTWISE_ADD, 0, kBias, 0},
           {CUDNN_POINTWISE_RELU_BWD, 0, kDy, 0}},
          kX, masked, kVirtual + 1);
    return graph;
  }
  static Forms forms(const Args& a, const Pointers& p) {
    Recipe recipe = {inverse_from_var(a.channels, a.eps, p)};
    Tensor dy = all(a, kDy, p);
    if (a.relu) {
      dy = or_spare(all(a, kDResidual, p), a.dresidual != nullptr, kMasked);
      recipe.push_back(mask(a, p, dy));
    }
    const Tensor dx = or_spare(all(a, kDx, p), a.dx != nullptr, kSpareDx);
    const Tensor dweight = or_spare(one(a, kDWeight, p), a.dweight != nullptr, kSpareDWeight);
    const Tensor dbias = or_spare(one(a, kDBias, p), a.dbias != nullptr, kSpareDBias);
    recipe.push_back(
        {{all(a, kX, p), dy, one(a, kWeight, p), one(a, kMean, p), inverse_of(a.channels), dx,
          dweight, dbias},
         {NormBackward{kX, dy.id, kWeight, kMean, kInverse, dx.id, dweight.id, dbias.id}}});
    return {recipe};
  }
};

}  // namespace
}  // namespace taxon::kernels::cuda::vendor

namespace taxon::kernels::cuda {

const Row<BatchNormArgs>& batch_norm_cudnn(Type type) {
  return vendor::row_of<vendor::Norm>(type, "batch_norm/cudnn", false);
}
const Row<BatchNormGradArgs>& batch_norm_grad_cudnn(Type type) {
  return vendor::row_of<vendor::NormGrad>(type, "batch_norm_grad/cudnn", false);
}

}  // namespace taxon::kernels::cuda
