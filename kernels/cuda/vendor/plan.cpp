// See plan.h.
#include "plan.h"

#include <taxon/base/error.h>

#include <algorithm>
#include <cstring>

namespace taxon::kernels::cuda::vendor {
namespace {

constexpr std::int64_t kMostEngines = 64;
constexpr std::size_t kPart = 256;  // parts of scratch memory start at multiples of this

std::size_t rounded_up(std::size_t bytes) {
  return (bytes + kPart - 1) / kPart * kPart;
}

std::size_t size_of(cudnnDataType_t type) {
  switch (type) {
    case CUDNN_DATA_BFLOAT16:
      return 2;
    case CUDNN_DATA_INT8:
      return 1;
    default:
      return 4;
  }
}

std::size_t bytes_of(const Tensor& t) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < t.dims.size(); ++i) last += (t.dims[i] - 1) * t.strides[i];
  return static_cast<std::size_t>(last + 1) * size_of(t.type);
}

bool in_memory(const Tensor& t) {
  return !t.is_virtual && !t.by_value;
}

/// Why an engine with this note may not be taken; nullptr: it may. f32_products: the graph
/// multiplies matrices of f32 (the generic engines carry the note of the tensor cores whatever they
/// do).
const char* forbidden(cudnnBackendNumericalNote_t note, bool f32_products, const Policy& policy) {
  switch (note) {
    case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
      return policy.fast ? nullptr : "not deterministic";
    case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
      return "sums in less than f32";
    case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
    case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
      return f32_products && !policy.tf32 ? "TF32" : nullptr;
    case CUDNN_NUMERICAL_NOTE_FFT:
    case CUDNN_NUMERICAL_NOTE_WINOGRAD:
      return policy.exact ? "not the products themselves" : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace

Descriptor device_properties(const char* json) {
  Descriptor d(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  d.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
        static_cast<std::int64_t>(std::strlen(json)) + 1, static_cast<const void*>(json));
  d.finalize();
  return d;
}

Plan::Plan(const Graph& graph, const Target& target, const Policy& policy)
    : graph_(finalize(graph, target.handle, !policy.fast)) {
  for (const Tensor& t : graph.tensors) {
    if (t.is_virtual) continue;
    ids_.push_back(t.id);
    values_.push_back(t.value);
    by_value_.push_back(t.by_value);
  }
  for (const Operation& operation : graph.operations) {
    const auto* convolution = std::get_if<Convolution>(&operation);
    if (convolution != nullptr)
      f32_products_ = graph.tensor(convolution->x).type == CUDNN_DATA_FLOAT;
  }
  choose(target, policy);
}

void Plan::choose(const Target& target, const Policy& policy) {
  // Mode A is the model of what is fastest; FALLBACK lists what works nearly everywhere.
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    if (try_mode(mode, target, policy)) return;
  }
  fail<DeviceError>("cuDNN has no engine: ", why_.empty() ? "none offered" : why_);
}

bool Plan::try_mode(cudnnBackendHeurMode_t mode, const Target& target, const Policy& policy) {
  Descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph_.graph);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
  if (target.properties != nullptr)
    heuristic.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *target.properties);
  std::vector<Descriptor> configs;
  std::vector<cudnnBackendDescriptor_t> raw;
  std::int64_t count = 0;
  try {
    heuristic.finalize();
    std::int64_t offered = 0;
    check(cudnn()->get_attribute(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &offered, nullptr),
          "cudnnBackendGetAttribute");
    for (std::int64_t i = 0; i < std::min(offered, kMostEngines); ++i) {
      configs.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      raw.push_back(configs.back().get());
    }
    if (!configs.empty())
      count = heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                            static_cast<std::int64_t>(raw.size()), raw.data());
  } catch (const DeviceError& e) {  // no engine in this mode
    why_ = e.what();
    return false;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    Descriptor& config = configs[static_cast<std::size_t>(i)];
    if (!try_engine(config, target, policy)) continue;
    engine_config_ = std::move(config);
    return true;
  }
  return false;
}

bool Plan::try_engine(const Descriptor& config, const Target& target, const Policy& policy) {
  try {
    Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendDescriptor_t raw = engine.get();
    config.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
    cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    const std::int64_t count =
        engine.get(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                   CUDNN_NUMERICAL_NOTE_TYPE_COUNT, notes);
    for (std::int64_t i = 0; i < count; ++i) {
      if (const char* reason = forbidden(notes[i], f32_products_, policy)) {
        why_ = reason;
        return false;
      }
    }
    Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    if (target.properties != nullptr) {
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *target.properties);
    } else {
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, target.handle);
    }
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    plan.finalize();
    plan.get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &workspace_);
    plan_ = std::move(plan);
    return true;
  } catch (const DeviceError& e) {  // this engine cannot do it
    why_ = e.what();
    return false;
  }
}

void Plan::execute(cudnnHandle_t handle, const Pointers& pointers,
                   const std::vector<void*>& temporary, void* workspace) const {
  std::vector<void*> data(ids_.size());
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    const auto at = static_cast<std::size_t>(ids_[i]);
    if (by_value_[i]) {
      data[i] = const_cast<float*>(&values_[i]);
    } else {
      data[i] = ids_[i] < kTemporary ? pointers[at] : temporary[at - kTemporary];
    }
  }
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids_);
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
           static_cast<std::int64_t>(data.size()), static_cast<const void*>(data.data()));
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
  pack.finalize();
  check(cudnn()->execute(handle, plan_.get(), pack.get()), "cudnnBackendExecute");
}

Program::Program(const Recipe& recipe, const Target& target, const Policy& policy) {
  std::vector<std::size_t> sizes;
  std::size_t workspace = 0;
  for (const Graph& graph : recipe) {
    plans_.emplace_back(graph, target, policy);
    workspace = std::max(workspace, static_cast<std::size_t>(plans_.back().workspace()));
    for (const Tensor& t : graph.tensors) {
      if (t.id < kTemporary || !in_memory(t)) continue;
      const auto at = static_cast<std::size_t>(t.id - kTemporary);
      if (sizes.size() <= at) sizes.resize(at + 1);
      sizes[at] = std::max(sizes[at], rounded_up(bytes_of(t)));
    }
  }
  for (const std::size_t size : sizes) {
    offsets_.push_back(workspace_at_);
    workspace_at_ += size;
  }
  scratch_ = workspace_at_ + workspace;
}

void Program::execute(cudnnHandle_t handle, const Pointers& pointers, void* scratch) const {
  auto* const bytes = static_cast<unsigned char*>(scratch);
  std::vector<void*> temporary;
  for (const std::size_t offset : offsets_) temporary.push_back(bytes + offset);
  for (const Plan& plan : plans_) {
    plan.execute(handle, pointers, temporary,
                 plan.workspace() > 0 ? bytes + workspace_at_ : nullptr);
  }
}

}  // namespace taxon::kernels::cuda::vendor
