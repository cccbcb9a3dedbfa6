#include <taxon/core/dispatch.h>

namespace taxon {

constinit thread_local KernelObserver* kernel_observer = nullptr;

kernels::Type kernel_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return kernels::Type::f32;
    case DType::f64:
      return kernels::Type::f64;
    case DType::bf16:
      return kernels::Type::bf16;
    case DType::u8:
      return kernels::Type::u8;
    case DType::i32:
      return kernels::Type::i32;
    case DType::i64:
      return kernels::Type::i64;
  }
  return kernels::Type::f32;
}

kernels::Type float_type(std::string_view op, DType dtype) {
  if (dtype != DType::f32 && dtype != DType::f64) {
    fail<DTypeError>(op, ": dtype ", dtype, " is not supported; expected f32 (or f64)");
  }
  return kernel_type(dtype);
}

}  // namespace taxon
