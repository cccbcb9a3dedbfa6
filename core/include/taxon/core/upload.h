// Bytes on their way from the host to a GPU, beside its computation.
#pragma once

#include <taxon/core/tensor.h>

#include <cstddef>

namespace taxon {

/// Filled on the host, started, finished: between the last two the GPU computes on. The host's
/// memory is page-locked where the system has such to give, and used again by later uploads.
class Upload {
 public:
  /// For a tensor on a GPU. Throws DeviceError.
  Upload(Device device, const Shape& shape, DType dtype);
  /// Of a tensor on the CPU, started.
  Upload(Device device, const Tensor& from);
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  void* host() const;  ///< to be filled before start()
  /// Copying begins when the GPU has done what it was given so far; the host goes on.
  void start();
  /// After start(): the tensor. What is given to the GPU from now on finds the bytes there; the
  /// host goes on.
  Tensor finish();

 private:
  const Device device_;
  Tensor there_;
  std::size_t bytes_ = 0;
  void* host_ = nullptr;
  void* ticket_ = nullptr;
};

}  // namespace taxon
