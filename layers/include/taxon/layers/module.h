// Module: something with parameters, buffers and children that maps a tensor to a tensor. Names are
// PyTorch's: "layer1.0.conv1.weight".
#pragma once

#include <taxon/base/callback.h>
#include <taxon/core/tensor.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace taxon {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// Where a buffer travels. model: in model files and checkpoints, as PyTorch's state dict. run: in
/// checkpoints only (what a run needs to go on bit by bit, such as dropout's step).
enum class Keep : std::uint8_t { model, run };

class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  virtual Tensor forward(const Tensor& x) = 0;
  Tensor operator()(const Tensor& x) { return forward(x); }
  virtual std::string str() const = 0;  ///< "Linear(784, 512)"

  // --- parameters, buffers, children: own ones first, then the children's, as registered
  // ------------
  std::vector<NamedTensor> named_parameters() const;
  std::vector<NamedTensor> named_buffers() const;
  std::vector<Tensor> parameters() const;
  std::int64_t parameter_count() const;
  const std::vector<std::pair<std::string, std::shared_ptr<Module>>>& children() const {
    return children_;
  }
  /// The module called "layer1.0.conv1" below this one. Throws OptionError with what there is.
  Module& find(const std::string& name);
  /// Depth first, this module included, with its full name ("" for this).
  void visit(const Callback<void(const std::string& name, Module&)>& f);

  // --- mode and place
  // -------------------------------------------------------------------------------
  virtual void train(bool on = true);  ///< training mode, for this and all below
  void eval() { train(false); }
  bool training() const { return training_; }
  /// A trainer says so before each epoch, from 0: for modules of which parts learn at times only.
  virtual void epoch_starts(std::int64_t epoch) { static_cast<void>(epoch); }
  void freeze(bool on = true);  ///< parameters stop (or start again) to require gradients
  /// Moves floating parameters and buffers; counters (integers) stay on the CPU.
  void to(Device device);
  void to(DType dtype);  ///< converts floating parameters and buffers (f64 for checks)
  void zero_grad();

  // --- state: values by name
  // ------------------------------------------------------------------------
  /// All parameters and buffers, sharing memory with the module, in Taxon's layouts: for
  /// checkpoints.
  std::vector<NamedTensor> state() const;
  /// Copies values in. Throws FormatError naming missing, unexpected and misshapen entries, before
  /// anything is changed.
  void load_state(const std::vector<NamedTensor>& state);
  /// What a model file holds: PyTorch's names, layouts and entries (convolutions OIHW, ...). On the
  /// CPU; entries whose layout differs are copies.
  std::vector<NamedTensor> file_state() const;
  /// The inverse of file_state(); errors as load_state.
  void load_file_state(const std::vector<NamedTensor>& state);

 protected:
  /// A trainable tensor; an undefined one ("no bias") takes the name without being listed. The
  /// reference stays valid as long as the module.
  Tensor& register_parameter(const std::string& name, Tensor value);
  Tensor& register_buffer(const std::string& name, Tensor value, Keep keep = Keep::model);
  template <class M>
  std::shared_ptr<M> register_module(const std::string& name, std::shared_ptr<M> child) {
    add_child(name, child);
    return child;
  }
  /// Puts another module in the place of the child of that name. Throws OptionError if there is
  /// none.
  void replace_child(const std::string& name, std::shared_ptr<Module> child);

  /// The layout of an own entry in files, as axes or columns of `value` permuted; itself if the
  /// same.
  virtual Tensor to_file(const std::string& name, const Tensor& value) const;
  virtual Tensor from_file(const std::string& name, const Tensor& value) const;

 private:
  struct Entry {
    std::string name;
    std::unique_ptr<Tensor> tensor;  // by pointer: references from register_* stay valid
    bool parameter = true;
    Keep keep = Keep::model;
  };
  struct Located {  // an entry with its full name and owner
    std::string name;
    const Module* owner;
    const Entry* entry;
  };
  void add_child(const std::string& name, std::shared_ptr<Module> child);
  Tensor& add_entry(const std::string& name, Tensor value, bool parameter, Keep keep);
  void locate(const std::string& prefix, std::vector<Located>& out) const;
  std::vector<Located> located() const;
  void load(const std::vector<NamedTensor>& state, bool file);

  std::vector<Entry> entries_;
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> children_;
  bool training_ = true;
};

}  // namespace taxon
