// The few words that nvcc and the shim share. A kernel is an ordinary __global__ function; what
// else differs between the two compilers stands here:
//
//   TAXON_LAUNCH(kernel, grid, block, exec, args...)   start a kernel; brackets around it if its
//                                                      name holds a comma
//   TAXON_SHARED(float, sums, 32);                     an array in the block's shared memory
//   SharedArray<float> s                               such an array as a parameter
//   load4(s, i), store4(s, i, v)                       four elements of it at once, i % 4 == 0
//   TAXON_UNROLL                                       before a loop: unroll it
//   grid_limit()                                       the most blocks of a grid-stride loop
#pragma once

#include <taxon/kernels/exec.h>

#ifdef __CUDACC__

#include <cuda_runtime.h>

#include "cuda/runtime.h"

#define TAXON_SHARED(type, name, count) __shared__ alignas(16) type name[count]
#define TAXON_UNROLL _Pragma("unroll")

namespace taxon::kernels::cuda {

template <class T>
using SharedArray = T*;

__device__ inline float4 load4(const float* from, int i) {
  return *reinterpret_cast<const float4*>(from + i);
}
__device__ inline void store4(float* to, int i, float4 v) {
  *reinterpret_cast<float4*>(to + i) = v;
}

/// Enough blocks of 256 threads to fill the largest GPU many times over; longer arrays loop.
inline int64_t grid_limit() {
  return 8192;
}

template <class... Parameters, class... Args>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block,
            const Exec& exec, const Args&... args) {
  use_device(exec.device);
  kernel<<<grid, block, 0, static_cast<cudaStream_t>(exec.stream)>>>(args...);
  check_launch(name);
}

}  // namespace taxon::kernels::cuda

#else

#include "cuda/shim/words.h"

#endif

#define TAXON_LAUNCH(kernel, grid, block, exec, ...) \
  ::taxon::kernels::cuda::launch(#kernel, kernel, grid, block, exec, __VA_ARGS__)
