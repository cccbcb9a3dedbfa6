// From a graph to a plan that runs: the choice of an engine, and a recipe of several graphs, one
// after the other, with what passes between them in scratch memory.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "graph.h"

namespace taxon::kernels::cuda::vendor {

/// Which engines may be chosen.
struct Policy {
  bool fast = false;   ///< results may differ between two runs
  bool tf32 = false;   ///< f32 factors may be rounded to TF32
  bool exact = false;  ///< sums of the products themselves: no Winograd, no Fourier transform
};

/// What plans are made for: a handle of a device that is there, or the properties of one that is
/// not (cudnnBackend's device properties, as JSON).
struct Target {
  cudnnHandle_t handle = nullptr;
  const Descriptor* properties = nullptr;
};

/// Properties of a device, finalised; throws where the library takes none.
Descriptor device_properties(const char* json);

/// Ids of tensors: a call's arguments are 1 to kArguments - 1, in memory that the caller gives;
/// from kTemporary on they lie in scratch memory (or nowhere: virtual ones and values).
constexpr std::int64_t kArguments = 16, kTemporary = 100;
using Pointers = std::array<void*, kArguments>;

/// Graphs to run in this order.
using Recipe = std::vector<Graph>;

class Plan {
 public:
  Plan(const Graph& graph, const Target& target, const Policy& policy);
  std::int64_t workspace() const { return workspace_; }
  void execute(cudnnHandle_t handle, const Pointers& pointers, const std::vector<void*>& temporary,
               void* workspace) const;

 private:
  void choose(const Target& target, const Policy& policy);
  bool try_mode(cudnnBackendHeurMode_t mode, const Target& target, const Policy& policy);
  bool try_engine(const Descriptor& engine_config, const Target& target, const Policy& policy);

  FinalGraph graph_;
  bool f32_products_ = false;
  std::vector<std::int64_t> ids_;
  std::vector<float> values_;  ///< of those given by value, else 0
  std::vector<bool> by_value_;
  Descriptor engine_config_, plan_;
  std::int64_t workspace_ = 0;
  std::string why_;  ///< what the last engine that was tried said
};

/// The plans of a recipe.
class Program {
 public:
  Program(const Recipe& recipe, const Target& target, const Policy& policy);
  std::size_t scratch() const { return scratch_; }
  std::size_t plans() const { return plans_.size(); }
  void execute(cudnnHandle_t handle, const Pointers& pointers, void* scratch) const;

 private:
  std::vector<Plan> plans_;
  std::vector<std::size_t> offsets_;  ///< of the temporary tensors, by id - kTemporary
  std::size_t workspace_at_ = 0, scratch_ = 0;
};

}  // namespace taxon::kernels::cuda::vendor
