// A build without CUDA has no CUDA backend.
#include <taxon/kernels/backend.h>

namespace taxon::kernels {

const Backend* cuda_backend() {
  return nullptr;
}

}  // namespace taxon::kernels
