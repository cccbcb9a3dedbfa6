// See nccl_sums.h.
#include "nccl_sums.h"

#include <taxon/base/error.h>

#include <cstring>
#include <memory>

#include "loading.h"

namespace taxon::kernels::cuda::vendor {
namespace {

constexpr const char* kNames[] = {"libnccl.so.2", "libnccl.so"};
constexpr std::size_t kLeast = 21400;  // 2.14: errors have texts of their own

static_assert(Collectives::id_bytes == NCCL_UNIQUE_ID_BYTES);

Loading<Nccl>& loading() {
  static Loading<Nccl> it;
  return it;
}
const Nccl* nccl() {
  return in_use(loading(), [](Nccl* to) { return load_nccl(kNames, std::size(kNames), to); });
}

Streams g_streams = {};

// With `of`, the last message of that communicator.
void check(ncclResult_t result, const char* call, ncclComm_t of = nullptr) {
  if (result == ncclSuccess) return;
  const Nccl* n = nccl();
  const char* last = n->last_error(of);
  fail<DeviceError>(call, ": ", n->error_string(result), " (", static_cast<int>(result), ")",
                    last != nullptr && *last != '\0' ? text(": ", last) : std::string());
}

ncclDataType_t type_of(Type type) {
  switch (type) {
    case Type::f32:
      return ncclFloat32;
    case Type::f64:
      return ncclFloat64;
    case Type::i64:
      return ncclInt64;
    default:
      fail<DeviceError>("a sum over GPUs: expected f32, f64 or i64");
  }
}

/// This process in its group.
struct Member {
  Member() = default;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  ~Member() {
    // Sums that nobody waited for may wait for a process that is gone.
    if (comm != nullptr) (running ? nccl()->abort : nccl()->destroy)(comm);
    if (ready != nullptr) g_streams.free_event(ready);
    if (done != nullptr) g_streams.free_event(done);
    if (stream != nullptr) g_streams.free_stream(stream);
  }

  int device = 0;
  ncclComm_t comm = nullptr;
  void *stream = nullptr, *ready = nullptr, *done = nullptr;
  bool running = false;
};

Member& member_of(void* member) {
  return *static_cast<Member*>(member);
}

const char* absence() {
  if (nccl() == nullptr) return loading().absence;
  return g_streams.use == nullptr ? "NCCL: no CUDA runtime was set" : nullptr;
}

void make_id(unsigned char* id) {
  ncclUniqueId made;
  check(nccl()->unique_id(&made), "ncclGetUniqueId");
  std::memcpy(id, made.internal, sizeof(made.internal));
}

void* join(int device, const unsigned char* id, int rank, int size) {
  auto member = std::make_unique<Member>();
  member->device = device;
  g_streams.use(device);
  ncclUniqueId given;
  std::memcpy(given.internal, id, sizeof(given.internal));
  check(nccl()->init_rank(&member->comm, size, given, rank), "ncclCommInitRank");
  member->stream = g_streams.new_stream();
  member->ready = g_streams.new_event();
  member->done = g_streams.new_event();
  return member.release();
}

void leave(void* member) {
  delete static_cast<Member*>(member);
}

void start_sum(void* member, void* values, size_t count, Type type, void* stream) {
  Member& m = member_of(member);
  const ncclDataType_t nccl_type = type_of(type);
  g_streams.use(m.device);
  g_streams.record(m.ready, stream);
  g_streams.wait(m.stream, m.ready);
  m.running = true;
  check(nccl()->all_reduce(values, values, count, nccl_type, ncclSum, m.comm,
                           static_cast<cudaStream_t>(m.stream)),
        "ncclAllReduce", m.comm);
}

void wait(void* member, void* stream) {
  Member& m = member_of(member);
  ncclResult_t since = ncclSuccess;  // what went wrong in the background
  check(nccl()->async_error(m.comm, &since), "ncclCommGetAsyncError", m.comm);
  check(since, "NCCL", m.comm);
  g_streams.use(m.device);
  g_streams.record(m.done, m.stream);
  g_streams.wait(stream, m.done);
  m.running = false;
}

constexpr Collectives collectives = {absence, make_id, join, leave, start_sum, wait};

}  // namespace

template <>
std::size_t version_of(const Nccl& functions) {
  int version = 0;
  return functions.version(&version) == ncclSuccess ? static_cast<std::size_t>(version) : 0;
}

Loaded load_nccl(const char* const* names, int count, Nccl* to) {
  return load("NCCL 2", kLeast, names, count, to, [](void* library, Nccl& f, std::string& missing) {
#define TAXON_FIND(member, function) find(library, #function, f.member, missing);
    TAXON_NCCL_FUNCTIONS(TAXON_FIND)
#undef TAXON_FIND
  });
}

void use_nccl(const Nccl* functions, const char* absence) {
  put(loading(), functions, absence);
}

void set_streams(const Streams& streams) {
  g_streams = streams;
}

const Collectives& nccl_collectives() {
  return collectives;
}

}  // namespace taxon::kernels::cuda::vendor
