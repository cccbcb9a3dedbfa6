// Module: something with parameters, buffers and children that maps a tensor to a tensor. Names are
// PyTorch's: "layer1.0.conv1.weight".
#pragma once

#include <taxon/core/tensor.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace taxon {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

class Module {
 public:
  virtual ~Module() = default;
  virtual Tensor forward(const Tensor& x) = 0;
  Tensor operator()(const Tensor& x) { return forward(x); }
  virtual std::string str() const = 0;  ///< "Linear(784, 512)"

  // --- parameters, buffers, children; in order of registration, children after own ------------------
  std::vector<NamedTensor> named_parameters() const;
  std::vector<NamedTensor> named_buffers() const;
  std::vector<Tensor> parameters() const;
  std::int64_t parameter_count() const;
  const std::vector<std::pair<std::string, std::shared_ptr<Module>>>& children() const {
    return children_;
  }

  // --- state ----------------------------------------------------------------------------------------
  virtual void train(bool on = true);  ///< training mode, for this and all below
  void eval() { train(false); }
  bool training() const { return training_; }
  void freeze(bool on = true);  ///< parameters stop (or start again) to require gradients
  virtual void to(Device device);
  virtual void to(DType dtype);  ///< floating parameters and buffers (f64 for checks)
  void zero_grad();
  /// Parameters and buffers by name, sharing memory with the module.
  std::vector<NamedTensor> state() const;
  /// Copies values in. Throws FormatError naming missing, unexpected and misshapen entries.
  void load_state(const std::vector<NamedTensor>& state);
  /// Depth first, this module included, with its name ("" for this).
  void visit(const std::function<void(const std::string& name, Module&)>& f);

 protected:
  Tensor& register_parameter(const std::string& name, Tensor value);
  Tensor& register_buffer(const std::string& name, Tensor value);
  template <class M>
  std::shared_ptr<M> register_module(const std::string& name, std::shared_ptr<M> child) {
    add_child(name, child);
    return child;
  }

 private:
  void add_child(const std::string& name, std::shared_ptr<Module> child);
  // Held by pointer, so that references returned by register_* stay valid.
  std::vector<std::pair<std::string, std::unique_ptr<Tensor>>> parameters_, buffers_;
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> children_;
  bool training_ = true;
};

}  // namespace taxon
