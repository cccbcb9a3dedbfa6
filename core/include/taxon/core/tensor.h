// Tensor: a handle to contiguous, row-major elements of one dtype on one device, with autograd.
// Copies are cheap and share everything. Images are NHWC.
#pragma once

#include <taxon/base/device.h>
#include <taxon/base/dtype.h>
#include <taxon/base/error.h>
#include <taxon/base/shape.h>
#include <taxon/core/storage.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace taxon {

struct TensorImpl;
struct Node;

class Tensor {
 public:
  Tensor() = default;  ///< undefined: holds nothing; defined() is false

  // --- making
  // -------------------------------------------------------------------------------------
  static Tensor empty(const Shape& shape, DType dtype = DType::f32, Device device = cpu);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Device device = cpu);
  static Tensor ones(const Shape& shape, DType dtype = DType::f32, Device device = cpu);
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32,
                     Device device = cpu);
  /// Uniform in [low, high) / normal(mean, std), from (seed, stream): the same for any thread
  /// count.
  static Tensor uniform(const Shape& shape, double low, double high, std::uint64_t seed,
                        std::uint64_t stream = 0, DType dtype = DType::f32);
  static Tensor normal(const Shape& shape, double mean, double std, std::uint64_t seed,
                       std::uint64_t stream = 0, DType dtype = DType::f32);
  /// A copy of `values`. Throws ShapeError if their number is not shape.numel().
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape);
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) {
    return from(std::span<const T>(values), shape);
  }
  static Tensor scalar(double value, DType dtype = DType::f32);

  // --- what it is
  // ---------------------------------------------------------------------------------
  bool defined() const { return impl_ != nullptr; }
  explicit operator bool() const { return defined(); }
  const Shape& shape() const;
  std::int64_t dim(int i) const { return shape()[i]; }
  int rank() const { return shape().rank(); }
  std::int64_t numel() const;
  DType dtype() const;
  Device device() const;
  std::string str() const;  ///< "f32[128, 10]": dtype and shape

  // --- elements (CPU)
  // -----------------------------------------------------------------------------
  /// Throws DTypeError if T is not the dtype, DeviceError if not on the CPU. The mutable form
  /// counts as a write (see Storage::version).
  template <class T>
  std::span<const T> view() const;
  template <class T>
  std::span<T> mutable_view();
  /// The one element, as double. Throws ShapeError if there are more.
  double item() const;
  template <class T>
  std::vector<T> to_vector() const;
  const void* raw() const;  ///< first element, unchecked
  void* mutable_raw();      ///< the same for writing; counts as a write

  // --- copies
  // -------------------------------------------------------------------------------------
  Tensor clone() const;                  ///< own memory; not part of the graph
  Tensor detach() const;                 ///< same memory; not part of the graph
  Tensor to(Device device) const;        ///< itself if already there
  Tensor to(DType dtype) const;          ///< converted (differentiable between floating types)
  void copy_from(const Tensor& source);  ///< in place; same shape and dtype
  void fill(double value);

  // --- autograd
  // -----------------------------------------------------------------------------------
  bool requires_grad() const;
  /// For leaves (parameters). Throws Error on the result of an operation, DTypeError if not
  /// floating.
  Tensor& set_requires_grad(bool on = true);
  Tensor grad() const;             ///< undefined before backward()
  void set_grad(const Tensor& g);  ///< undefined clears it
  /// Gradients of this scalar with respect to every leaf that requires them, added to their grad().
  /// Frees what the graph saved as it goes. Throws Error if nothing requires a gradient.
  void backward() const;
  /// The same for a tensor of any shape, given the gradient of the loss with respect to it.
  void backward(const Tensor& gradient) const;

  const std::shared_ptr<TensorImpl>& impl() const { return impl_; }
  explicit Tensor(std::shared_ptr<TensorImpl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<TensorImpl> impl_;
};

/// While one lives on a thread, operations there record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};
bool grad_enabled();

}  // namespace taxon
