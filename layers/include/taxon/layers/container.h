// Sequential: modules applied one after the other.
#pragma once

#include <taxon/layers/module.h>

#include <span>

namespace taxon {

/// Applies modules one after the other. A convolution or Linear, the batch-norm and the ReLU that
/// follow it run as one op where there is one.
Tensor forward_chain(std::span<const std::pair<std::string, std::shared_ptr<Module>>> modules,
                     const Tensor& x);

/// Children are named "0", "1", ... as in torch:
///   Sequential net;
///   net.add<Flatten>().add<Linear>(784, 512, init).add<ReLU>().add<Linear>(512, 10, init);
class Sequential : public Module {
 public:
  Sequential() = default;
  explicit Sequential(std::vector<std::shared_ptr<Module>> modules);
  Tensor forward(const Tensor& x) override;
  std::string str() const override;

  Sequential& add(std::shared_ptr<Module> module);  ///< named by its index
  template <class M, class... Args>
  Sequential& add(Args&&... args) {
    return add(std::static_pointer_cast<Module>(std::make_shared<M>(std::forward<Args>(args)...)));
  }
  std::size_t size() const { return children().size(); }
  Module& operator[](std::size_t i) { return *children().at(i).second; }
};

}  // namespace taxon
