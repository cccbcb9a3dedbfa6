// The device under test: a real GPU, or, where the suite is built for it, the one that runs on the
// CPU. Without either the suite is skipped with a line that says why.
#define CATCH_CONFIG_RUNNER
#include <taxon/core/devices.h>

#include <cstdio>
#include <string>

#include "catch.h"

#if defined(TAXON_CUDA_SHIM)
#include "cuda/shim/backend.h"
#endif

int main(int argc, char** argv) {
#if defined(TAXON_CUDA_SHIM)
  taxon::replace_cuda_backend(taxon::kernels::cuda::shim::backend());
#endif
  std::string why;
  if (!taxon::is_available({taxon::DeviceType::cuda, 0}, &why)) {
    std::printf("SKIPPED: no test of a GPU was run: %s\n", why.c_str());
    return 77;
  }
  return Catch::Session().run(argc, argv);
}
