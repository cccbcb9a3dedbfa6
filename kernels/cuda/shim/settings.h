// How the shim runs kernels, and its backend.
#pragma once

#include <taxon/kernels/backend.h>

#include <cstdint>

namespace taxon::shim {

struct Settings {
  std::uint64_t seed = 1;          ///< of the order of blocks and threads
  std::int64_t grid_limit = 8192;  ///< the most blocks of a grid-stride loop; few: it loops
  int host_threads = 1;            ///< blocks that run at once
};
/// Those in force; tests change them between launches.
Settings& settings();

/// The CUDA backend on the CPU: the same tables, device memory on the host. Memory that is fresh is
/// NaN (0xFF); guard zones around each piece are checked when it is released.
const kernels::Backend* backend();

/// How often release has found a guard zone overwritten, since the program began.
int overruns();

}  // namespace taxon::shim
