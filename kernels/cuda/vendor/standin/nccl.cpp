// See nccl.h.
#include "standin/nccl.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "meeting.h"

namespace taxon::kernels::cuda::vendor::standin {
namespace {

using taxon::test::Meeting;

struct Group {
  explicit Group(int size) : meeting(size), parts(static_cast<std::size_t>(size)) {}
  struct Part {
    const void* values = nullptr;
    std::size_t count = 0;
    ncclDataType_t type = ncclFloat32;
  };
  Meeting meeting;
  std::vector<Part> parts;
};

std::mutex groups_mutex;
std::map<std::string, std::weak_ptr<Group>> groups;
std::atomic<int> ids{0}, live{0}, aborted{0}, version{22809};
std::atomic<ncclResult_t> asynchronous{ncclSuccess};

}  // namespace
}  // namespace taxon::kernels::cuda::vendor::standin

// What nccl.h leaves open.
struct ncclComm {
  std::shared_ptr<taxon::kernels::cuda::vendor::standin::Group> group;
  int rank;
};

namespace taxon::kernels::cuda::vendor::standin {
namespace {

ncclResult_t get_version(int* out) {
  *out = version;
  return ncclSuccess;
}
const char* error_string(ncclResult_t result) {
  return result == ncclInvalidArgument ? "invalid argument" : "remote process exited";
}
const char* last_error(ncclComm_t) {
  return "said by the stand-in";
}

ncclResult_t unique_id(ncclUniqueId* id) {
  *id = {};
  const std::string name = "group " + std::to_string(++ids);
  std::copy(name.begin(), name.end(), id->internal);
  return ncclSuccess;
}

ncclResult_t init_rank(ncclComm_t* comm, int size, ncclUniqueId id, int rank) {
  if (rank < 0 || rank >= size) return ncclInvalidArgument;
  std::shared_ptr<Group> group;
  {
    const std::lock_guard lock(groups_mutex);
    group = groups[id.internal].lock();
    if (group == nullptr) groups[id.internal] = group = std::make_shared<Group>(size);
  }
  group->meeting.meet();
  *comm = new ncclComm{group, rank};
  ++live;
  return ncclSuccess;
}

ncclResult_t destroy(ncclComm_t comm) {
  delete comm;
  --live;
  return ncclSuccess;
}
ncclResult_t abort_it(ncclComm_t comm) {
  ++aborted;
  return destroy(comm);
}
ncclResult_t async_error(ncclComm_t, ncclResult_t* out) {
  *out = asynchronous;
  return ncclSuccess;
}

template <class T>
void sum_into(const Group& group, T* out) {
  std::vector<T> sums(group.parts[0].count, 0);
  for (const Group::Part& part : group.parts)
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<const T*>(part.values)[i];
  std::copy(sums.begin(), sums.end(), out);
}

ncclResult_t all_reduce(const void* from, void* to, std::size_t count, ncclDataType_t type,
                        ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  Group& group = *comm->group;
  group.parts[static_cast<std::size_t>(comm->rank)] = {from, count, type};
  group.meeting.meet();
  bool alike = op == ncclSum && stream != nullptr;
  for (const Group::Part& p : group.parts) alike = alike && p.count == count && p.type == type;
  std::vector<std::int64_t> sums(count);  // of eight bytes each, the widest
  if (alike && type == ncclFloat32) sum_into(group, reinterpret_cast<float*>(sums.data()));
  if (alike && type == ncclFloat64) sum_into(group, reinterpret_cast<double*>(sums.data()));
  if (alike && type == ncclInt64) sum_into(group, sums.data());
  group.meeting.meet();  // all have read
  if (!alike) return ncclInvalidArgument;
  std::memcpy(to, sums.data(), count * (type == ncclFloat32 ? 4 : 8));
  return ncclSuccess;
}

}  // namespace

const Nccl nccl_functions = {get_version, error_string, last_error,  unique_id, init_rank,
                             destroy,     abort_it,     async_error, all_reduce};

int live_communicators() {
  return live;
}
int aborted_communicators() {
  return aborted;
}
void set_async_error(ncclResult_t result) {
  asynchronous = result;
}
void set_nccl_version(int number) {
  version = number;
}

}  // namespace taxon::kernels::cuda::vendor::standin
