// A build without MPI.
#include <taxon/train/mpi.h>

#include "started.h"

namespace taxon {

std::unique_ptr<Group> join_mpi(std::string& warning) {
  if (started_by_mpi()) {
    warning = "this build is without MPI (-DTAXON_MPI=ON): each process does all of the work";
  }
  return nullptr;
}

void end_mpi(int code) {
  std::exit(code);
}

}  // namespace taxon
