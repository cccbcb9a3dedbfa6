// The stand-in for cuDNN: its functions, descriptors from their making to their end, and the
// running of plans.
#include <algorithm>
#include <cstring>

#include "standin/fake.h"

namespace taxon::kernels::cuda::vendor::standin {

std::vector<std::int64_t> Fake::list(cudnnBackendAttributeName_t name) const {
  const Value& v = values.at(name);
  std::vector<std::int64_t> all(static_cast<std::size_t>(v.count));
  std::memcpy(all.data(), v.bytes.data(), v.bytes.size());
  return all;
}

namespace {

constexpr unsigned char kTrace = 0xA5;  // written to workspaces

const std::shared_ptr<Fake>& found(State& s, void* descriptor) {
  const auto at = s.descriptors.find(descriptor);
  demand(at != s.descriptors.end(), CUDNN_STATUS_BAD_PARAM_NULL_POINTER,
         "no descriptor, or a destroyed one");
  return at->second;
}
void check_handle(State& s, void* handle) {
  demand(s.handles.count(handle) > 0, CUDNN_STATUS_BAD_PARAM, "no handle, or a destroyed one");
}

std::size_t version() {
  return CUDNN_VERSION;
}
const char* error_string(cudnnStatus_t status) {
  return status == CUDNN_STATUS_NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED"
         : status == CUDNN_STATUS_BAD_PARAM   ? "CUDNN_STATUS_BAD_PARAM"
                                              : "CUDNN_STATUS_OTHER";
}
void last_error(char* text, std::size_t size) {
  std::strncpy(text, state().last_error.c_str(), size);
  if (size > 0) text[size - 1] = '\0';
}

cudnnStatus_t create(cudnnHandle_t* handle) {
  return guarded<cudnnStatus_t>("cudnnCreate", [&](State& s) {
    auto* const made = new int(0);
    s.handles[made] = nullptr;
    ++s.record.handles;
    ++s.record.live;
    *handle = reinterpret_cast<cudnnHandle_t>(made);
  });
}
cudnnStatus_t destroy(cudnnHandle_t handle) {
  return guarded<cudnnStatus_t>("cudnnDestroy", [&](State& s) {
    check_handle(s, handle);
    s.handles.erase(handle);
    --s.record.live;
    delete reinterpret_cast<int*>(handle);
  });
}
cudnnStatus_t set_stream(cudnnHandle_t handle, cudaStream_t stream) {
  return guarded<cudnnStatus_t>("cudnnSetStream", [&](State& s) {
    check_handle(s, handle);
    s.handles[handle] = stream;
  });
}

cudnnStatus_t create_descriptor(cudnnBackendDescriptorType_t type,
                                cudnnBackendDescriptor_t* descriptor) {
  return guarded<cudnnStatus_t>("cudnnBackendCreateDescriptor", [&](State& s) {
    auto made = std::make_shared<Fake>();
    made->type = type;
    *descriptor = made.get();
    s.descriptors[made.get()] = made;
    ++s.record.live;
  });
}
cudnnStatus_t destroy_descriptor(cudnnBackendDescriptor_t descriptor) {
  return guarded<cudnnStatus_t>("cudnnBackendDestroyDescriptor", [&](State& s) {
    found(s, descriptor);
    s.descriptors.erase(descriptor);
    --s.record.live;
  });
}

cudnnStatus_t set_attribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                            cudnnBackendAttributeType_t type, std::int64_t count,
                            const void* values) {
  return guarded<cudnnStatus_t>("cudnnBackendSetAttribute", [&](State& s) {
    Fake& d = *found(s, descriptor);
    demand(!d.finalized, CUDNN_STATUS_BAD_PARAM, "set after it was finalised");
    demand(values != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no values");
    check_attribute(d, name, type, count);
    Value v{type, count, {}, {}};
    v.bytes.resize(static_cast<std::size_t>(count) * size_of(type));
    std::memcpy(v.bytes.data(), values, v.bytes.size());
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
      for (std::int64_t i = 0; i < count; ++i)
        v.parts.push_back(found(s, static_cast<void* const*>(values)[i]));
    }
    if (type == CUDNN_TYPE_HANDLE) check_handle(s, *static_cast<void* const*>(values));
    d.values[name] = v;
  });
}

/// What an engine's notes are: those that the test wants for the first, none for the second.
std::vector<int> notes_of(const State& s, const Fake& d) {
  return d.engine == 0 ? s.first_notes : std::vector<int>{};
}

cudnnStatus_t get_attribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                            cudnnBackendAttributeType_t, std::int64_t most, std::int64_t* count,
                            void* values) {
  return guarded<cudnnStatus_t>("cudnnBackendGetAttribute", [&](State& s) {
    Fake& d = *found(s, descriptor);
    demand(d.finalized, CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "asked before it was finalised");
    const auto put = [&](int engine, void* to) {
      Fake& made = *found(s, to);
      made.finalized = true;
      made.graph = d.graph;
      made.engine = engine;
    };
    if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS) {
      const bool refused = s.refused && s.refused(names_of(*d.graph));
      *count = refused ? 0 : 2;
      for (std::int64_t i = 0; i < std::min(most, *count); ++i)
        put(static_cast<int>(i), static_cast<void**>(values)[i]);
    } else if (name == CUDNN_ATTR_ENGINECFG_ENGINE) {
      *count = 1;
      put(d.engine, *static_cast<void**>(values));
    } else if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE) {
      const std::vector<int> notes = notes_of(s, d);
      *count = static_cast<std::int64_t>(notes.size());
      std::copy(notes.begin(), notes.end(), static_cast<int*>(values));
    } else if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) {
      *count = 1;
      std::memcpy(values, &s.workspace, sizeof(s.workspace));
    } else {
      refuse_call(CUDNN_STATUS_NOT_SUPPORTED, "an attribute that is not known here");
    }
  });
}

cudnnStatus_t finalize(cudnnBackendDescriptor_t descriptor) {
  return guarded<cudnnStatus_t>("cudnnBackendFinalize", [&](State& s) {
    const std::shared_ptr<Fake> d = found(s, descriptor);
    demand(!d->finalized, CUDNN_STATUS_BAD_PARAM, "finalised twice");
    check_complete(*d);
    if (d->type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR) {
      d->graph = d->values.at(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH).parts[0];
      ++s.record.heuristics;
    } else if (d->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
      const Fake& config = d->part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
      d->graph = config.graph;
      s.chosen_notes = notes_of(s, config);
      ++s.record.plans;
    }
    d->finalized = true;
  });
}

/// The memory of a graph: pointers of the pack, and room for what is virtual.
class Bound {
 public:
  Bound(const Fake& graph, const Fake& pack) {
    const auto ids = pack.list(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    std::vector<void*> pointers(ids.size());
    const auto& bytes = pack.values.at(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).bytes;
    std::memcpy(pointers.data(), bytes.data(), bytes.size());
    for (std::size_t i = 0; i < ids.size(); ++i) given_[ids[i]] = pointers[i];
    for (const auto& op : graph.values.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).parts) {
      for (const Fake* t : inputs_of(*op)) bind(*t);
      for (const Fake* t : outputs_of(*op)) bind(*t);
    }
    for (const auto& [id, pointer] : given_)
      demand(memory.count(id) > 0, CUDNN_STATUS_BAD_PARAM,
             "a pointer for tensor " + std::to_string(id) + ", which the graph has not");
  }
  Memory memory;

 private:
  void bind(const Fake& t) {
    const auto id = t.get<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
    if (memory.count(id) > 0) return;
    View v = view_of(t);
    if (t.has(CUDNN_ATTR_TENSOR_IS_VIRTUAL) && t.get<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL)) {
      auto& room = virtual_[id];
      room.resize(static_cast<std::size_t>(elements(v)) * size_of(v.type), 0xFF);
      v.data = room.data();
      demand(given_.count(id) == 0, CUDNN_STATUS_BAD_PARAM, "a pointer for a virtual tensor");
    } else {
      const auto at = given_.find(id);
      demand(at != given_.end() && at->second != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER,
             "no pointer for tensor " + std::to_string(id));
      const auto alignment = t.get<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
      demand(
          reinterpret_cast<std::uintptr_t>(at->second) % static_cast<std::uintptr_t>(alignment) ==
              0,
          CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER,
          "tensor " + std::to_string(id) + " lies otherwise than its alignment says");
      v.data = static_cast<unsigned char*>(at->second);
    }
    memory[id] = v;
  }

  std::map<std::int64_t, void*> given_;
  std::map<std::int64_t, std::vector<unsigned char>> virtual_;
};

cudnnStatus_t execute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                      cudnnBackendDescriptor_t pack) {
  return guarded<cudnnStatus_t>("cudnnBackendExecute", [&](State& s) {
    check_handle(s, handle);
    const Fake &p = *found(s, plan), &v = *found(s, pack);
    demand(p.finalized && v.finalized, CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "not finalised");
    const Bound bound(*p.graph, v);
    auto* const workspace = v.get<unsigned char*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
    if (s.workspace > 0) {
      demand(workspace != nullptr, CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no workspace");
      std::memset(workspace, kTrace, static_cast<std::size_t>(s.workspace));
    }
    for (const auto& op : p.graph->values.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).parts)
      compute(*op, bound.memory);
    s.record.executed.push_back(names_of(*p.graph));
    s.record.streams.push_back(s.handles[handle]);
  });
}

}  // namespace

// In softmax.cpp.
cudnnStatus_t create_tensor(cudnnTensorDescriptor_t* tensor);
cudnnStatus_t set_tensor(cudnnTensorDescriptor_t tensor, cudnnDataType_t type, int n, int c, int h,
                         int w, int sn, int sc, int sh, int sw);
cudnnStatus_t destroy_tensor(cudnnTensorDescriptor_t tensor);
cudnnStatus_t softmax_forward(cudnnHandle_t, cudnnSoftmaxAlgorithm_t, cudnnSoftmaxMode_t,
                              const void*, cudnnTensorDescriptor_t, const void*, const void*,
                              cudnnTensorDescriptor_t, void*);
cudnnStatus_t softmax_backward(cudnnHandle_t, cudnnSoftmaxAlgorithm_t, cudnnSoftmaxMode_t,
                               const void*, cudnnTensorDescriptor_t, const void*,
                               cudnnTensorDescriptor_t, const void*, const void*,
                               cudnnTensorDescriptor_t, void*);

#define TAXON_STANDIN(member, function) .member = member,
const Cudnn cudnn_functions = {TAXON_CUDNN_FUNCTIONS(TAXON_STANDIN)};
#undef TAXON_STANDIN

}  // namespace taxon::kernels::cuda::vendor::standin
