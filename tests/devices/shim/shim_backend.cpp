// The device under test is that of the shim: our CUDA kernels on the CPU (kernels/cuda/shim).
#include <taxon/core/devices.h>

#include "cuda/shim/settings.h"

namespace taxon {
namespace {

// Before main(), and before any tensor.
const bool installed = [] {
  replace_cuda_backend(shim::backend());
  return true;
}();

}  // namespace
}  // namespace taxon
