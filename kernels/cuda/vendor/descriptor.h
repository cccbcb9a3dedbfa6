// A cuDNN backend descriptor, destroyed with its owner, and attributes set by their C++ types.
#pragma once

#include <utility>
#include <vector>

#include "library.h"

namespace taxon::kernels::cuda::vendor {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(cudnnBackendDescriptorType_t type) : library_(cudnn()) {
    check(library_->create_descriptor(type, &descriptor_), "cudnnBackendCreateDescriptor");
  }
  Descriptor(Descriptor&& other) noexcept
      : library_(other.library_), descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(library_, other.library_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_ != nullptr) library_->destroy_descriptor(descriptor_);
  }

  cudnnBackendDescriptor_t get() const { return descriptor_; }

  /// `count` elements of the type that cuDNN is told.
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
           const void* values) {
    check(library_->set_attribute(descriptor_, name, type, count, values),
          "cudnnBackendSetAttribute");
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const T& value) {
    set(name, type, 1, static_cast<const void*>(&value));
  }
  void set(cudnnBackendAttributeName_t name, const std::vector<std::int64_t>& values) {
    set(name, CUDNN_TYPE_INT64, static_cast<std::int64_t>(values.size()), values.data());
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& other) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, other.descriptor_);
  }
  /// How many elements were got of at most `most`.
  std::int64_t get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                   std::int64_t most, void* values) const {
    std::int64_t count = 0;
    check(library_->get_attribute(descriptor_, name, type, most, &count, values),
          "cudnnBackendGetAttribute");
    return count;
  }
  void finalize() { check(library_->finalize(descriptor_), "cudnnBackendFinalize"); }

 private:
  const Cudnn* library_ = nullptr;
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

}  // namespace taxon::kernels::cuda::vendor
