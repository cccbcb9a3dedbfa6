// Forward, loss and backward of batches of one shape on a GPU, recorded once and repeated.
#pragma once

#include <taxon/base/callback.h>
#include <taxon/layers/losses.h>
#include <taxon/layers/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace taxon {

class Recording;

/// What forward and loss gave; on a GPU perhaps still on its way.
struct Pass {
  Loss::Counted found;
  Tensor logits;
};

/// The first batches of a shape are computed kernel by kernel; then the work is recorded (CUDA
/// Graphs) and each batch repeats it: the same numbers, for one call of the driver. Batches of
/// another shape, as an epoch's last, stay out of it; what trains (requires_grad) and the module
/// may change, which begins anew.
class RecordedStep {
 public:
  /// Forward, loss and backward: gradients are where Tensor::grad() finds them. With the same
  /// shapes it does the same each time.
  using Work = Callback<Pass(const Tensor& x, const Tensor& y)>;

  RecordedStep();
  ~RecordedStep();
  RecordedStep(RecordedStep&&) noexcept;

  /// Does `work`, which trains `module`, for a batch. Before, no parameter has a gradient.
  Pass run(Module& module, const Tensor& x, const Tensor& y, const Work& work);

  bool recorded() const { return recording_ != nullptr; }
  /// Why nothing is recorded, once that is known; else "".
  const std::string& why_not() const { return why_not_; }

 private:
  struct Kind {  // of batch and module: what a recording is good for
    const Module* module = nullptr;
    Shape x, y;
    DType x_type = DType::f32, y_type = DType::f32;
    std::vector<bool> trains;
    bool operator==(const Kind&) const = default;
  };
  static Kind kind_of(const Module& module, const Tensor& x, const Tensor& y);
  bool fewer_samples(const Kind& kind) const;
  void forget();
  void record(Module& module, const Tensor& x, const Tensor& y, const Work& work);
  Pass repeat(const Tensor& x, const Tensor& y);

  Kind kind_;
  std::int64_t seen_ = 0;  ///< batches of this kind
  std::unique_ptr<Recording> recording_;
  Tensor x_, y_;  ///< the recording's batch
  Pass pass_;
  std::vector<std::pair<Tensor, Tensor>> gradients_;       ///< parameter, gradient
  std::vector<std::pair<Tensor, std::int64_t>> counters_;  ///< on the host: what a step adds
  std::string why_not_;
};

}  // namespace taxon
