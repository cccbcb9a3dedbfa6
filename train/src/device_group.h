// Processes that train together, each on a GPU: what they sum stays there.
#pragma once

#include <taxon/core/group.h>

#include <memory>
#include <string>

namespace taxon {

/// The GPU of this process: the one asked for is the first process's of each machine, the next one
/// the second's. Throws DeviceError where there are fewer GPUs than processes.
Device own_device(const Group& group, Device asked);

/// The group with sums on `device`, different in each process, by the backend's collectives; all
/// else goes through `host`, which must outlive it. nullptr, in all processes alike, where one has
/// none: `why` says what is missing.
std::unique_ptr<Group> join_gpus(Group& host, Device device, std::string& why);

}  // namespace taxon
