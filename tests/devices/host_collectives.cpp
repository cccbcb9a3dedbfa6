// Sums over several processes' devices, where the processes are threads and the devices are the
// host's memory.
#include <taxon/base/error.h>
#include <taxon/kernels/collectives.h>

#include <cstring>
#include <memory>
#include <vector>

#include "host_backend.h"
#include "meeting.h"

namespace taxon::test {
namespace {

using kernels::Type;

struct Shared {
  explicit Shared(int size) : meeting(size), values(static_cast<std::size_t>(size)) {}
  Meeting meeting;
  std::vector<const void*> values;
};
Shared* shared = nullptr;  // one group at a time

struct Member {
  int rank;
  bool running = false;
};

template <class T>
void sum(void* to, std::size_t count) {
  std::vector<T> sums(count, T(0));
  for (const void* from : shared->values)
    for (std::size_t i = 0; i < count; ++i) sums[i] += static_cast<const T*>(from)[i];
  shared->meeting.meet();  // all have read
  std::memcpy(to, sums.data(), count * sizeof(T));
}

void* join(int, const unsigned char* id, int rank, int) {
  if (std::string(reinterpret_cast<const char*>(id)) != "a group") fail<DeviceError>("join: id");
  shared->meeting.meet();
  return new Member{rank};
}

void start_sum(void* member, void* values, std::size_t count, Type type, void*) {
  auto& m = *static_cast<Member*>(member);
  m.running = true;
  shared->values[static_cast<std::size_t>(m.rank)] = values;
  shared->meeting.meet();
  if (type == Type::f32) return sum<float>(values, count);
  if (type == Type::f64) return sum<double>(values, count);
  fail<DeviceError>("start_sum: type");
}

constexpr kernels::Collectives collectives = {
    [] { return host_collectives_absence; },
    [](unsigned char* id) { std::memcpy(id, "a group", sizeof("a group")); },
    join,
    [](void* member) { delete static_cast<Member*>(member); },
    start_sum,
    [](void* member, void*) { static_cast<Member*>(member)->running = false; }};

}  // namespace

const char* host_collectives_absence = nullptr;

const kernels::Collectives& host_collectives() {
  return collectives;
}

HostCollectives::HostCollectives(int size) {
  shared = new Shared(size);
}
HostCollectives::~HostCollectives() {
  delete shared;
  shared = nullptr;
}

}  // namespace taxon::test
