// Processes that train one model together, each on its part of a batch.
#pragma once

#include <taxon/core/tensor.h>

#include <string>

namespace taxon {

/// What they exchange. All of them make the same calls in the same order; a call that one leaves
/// out keeps the others waiting. Results are the same bits in every process and in every run.
class Group {
 public:
  virtual ~Group() = default;
  virtual int rank() const = 0;  ///< of this process, from 0
  virtual int size() const = 0;
  /// Of this process among those of its machine, from 0.
  virtual int local_rank() const { return rank(); }
  /// Where start_sum() takes tensors.
  virtual Device place() const { return cpu; }
  /// Replaces the elements (f32, f64 or i64) by their sums over all processes.
  virtual void sum(Tensor& t) = 0;
  /// The same in the background: t, which is at place(), is neither read nor written until wait(),
  /// on a GPU by work that is given to it before.
  virtual void start_sum(Tensor& t) = 0;
  /// Lets what was started move on, where nothing does so by itself; does not wait.
  virtual void progress() = 0;
  virtual void wait() = 0;
  /// The string of process 0.
  virtual std::string broadcast(const std::string& s) = 0;

  bool first() const { return rank() == 0; }
};

}  // namespace taxon
