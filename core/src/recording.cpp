// See recording.h.
#include <taxon/base/error.h>
#include <taxon/core/dispatch.h>
#include <taxon/core/recording.h>

#include <utility>

#include "recorder.h"

namespace taxon {

constinit thread_local Recorder* recorder = nullptr;

struct Recording::Recorded {
  const Device device;
  const kernels::Backend& backend;
  std::shared_ptr<CachingAllocator> memory;
  void* graph = nullptr;

  ~Recorded() {
    if (graph == nullptr) return;
    try {
      // Its memory may go to others as soon as this returns.
      backend.synchronize(device.index, backend.stream(device.index));
    } catch (const DeviceError&) {
      // the device is gone, and what ran on it
    }
    backend.free_recording(graph);
  }
};

bool Recording::possible(Device device) {
  return !(device == cpu) && backend_of(device).start_recording != nullptr;
}

Recording::Recording(Device device, const Callback<void()>& work) {
  if (!possible(device)) fail<DeviceError>("recording: ", device, " cannot record");
  if (recorder != nullptr) fail<DeviceError>("recording: this thread records already");
  const kernels::Backend& backend = backend_of(device);
  release_cached_memory(device);  // the recording's own is taken anew
  recorded_ = std::make_unique<Recorded>(
      Recorded{device, backend, std::make_shared<CachingAllocator>(memory_source(device))});
  Recorder own{device, backend.start_recording(device.index), recorded_->memory, nullptr};
  recorder = &own;
  try {
    work();
  } catch (...) {
    recorder = nullptr;
    try {
      backend.free_recording(backend.end_recording(device.index, own.stream));
    } catch (const DeviceError&) {
      // what went wrong first is what is told
    }
    throw;
  }
  recorder = nullptr;
  recorded_->graph = backend.end_recording(device.index, own.stream);
}

Recording::~Recording() = default;

void Recording::repeat() {
  const kernels::Backend& b = recorded_->backend;
  const int device = recorded_->device.index;
  b.repeat(device, recorded_->graph, b.stream(device));
}

void refuse_recording(Device device, std::string_view what) {
  if (recorder_of(device) == nullptr) return;
  fail<DeviceError>("recording on ", device, ": ", what, ", which cannot be repeated as it is");
}

}  // namespace taxon
