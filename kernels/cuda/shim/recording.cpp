// See recording.h. The stream that records is the list of its work.
#include "cuda/shim/recording.h"

#include <taxon/base/error.h>

#include <memory>
#include <mutex>
#include <set>

#include "cuda/runtime.h"

namespace taxon {
namespace {

struct Open {
  std::mutex mutex;
  std::set<void*> streams;
};
Open& open() {
  static Open all;
  return all;
}

}  // namespace

shim::Work* shim::recorded_at(void* stream) {
  Open& all = open();
  const std::lock_guard lock(all.mutex);
  return all.streams.contains(stream) ? static_cast<Work*>(stream) : nullptr;
}

namespace kernels::cuda {

void* start_recording(int device) {
  use_device(device);
  auto work = std::make_unique<shim::Work>();
  Open& all = open();
  const std::lock_guard lock(all.mutex);
  all.streams.insert(work.get());
  return work.release();
}

void* end_recording(int device, void* recording_stream) {
  use_device(device);
  Open& all = open();
  const std::lock_guard lock(all.mutex);
  if (all.streams.erase(recording_stream) == 0)
    fail<DeviceError>("end_recording: a stream that does not record");
  return recording_stream;
}

void repeat(int device, void* recorded, void*) {
  use_device(device);
  for (const auto& work : *static_cast<const shim::Work*>(recorded)) work();
}

void free_recording(void* recorded) {
  delete static_cast<shim::Work*>(recorded);
}

}  // namespace kernels::cuda
}  // namespace taxon
