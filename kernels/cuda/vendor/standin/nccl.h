// A stand-in for NCCL: the members of a group are threads of this process, and sums are formed on
// the CPU when all of them have come.
#pragma once

#include "nccl_sums.h"

namespace taxon::kernels::cuda::vendor::standin {

extern const Nccl nccl_functions;

/// Communicators that were made and neither destroyed nor aborted, and how many were aborted.
int live_communicators();
int aborted_communicators();
/// What async_error of every communicator says from now on, and what version says.
void set_async_error(ncclResult_t result);
void set_nccl_version(int version);

}  // namespace taxon::kernels::cuda::vendor::standin
