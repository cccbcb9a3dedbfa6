// Whether a launcher of MPI started this process.
#pragma once

#include <cstdlib>

namespace taxon {

/// By the environment that Open MPI's and MPICH's launchers, and PMIx, set.
inline bool started_by_mpi() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"}) {
    if (std::getenv(name) != nullptr) return true;
  }
  return false;
}

}  // namespace taxon
