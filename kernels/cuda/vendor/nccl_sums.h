// Sums over GPUs by NCCL, which is found at run time as cuDNN is. Its sums run in a stream of their
// own, beside the computation.
#pragma once

#include <nccl.h>
#include <taxon/kernels/collectives.h>

#include "library.h"

namespace taxon::kernels::cuda::vendor {

#define TAXON_NCCL_FUNCTIONS(X)         \
  X(version, ncclGetVersion)            \
  X(error_string, ncclGetErrorString)   \
  X(last_error, ncclGetLastError)       \
  X(unique_id, ncclGetUniqueId)         \
  X(init_rank, ncclCommInitRank)        \
  X(destroy, ncclCommDestroy)           \
  X(abort, ncclCommAbort)               \
  X(async_error, ncclCommGetAsyncError) \
  X(all_reduce, ncclAllReduce)

struct Nccl {
#define TAXON_MEMBER(member, function) decltype(&::function) member = nullptr;
  TAXON_NCCL_FUNCTIONS(TAXON_MEMBER)
#undef TAXON_MEMBER
};

/// Streams and events of the CUDA runtime; they throw DeviceError, but for those that free.
struct Streams {
  void (*use)(int device);  ///< makes it the calling thread's
  void* (*new_stream)();    ///< of the thread's device, as the next
  void* (*new_event)();
  void (*record)(void* event, void* stream);
  void (*wait)(void* stream, void* event);  ///< what is given to the stream later waits
  void (*free_stream)(void* stream);        ///< when it is done
  void (*free_event)(void* event);
};
/// Before the first sum; without it absence() says so.
void set_streams(const Streams& streams);

/// What Backend::collectives gives.
const Collectives& nccl_collectives();

/// For tests: these functions (or the absence of any) from now on, and what loading gives.
void use_nccl(const Nccl* functions, const char* absence = "absent in this test");
Loaded load_nccl(const char* const* names, int count, Nccl* to);

}  // namespace taxon::kernels::cuda::vendor
