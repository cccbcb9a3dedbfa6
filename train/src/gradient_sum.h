// The gradients of processes that train together, summed while backward still computes others.
#pragma once

#include <taxon/core/group.h>
#include <taxon/core/op.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace taxon {

/// Gradients go in buckets, so that few transfers carry many small ones (Li et al. 2020, "PyTorch
/// Distributed", section 3.2). In which order they come, and how often, is seen in the first
/// backward, whose gradients are summed after it; from then on a bucket is sent as soon as its last
/// gradient is there.
class GradientSum final : public GradientObserver {
 public:
  explicit GradientSum(Group& group) : group_(group) {}

  /// Before the backward whose gradients make an update. `params`: those that may get one.
  void begin(const std::vector<Tensor>& params);
  void arrived(const Tensor& leaf) override;
  /// After it: waits; every gradient is then the sum over the processes. Throws Error where a
  /// gradient came after its bucket had been sent.
  void finish();
  /// Other parameters get gradients from now on.
  void forget();

 private:
  // Bytes of a bucket, if of more than one gradient. GPUs sum large ones better (PyTorch's 25 MB).
  static constexpr std::int64_t kBucket = std::int64_t{1} << 20, kGpuBucket = 25 << 20;
  struct Part {
    Tensor param;
    int times = 0;  // that backward adds to its gradient
  };
  struct Bucket {
    std::vector<std::size_t> parts;
    Tensor values;
    int missing = 0;
    bool sent = false;
  };

  void plan();
  void send(Bucket& bucket);
  void unpack(const Bucket& bucket);

  Group& group_;
  std::vector<Part> parts_;  // in the order in which their gradients are complete
  std::vector<Bucket> buckets_;
  std::unordered_map<const TensorImpl*, std::size_t> part_of_, bucket_of_;
  bool planned_ = false;
};

}  // namespace taxon
