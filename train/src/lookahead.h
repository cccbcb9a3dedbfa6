// Slow weights that a training's weights are pulled to.
#pragma once

#include <taxon/layers/module.h>

#include <cstdint>
#include <vector>

namespace taxon {

/// Lookahead (Zhang et al. 2019) as Jordan 2024, section 3.4, schedules it: every few steps the
/// slow weights move to the weights by 1 - 0.95^every (step / total)^3, and the weights become the
/// slow ones; early on almost nothing is kept, at the end much. Batch-norm statistics are treated
/// alike.
class Lookahead {
 public:
  struct Options {
    std::int64_t every = 0;  ///< steps; 0: never
    std::int64_t first = 0;  ///< the first step that counts
    std::int64_t total = 1;
  };
  explicit Lookahead(Options options) : options_(options) {}

  /// After optimizer update number `step`, from 1.
  void step_done(std::int64_t step, Module& module);
  /// The weights become the slow ones, if there are any: what is evaluated and goes on.
  void epoch_done(Module& module);
  /// The slow weights by name, empty before the first step that counts.
  const std::vector<NamedTensor>& state() const { return slow_; }
  void load_state(const std::vector<NamedTensor>& state);

 private:
  void pull(Module& module, double decay);

  Options options_;
  std::vector<NamedTensor> slow_;  // floating parameters and buffers
};

}  // namespace taxon
