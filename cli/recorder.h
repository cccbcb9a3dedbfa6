// Notes the kernels of training steps: which layer asked for what, the row chosen, and its time.
#pragma once

#include <taxon/core/dispatch.h>
#include <taxon/kernels/conv2d.h>
#include <taxon/kernels/conv_pool.h>
#include <taxon/kernels/gemm.h>
#include <taxon/kernels/norm.h>
#include <taxon/layers/module.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace taxon::cli {

/// One kernel call of a step. Work is that of the definition: a Winograd kernel multiplies less.
struct Call {
  std::string layer, pass, shape, row;
  kernels::Needs needs = kernels::Needs::baseline;
  std::vector<std::pair<std::string, std::string>> passed_over;  ///< row, reason
  double gflop = 0;                                              ///< of a product, or
  double gbyte = 0;                                              ///< of a pass over memory
  std::vector<double> ms;                                        ///< one a step
  double median_ms() const;
};

/// Observes this thread's kernels while it lives. The k-th call of a step is the same in each: what
/// it is comes from the first step.
class Recorder : public KernelObserver {
 public:
  /// `run`: false to note the kernels only.
  Recorder(const Module& module, bool run);
  ~Recorder() { kernel_observer = nullptr; }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  bool before(const KernelCall& kernel) override;
  void after(const KernelCall&) override;
  void end_step() {
    ++steps_;
    next_ = 0;
  }
  const std::vector<Call>& calls() const { return calls_; }

 private:
  Call note(const KernelCall& kernel);
  void note_conv(const kernels::Conv2dArgs& a, Call& call);
  void note_conv_pool(const kernels::ConvPoolArgs& a, Call& call);
  void note_gemm(const kernels::GemmArgs& a, Call& call);
  void note_norm(const KernelCall& kernel, Call& call);
  /// The layer a parameter's memory belongs to, or "".
  std::string layer(const void* parameter) const;
  /// The layer whose forward product has these extents. Backward runs in reverse order, and each
  /// layer's gradient once.
  std::string match(const std::array<std::int64_t, 8>& extents);

  bool run_;
  std::map<const void*, std::string> layer_of_;
  std::vector<std::pair<std::string, std::array<std::int64_t, 8>>> open_;  ///< without gradient yet
  std::vector<Call> calls_;
  std::size_t next_ = 0;
  int steps_ = 0;
  double start_ = 0;
};

}  // namespace taxon::cli
