// Applying ops and running backward. The graph hangs on the tensors' nodes; backward visits nodes
// in the reverse order of their recording (a heap of sequence numbers), without recursion.
#include <taxon/base/error.h>
#include <taxon/core/ops.h>

#include <algorithm>
#include <atomic>
#include <queue>
#include <unordered_map>

#include "impl.h"

namespace taxon {
namespace {

thread_local bool recording_enabled = true;
std::atomic<std::uint64_t> next_sequence{0};

Spec spec_of(const Tensor& t) {
  Spec spec;
  spec.defined = t.defined();
  if (t.defined()) {
    spec.shape = t.shape();
    spec.dtype = t.dtype();
  }
  return spec;
}

bool in_graph(const Tensor& t) {
  return t.defined() && (t.impl()->requires_grad || t.impl()->node != nullptr);
}

void check_devices(std::string_view op, const Tensors& inputs) {
  const Tensor* first = nullptr;
  for (const Tensor& t : inputs) {
    if (!t.defined()) continue;
    if (first == nullptr) first = &t;
    if (!(t.device() == first->device())) {
      fail<DeviceError>(op, ": inputs are on ", first->device(), " and ", t.device(),
                        "; expected one device");
    }
  }
}

// Nodes are freed here one by one: the chain of a deep network would otherwise recurse through the
// destructors of its shared pointers.
void free_chain(std::vector<Edge>& edges) {
  thread_local std::vector<std::shared_ptr<Node>>* pending = nullptr;
  std::vector<std::shared_ptr<Node>> local;
  const bool outermost = pending == nullptr;
  if (outermost) pending = &local;
  for (Edge& edge : edges) {
    if (edge.node) pending->push_back(std::move(edge.node));
  }
  if (!outermost) return;
  while (!local.empty()) {
    const std::shared_ptr<Node> node = std::move(local.back());
    local.pop_back();
  }  // each destructor adds its own edges to `local`
  pending = nullptr;
}

}  // namespace

constinit thread_local GradientObserver* gradient_observer = nullptr;

Node::~Node() {
  free_chain(edges);
}

NoGrad::NoGrad() : before_(recording_enabled) {
  recording_enabled = false;
}
NoGrad::~NoGrad() {
  recording_enabled = before_;
}
bool grad_enabled() {
  return recording_enabled;
}

std::string Spec::str() const {
  return defined ? text(dtype, shape) : "none";
}

void Context::save(const Tensor& t) {
  if (!recording_) return;
  saved_.push_back(
      {t.defined() ? t.detach() : Tensor(), t.defined() ? t.impl()->storage->version() : 0});
}

Tensor Context::saved(std::size_t i) const {
  const Saved& s = saved_.at(i);
  if (s.tensor.defined() && s.tensor.impl()->storage->version() != s.version) {
    fail<Error>(op_, ": a tensor ", s.tensor, " that backward needs was written to after forward");
  }
  return s.tensor;
}

bool Context::needs_grad(std::size_t input) const {
  return input < needs_grad_.size() && needs_grad_[input];
}

struct Engine {
  static Tensors forward(const BoundOp& op, const Tensors& inputs) {
    check_devices(op.info->name, inputs);
    Context context;
    context.op_ = op.info->name;
    context.inputs_.reserve(inputs.size());
    for (const Tensor& t : inputs) context.inputs_.push_back(spec_of(t));
    context.recording_ = recording_enabled && op.backward != nullptr &&
                         std::any_of(inputs.begin(), inputs.end(), in_graph);
    if (context.recording_) {
      for (const Tensor& t : inputs) context.needs_grad_.push_back(in_graph(t));
    }
    const Specs specs = op.infer(context.inputs_, op.options);
    Tensors outputs(specs.size());
    if (!op.info->view) {
      const Device device = device_of(inputs);
      for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].defined) outputs[i] = Tensor::empty(specs[i].shape, specs[i].dtype, device);
      }
    }
    op.forward(context, inputs, outputs, op.options);
    if (context.recording_) record(op, inputs, outputs, specs, std::move(context));
    return outputs;
  }

  static Device device_of(const Tensors& inputs) {
    for (const Tensor& t : inputs) {
      if (t.defined()) return t.device();
    }
    return cpu;
  }

  static void record(const BoundOp& op, const Tensors& inputs, Tensors& outputs, const Specs& specs,
                     Context&& context) {
    const auto node = std::make_shared<Node>();
    node->options = op.keep(op.options);
    node->op = op;
    node->op.options = node->options.get();
    node->context = std::move(context);
    node->outputs = specs;
    node->sequence = next_sequence.fetch_add(1, std::memory_order_relaxed);
    for (const Tensor& t : inputs) node->edges.push_back(edge_to(t));
    const std::size_t differentiable = std::min(outputs.size(), op.info->gradient_outputs);
    for (std::size_t i = 0; i < differentiable; ++i) {
      if (!outputs[i].defined() || !is_floating(outputs[i].dtype())) continue;
      outputs[i].impl()->node = node;
      outputs[i].impl()->output = i;
    }
  }

  static Edge edge_to(const Tensor& t) {
    Edge edge;
    if (!t.defined()) return edge;
    if (t.impl()->node) {
      edge.node = t.impl()->node;
      edge.output = t.impl()->output;
    } else if (t.impl()->requires_grad) {
      edge.leaf = t.impl();
    }
    return edge;
  }

  // Not in place: `sum` may share its memory with another edge's gradient.
  static void accumulate(Tensor& sum, const Tensor& g) { sum = sum.defined() ? add(sum, g) : g; }

  // A leaf owns its gradient, so that changing it in place (clipping) touches no other leaf's.
  static void accumulate_leaf(TensorImpl& leaf, const Tensor& g) {
    if (leaf.grad.defined()) {
      leaf.grad = add(leaf.grad, g);
    } else {
      const bool shared = g.impl().use_count() > 1 || g.impl()->storage.use_count() > 1;
      leaf.grad = shared ? g.clone() : g.detach();
    }
  }

  // Gradients that have arrived for the outputs of the nodes not yet run, latest node first.
  struct Pending {
    struct Later {
      bool operator()(const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) const {
        return a->sequence < b->sequence;
      }
    };
    std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, Later> order;
    std::unordered_map<Node*, Tensors> gradients;

    void deliver(const Edge& edge, const Tensor& gradient) {
      if (edge.leaf) {
        accumulate_leaf(*edge.leaf, gradient);
        if (gradient_observer != nullptr) gradient_observer->arrived(Tensor(edge.leaf));
      } else if (edge.node) {
        Tensors& slots = gradients[edge.node.get()];
        if (slots.empty()) {
          slots.resize(edge.node->outputs.size());
          order.push(edge.node);
        }
        accumulate(slots[edge.output], gradient);
      }
    }
  };

  static void backward(const Tensor& root, const Tensor& gradient) {
    const NoGrad no_grad;
    Pending pending;
    pending.deliver(edge_to(root), gradient);
    while (!pending.order.empty()) {
      const std::shared_ptr<Node> node = pending.order.top();
      pending.order.pop();
      auto entry = pending.gradients.extract(node.get());
      run(*node, entry.mapped(), pending);
    }
  }

  static void run(Node& node, Tensors& gradients, Pending& pending) {
    if (node.spent) {
      fail<Error>(node.op.info->name,
                  ": backward ran through this graph before and freed it; run forward again");
    }
    Tensors results = node.op.backward(node.context, gradients, node.op.options);
    gradients.clear();
    node.spent = true;
    node.context.saved_.clear();
    for (std::size_t i = 0; i < node.edges.size() && i < results.size(); ++i) {
      if (!node.edges[i].wanted() || !results[i].defined()) continue;
      check(node, i, results[i]);
      pending.deliver(node.edges[i], results[i]);
      results[i] = Tensor();
    }
    free_chain(node.edges);
    node.edges.clear();
  }

  static void check(const Node& node, std::size_t input, const Tensor& gradient) {
    const Spec& expected = node.context.input(input);
    if (gradient.shape() == expected.shape && gradient.dtype() == expected.dtype) return;
    fail<ShapeError>(node.op.info->name, ": backward gave ", gradient, " for input ", input,
                     ", expected ", expected);
  }
};

Tensors apply_bound(const BoundOp& op, const Tensors& inputs) {
  return Engine::forward(op, inputs);
}

bool Tensor::requires_grad() const {
  return in_graph(*this);
}

void Tensor::backward() const {
  if (numel() != 1) {
    fail<ShapeError>("backward: ", *this, " is not a scalar; pass the gradient of the loss");
  }
  backward(Tensor::ones(shape(), dtype(), device()));
}

void Tensor::backward(const Tensor& gradient) const {
  if (!in_graph(*this))
    fail<Error>("backward: ", *this, " depends on nothing that requires a gradient");
  if (gradient.shape() != shape() || gradient.dtype() != dtype()) {
    fail<ShapeError>("backward: gradient ", gradient, " for tensor ", *this, "; expected the same");
  }
  Engine::backward(*this, gradient);
}

}  // namespace taxon
