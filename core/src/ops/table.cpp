// The table of all ops: one row each.
#include "declared.h"

namespace taxon {
namespace {

template <class Op>
concept HasBackward = requires {
  &Op::backward;
};

template <class Op>
constexpr OpRow row() {
  return {&Op::info, HasBackward<Op>};
}

}  // namespace

std::span<const OpRow> op_table() {
  using namespace ops;
  static const OpRow rows[] = {
      row<Add>(),
      row<Sub>(),
      row<Mul>(),
      row<Div>(),
      row<AddScalar>(),
      row<MulScalar>(),
      row<RsubScalar>(),
      row<RdivScalar>(),
      row<PowScalar>(),
      row<Exp>(),
      row<Log>(),
      row<Sqrt>(),
      row<Tanh>(),
      row<Sigmoid>(),
      row<Relu>(),
      row<Gelu>(),
      row<Silu>(),
      row<Clamp>(),
      row<Cast>(),
      row<Dropout>(),
      row<Matmul>(),
      row<LinearOp>(),
      row<Conv2dOp>(),
      row<MaxPool>(),
      row<ConvMaxPool>(),
      row<AvgPool>(),
      row<AdaptiveAvgPool>(),
      row<BatchNormTrain>(),
      row<BatchNormShared>(),
      row<BatchNormInfer>(),
      row<LayerNormOp>(),
      row<Softmax>(),
      row<LogSoftmax>(),
      row<CrossEntropyOp>(),
      row<BceWithLogits>(),
      row<Sum>(),
      row<Mean>(),
      row<MaxAxis>(),
      row<Argmax>(),
      row<Reshape>(),
      row<Transpose>(),
      row<Concat>(),
      row<Slice>(),
      row<Pad>(),
      row<Gather>(),
      row<OneHot>(),
  };
  return rows;
}

}  // namespace taxon
