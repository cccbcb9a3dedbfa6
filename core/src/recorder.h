// What a thread that records work for a GPU (recording.h) uses in place of the device's own.
#pragma once

#include <taxon/core/storage.h>

#include <memory>

#include "allocator.h"

namespace taxon {

struct Recorder {
  const Device device;
  void* const stream;                              ///< where work is recorded, not done
  const std::shared_ptr<CachingAllocator> memory;  ///< of tensors made while recording
  std::unique_ptr<Storage> scratch;                ///< of kernels
};

/// The calling thread's; nullptr: it records nothing.
extern constinit thread_local Recorder* recorder;

inline Recorder* recorder_of(Device device) {
  return recorder != nullptr && recorder->device == device ? recorder : nullptr;
}

/// Where allocators of this device get their memory. Throws DeviceError if there is no such device.
std::unique_ptr<MemorySource> memory_source(Device device);

}  // namespace taxon
