// The inside of the stand-in for cuDNN: descriptors as lists of attributes, and tensors as views
// that results are computed on.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "standin/standin.h"

namespace taxon::kernels::cuda::vendor::standin {

struct Fake;

struct Value {
  cudnnBackendAttributeType_t type;
  std::int64_t count;
  std::vector<unsigned char> bytes;
  std::vector<std::shared_ptr<Fake>> parts;  ///< where the values are descriptors
};

/// A backend descriptor.
struct Fake {
  cudnnBackendDescriptorType_t type;
  bool finalized = false;
  std::map<cudnnBackendAttributeName_t, Value> values;
  // What the library knows beyond the attributes that were set:
  std::shared_ptr<Fake> graph;  ///< of engines, their configurations and plans
  int engine = 0;

  bool has(cudnnBackendAttributeName_t name) const { return values.count(name) > 0; }
  template <class T>
  T get(cudnnBackendAttributeName_t name) const {
    T value;
    __builtin_memcpy(&value, values.at(name).bytes.data(), sizeof(T));
    return value;
  }
  std::vector<std::int64_t> list(cudnnBackendAttributeName_t name) const;
  const Fake& part(cudnnBackendAttributeName_t name) const { return *values.at(name).parts.at(0); }
};

/// A call that is refused.
struct Refusal {
  int status;
  std::string text;
};
[[noreturn]] void refuse_call(int status, const std::string& text);
inline void demand(bool holds, int status, const std::string& text) {
  if (!holds) refuse_call(status, text);
}

/// All that the stand-ins know.
struct State {
  std::recursive_mutex mutex;
  Record record;
  std::map<void*, std::shared_ptr<Fake>> descriptors;
  std::map<void*, void*> handles;  ///< and their streams
  std::map<std::string, int> failures;
  std::function<bool(const std::string&)> refused;
  std::int64_t workspace = 0;
  std::vector<int> first_notes, chosen_notes;
  std::string last_error;
};
State& state();

/// Calls f unless a test wants this function to fail; a refusal becomes its status.
template <class Status, class F>
Status guarded(const char* function, F f) {
  State& s = state();
  const std::lock_guard<std::recursive_mutex> lock(s.mutex);
  const auto wanted = s.failures.find(function);
  if (wanted != s.failures.end()) {
    const int status = wanted->second;
    s.failures.erase(wanted);
    s.last_error = "as the test wants";
    return static_cast<Status>(status);
  }
  try {
    f(s);
    return static_cast<Status>(0);
  } catch (const Refusal& r) {
    s.last_error = std::string(function) + ": " + r.text;
    s.record.errors.push_back(s.last_error);
    return static_cast<Status>(r.status);
  }
}

/// Throws unless the attribute may be set so on this type of descriptor.
void check_attribute(const Fake& d, cudnnBackendAttributeName_t name,
                     cudnnBackendAttributeType_t type, std::int64_t count);
/// Throws unless all attributes that the type of descriptor needs are there.
void check_required(const Fake& d);
/// The same, and unless they fit together.
void check_complete(const Fake& d);
std::size_t size_of(cudnnBackendAttributeType_t type);

using Index = std::array<std::int64_t, 4>;

/// A tensor with its memory.
struct View {
  Index dims{}, strides{};
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  unsigned char* data = nullptr;

  double get(Index i) const;  ///< axes of one element repeat it
  void set(Index i, double value) const;
  /// Calls f with every index.
  template <class F>
  void each(F f) const {
    Index i{};
    for (i[0] = 0; i[0] < dims[0]; ++i[0])
      for (i[2] = 0; i[2] < dims[2]; ++i[2])
        for (i[3] = 0; i[3] < dims[3]; ++i[3])
          for (i[1] = 0; i[1] < dims[1]; ++i[1]) f(static_cast<const Index&>(i));
  }
};
View view_of(const Fake& tensor);
std::int64_t elements(const View& v);  ///< of memory from the first to the last
std::size_t size_of(cudnnDataType_t type);

/// The views of a graph by the tensors' ids.
using Memory = std::map<std::int64_t, View>;

std::string name_of(const Fake& operation);
/// "conv_forward+add+relu"
std::string names_of(const Fake& graph);
std::vector<const Fake*> inputs_of(const Fake& operation);
std::vector<const Fake*> outputs_of(const Fake& operation);
void compute(const Fake& operation, const Memory& memory);

void compute_convolution(const Fake& operation, const Memory& memory);
void compute_norm_forward(const Fake& operation, const Memory& memory);
void compute_norm_backward(const Fake& operation, const Memory& memory);
void compute_resample(const Fake& operation, const Memory& memory, bool backward);

}  // namespace taxon::kernels::cuda::vendor::standin
