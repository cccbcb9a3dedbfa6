// What a program sets once for the rows of cuDNN and cuBLASLt: how devices are asked about, and the
// switches of numerical freedom. No header of CUDA is needed here.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels::cuda::vendor {

/// The CUDA runtime, as far as these rows need it. Without it they decline. The device of a call's
/// arguments is current when its row is asked whether it declines and for its scratch memory.
struct Devices {
  int (*current)();               ///< the calling thread's device
  void (*use)(int device);        ///< makes it the calling thread's
  int (*capability)(int device);  ///< 10 * major + minor, as 80 for sm_80
};
void set_devices(const Devices& devices);

/// Our own kernel for the sums of the columns of x [rows, cols], given as f32 whatever x is, added
/// in a fixed order: the gradient of a convolution's bias. Without it that is a graph of cuDNN's,
/// which as of 9.19 does not compile where sums must be the same in every run; then the row
/// declines.
struct ColumnSums {
  size_t (*scratch)(Type type, int64_t rows, int64_t cols);  ///< bytes; may be null: none
  void (*run)(Type type, int64_t rows, int64_t cols, const void* x, void* sums, const Exec& exec);
};
void set_column_sums(const ColumnSums& sums);

/// Algorithms whose results may differ between two runs are allowed. Off at first.
void set_fast(bool on);
bool fast();
/// f32 products may round their factors to TF32 (10 bits). Off at first.
void set_tf32(bool on);
bool tf32();

/// Why a library's rows decline everything ("libcudnn.so.9 not found: ..."); nullptr: it is there.
const char* cudnn_absence();
const char* cublaslt_absence();

/// Destroys all plans and handles. For the end of a program, while no row runs.
void release();

}  // namespace taxon::kernels::cuda::vendor
