// What a Tensor handle points to, and a node of the autograd graph.
#pragma once

#include <taxon/core/op.h>
#include <taxon/core/tensor.h>

#include <memory>
#include <vector>

namespace taxon {

/// Where a gradient flows on to: an op's node, or the leaf that collects it.
struct Edge {
  std::shared_ptr<Node> node;
  std::size_t output = 0;  // which output of that node
  std::shared_ptr<TensorImpl> leaf;
  bool wanted() const { return node != nullptr || leaf != nullptr; }
};

/// One recorded application of an op.
struct Node {
  BoundOp op;
  std::shared_ptr<const void> options;
  Context context;
  std::vector<Edge> edges;  // one an input
  Specs outputs;
  std::uint64_t sequence = 0;  // later ops have larger numbers
  bool spent = false;          // backward has run and freed what was saved
  ~Node();
};

struct TensorImpl {
  std::shared_ptr<Storage> storage;
  Shape shape;
  std::int64_t numel = 1;
  DType dtype = DType::f32;
  bool requires_grad = false;
  std::shared_ptr<Node> node;  // the op this is a result of, if recorded
  std::size_t output = 0;      // which of its outputs
  Tensor grad;
};

}  // namespace taxon
