// Tensors: making, looking at and copying them.
#include <taxon/base/parallel.h>
#include <taxon/base/random.h>
#include <taxon/core/devices.h>
#include <taxon/core/ops.h>

#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

#include "impl.h"
#include "ops/common.h"

namespace taxon {
namespace {

const TensorImpl& checked(const std::shared_ptr<TensorImpl>& impl) {
  if (!impl) fail<Error>("an undefined tensor was used; expected one that holds elements");
  return *impl;
}

// Calls f with a null pointer of the element type.
template <class F>
void with_type(DType dtype, F f) {
  switch (dtype) {
    case DType::f32:
      return f(static_cast<float*>(nullptr));
    case DType::bf16:
      return f(static_cast<bf16*>(nullptr));
    case DType::u8:
      return f(static_cast<std::uint8_t*>(nullptr));
    case DType::i32:
      return f(static_cast<std::int32_t*>(nullptr));
    case DType::i64:
      return f(static_cast<std::int64_t*>(nullptr));
    case DType::f64:
      return f(static_cast<double*>(nullptr));
  }
}

template <class T>
T to_element(double v) {
  if constexpr (std::is_same_v<T, bf16>) {
    return bf16(static_cast<float>(v));
  } else {
    return static_cast<T>(v);
  }
}

template <class T>
double to_double(T v) {
  if constexpr (std::is_same_v<T, bf16>) {
    return static_cast<double>(static_cast<float>(v));
  } else {
    return static_cast<double>(v);
  }
}

// Fills a floating tensor with f(i); elements are independent, so chunks may run in any order.
template <class F>
Tensor generate(const Shape& shape, DType dtype, F f) {
  if (!is_floating(dtype))
    fail<DTypeError>("random numbers: dtype ", dtype, "; expected a floating one");
  Tensor out = Tensor::empty(shape, dtype);
  constexpr std::int64_t kChunk = 1 << 14;
  const std::int64_t n = out.numel();
  void* data = out.mutable_raw();
  with_type(dtype, [&](auto* null) {
    using T = std::remove_pointer_t<decltype(null)>;
    parallel_chunks((n + kChunk - 1) / kChunk, [&](std::int64_t chunk) {
      const std::int64_t end = std::min(n, (chunk + 1) * kChunk);
      for (std::int64_t i = chunk * kChunk; i < end; ++i)
        static_cast<T*>(data)[i] = to_element<T>(f(i));
    });
  });
  return out;
}

std::size_t bytes_of(const Tensor& t) {
  return static_cast<std::size_t>(t.numel()) * size_of(t.dtype());
}

// On a device, by its own kernels: bytes from the host would hold it up, and could not be recorded.
void fill_there(Tensor& t, double value) {
  if (value == 0 || is_floating(t.dtype())) {
    zero_bytes(t.mutable_raw(), t.device(), bytes_of(t));
    if (value == 0) return;
    const kernels::UnaryArgs args{
        kernels::Unary::add_scalar, t.numel(), value, 0, t.raw(), t.mutable_raw()};
    return run_kernel<&kernels::Tables::unary>(t, args);
  }
  const Tensor element = Tensor::full({}, value, t.dtype()).to(t.device());
  t.copy_from(ops::expand(element, t.shape()));
}

constexpr double kWord = 0x1.0p-32;  // a 32-bit word as a fraction

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  if (dtype == DType::f64 && !(device == cpu)) {
    fail<DTypeError>("f64 tensors exist on the cpu only; asked for one on ", device);
  }
  auto impl = std::make_shared<TensorImpl>();
  impl->shape = shape;
  impl->numel = shape.numel();
  impl->dtype = dtype;
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(impl->numel, static_cast<std::int64_t>(size_of(dtype)), &bytes)) {
    fail<ShapeError>("a tensor ", dtype, shape, " is larger than the address space");
  }
  impl->storage = std::make_shared<Storage>(static_cast<std::size_t>(bytes), device);
  return Tensor(std::move(impl));
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor out = empty(shape, dtype, device);
  zero_bytes(out.mutable_raw(), device, bytes_of(out));
  return out;
}

Tensor Tensor::ones(const Shape& shape, DType dtype, Device device) {
  return full(shape, 1, dtype, device);
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype, Device device) {
  Tensor out = empty(shape, dtype, device);
  out.fill(value);
  return out;
}

Tensor Tensor::scalar(double value, DType dtype) {
  return full({}, value, dtype);
}

Tensor Tensor::uniform(const Shape& shape, double low, double high, std::uint64_t seed,
                       std::uint64_t stream, DType dtype) {
  return generate(shape, dtype, [=](std::int64_t i) {
    const auto at = static_cast<std::uint64_t>(i);
    const std::uint32_t word = philox(seed, stream, at / 4)[at % 4];
    return low + (high - low) * (static_cast<double>(word) * kWord);
  });
}

Tensor Tensor::normal(const Shape& shape, double mean, double std, std::uint64_t seed,
                      std::uint64_t stream, DType dtype) {
  return generate(shape, dtype, [=](std::int64_t i) {  // Box-Muller
    const auto at = static_cast<std::uint64_t>(i);
    const auto words = philox(seed, stream, at / 2);
    const double u = (static_cast<double>(words[at % 2 * 2]) + 1) * kWord;  // in (0, 1]
    const double v = static_cast<double>(words[at % 2 * 2 + 1]) * kWord;
    return mean + std * std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  });
}

template <class T>
Tensor Tensor::from(std::span<const T> values, const Shape& shape) {
  if (static_cast<std::int64_t>(values.size()) != shape.numel()) {
    fail<ShapeError>("Tensor::from: ", values.size(), " values for shape ", shape, ", which has ",
                     shape.numel(), " elements");
  }
  Tensor out = empty(shape, dtype_of_v<T>);
  if (!values.empty()) std::memcpy(out.mutable_raw(), values.data(), values.size_bytes());
  return out;
}

const Shape& Tensor::shape() const {
  return checked(impl_).shape;
}
std::int64_t Tensor::numel() const {
  return checked(impl_).numel;
}
DType Tensor::dtype() const {
  return checked(impl_).dtype;
}
Device Tensor::device() const {
  return checked(impl_).storage->device();
}
std::string Tensor::str() const {
  return defined() ? text(dtype(), shape()) : "none";
}

template <class T>
std::span<const T> Tensor::view() const {
  if (dtype() != dtype_of_v<T>) {
    fail<DTypeError>("tensor ", *this, " was read as ", dtype_of_v<T>);
  }
  if (!(device() == cpu))
    fail<DeviceError>("tensor ", *this, " is on ", device(), "; copy it to the cpu");
  return {static_cast<const T*>(raw()), static_cast<std::size_t>(numel())};
}

template <class T>
std::span<T> Tensor::mutable_view() {
  const std::span<const T> elements = view<T>();
  return {static_cast<T*>(mutable_raw()), elements.size()};
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  if (!(device() == cpu)) return to(cpu).to_vector<T>();
  const std::span<const T> elements = view<T>();
  return {elements.begin(), elements.end()};
}

double Tensor::item() const {
  if (numel() != 1)
    fail<ShapeError>("item: tensor ", *this, " has ", numel(), " elements; expected one");
  if (!(device() == cpu)) return to(cpu).item();
  double value = 0;
  with_type(dtype(), [&](auto* null) {
    value = to_double(view<std::remove_pointer_t<decltype(null)>>()[0]);
  });
  return value;
}

const void* Tensor::raw() const {
  return checked(impl_).storage->data();
}

void* Tensor::mutable_raw() {
  checked(impl_).storage->bump_version();
  return impl_->storage->data();
}

Tensor Tensor::clone() const {
  Tensor out = empty(shape(), dtype(), device());
  out.copy_from(*this);
  return out;
}

Tensor Tensor::detach() const {
  auto impl = std::make_shared<TensorImpl>();
  impl->storage = checked(impl_).storage;
  impl->shape = impl_->shape;
  impl->numel = impl_->numel;
  impl->dtype = impl_->dtype;
  return Tensor(std::move(impl));
}

Tensor Tensor::to(Device target) const {
  if (target == device()) return *this;
  Tensor out = empty(shape(), dtype(), target);
  out.copy_from(*this);
  return out;
}

Tensor Tensor::to(DType target) const {
  return target == dtype() ? *this : cast(*this, target);
}

void Tensor::copy_from(const Tensor& source) {
  if (source.shape() != shape() || source.dtype() != dtype()) {
    fail<ShapeError>("copy_from: ", source, " into ", *this, "; expected the same shape and dtype");
  }
  if (source.raw() == raw() && source.device() == device()) return;
  copy_bytes(mutable_raw(), device(), source.raw(), source.device(), bytes_of(source));
}

void Tensor::fill(double value) {
  if (!(device() == cpu)) return fill_there(*this, value);
  with_type(dtype(), [&](auto* null) {
    using T = std::remove_pointer_t<decltype(null)>;
    const T element = to_element<T>(value);
    for (T& e : mutable_view<T>()) e = element;
  });
}

Tensor& Tensor::set_requires_grad(bool on) {
  if (checked(impl_).node) {
    fail<Error>("set_requires_grad: ", *this, " is the result of an operation; expected a leaf");
  }
  if (on && !is_floating(dtype())) {
    fail<DTypeError>("set_requires_grad: ", *this, "; only floating tensors have gradients");
  }
  impl_->requires_grad = on;
  return *this;
}

Tensor Tensor::grad() const {
  return checked(impl_).grad;
}

void Tensor::set_grad(const Tensor& g) {
  if (g.defined() && (g.shape() != shape() || g.dtype() != dtype())) {
    fail<ShapeError>("set_grad: gradient ", g, " for tensor ", *this, "; expected the same");
  }
  (void)checked(impl_);
  impl_->grad = g;
}

#define TAXON_ELEMENT(T)                                             \
  template Tensor Tensor::from<T>(std::span<const T>, const Shape&); \
  template std::span<const T> Tensor::view<T>() const;               \
  template std::span<T> Tensor::mutable_view<T>();                   \
  template std::vector<T> Tensor::to_vector<T>() const;
TAXON_ELEMENT(float)
TAXON_ELEMENT(bf16)
TAXON_ELEMENT(std::uint8_t)
TAXON_ELEMENT(std::int32_t)
TAXON_ELEMENT(std::int64_t)
TAXON_ELEMENT(double)
#undef TAXON_ELEMENT

}  // namespace taxon
