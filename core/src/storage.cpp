// Storages: memory of a device's allocator, and what kernels prepared from it.
#include <taxon/core/storage.h>

#include "recorder.h"

#include <mutex>
#include <vector>

namespace taxon {

Storage::Storage(std::size_t bytes, Device device)
    : bytes_(bytes), capacity_(CachingAllocator::capacity_of(bytes)), device_(device) {
  if (const Recorder* records = recorder_of(device)) own_ = records->memory;
  data_ = (own_ ? *own_ : allocator_of(device)).take(capacity_);
}
struct Storage::Prepared {
  struct Result {
    const void* kernel;
    Shape shape;
    std::int64_t groups;
    std::uint64_t version;
    std::unique_ptr<Storage> memory;
  };
  std::vector<Result> results;

  const void* find(const void* kernel, const Shape& shape, std::int64_t groups,
                   std::uint64_t version) {
    std::erase_if(results, [&](const Result& r) { return r.version != version; });
    for (const Result& r : results) {
      if (r.kernel == kernel && r.groups == groups && r.shape == shape) return r.memory->data();
    }
    return nullptr;
  }
};

// One lock for all storages. Results are made without it: that runs a parallel loop, and an
// embedder's executor may run a task on this thread that wants something prepared as well.
const void* Storage::prepared(const void* kernel, const Shape& shape, std::int64_t groups,
                              std::size_t bytes, const Callback<void(void*)>& make) {
  static std::mutex mutex;
  const std::uint64_t now = version();
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!prepared_) prepared_ = std::make_unique<Prepared>();
    if (const void* found = prepared_->find(kernel, shape, groups, now)) return found;
  }
  auto memory = std::make_unique<Storage>(bytes, device_);
  make(memory->data());
  const std::lock_guard<std::mutex> lock(mutex);
  if (const void* found = prepared_->find(kernel, shape, groups, now)) return found;
  prepared_->results.push_back({kernel, shape, groups, now, std::move(memory)});
  return prepared_->results.back().memory->data();
}

Storage::~Storage() {
  (own_ ? *own_ : allocator_of(device_)).give(data_, capacity_);
}

MemoryStats memory_stats(Device device) {
  return allocator_of(device).stats();
}
void reset_peak_memory(Device device) {
  allocator_of(device).reset_peak();
}
void release_cached_memory(Device device) {
  allocator_of(device).release();
}

}  // namespace taxon
