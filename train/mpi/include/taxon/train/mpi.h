// Processes started by MPI (mpirun -np 4 taxon train ...) as a group that trains together.
#pragma once

#include <taxon/core/group.h>

#include <memory>
#include <string>

namespace taxon {

/// Joins the processes that a launcher of MPI started with this one; nullptr where it was started
/// alone, or the build is without MPI (then, if a launcher did start it, `warning` says so). Once a
/// process.
std::unique_ptr<Group> join_mpi(std::string& warning);

/// Ends the job with this exit code, the other processes too: for a process that cannot go on.
[[noreturn]] void end_mpi(int code);

}  // namespace taxon
