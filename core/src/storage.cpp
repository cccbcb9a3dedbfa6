// The caching allocator: freed memory is kept and handed out again, so that a step whose shapes
// repeat asks nothing of the system. Freed blocks are kept in lists by size class, the last freed
// on top, because it may still lie in the caches of the processor; where none fits, the large ones
// of all lists go to a heap that joins and splits them.
#include <taxon/base/error.h>
#include <taxon/base/memory.h>
#include <taxon/core/storage.h>

#include "heap.h"

#include <algorithm>
#include <bit>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace taxon {
namespace {

constexpr std::size_t kAlignment = 64;
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kLarge = SIZE_MAX;  // every block its own, so that its bounds are watched
#else
constexpr std::size_t kLarge = 1 << 20;  // from here on blocks come from the heap
#endif

// Size classes: 64 bytes, then eight steps to each power of two (at most 1/8 of a block is unused);
// large blocks: granules of the heap.
std::size_t size_class(std::size_t bytes) {
  if (bytes <= kAlignment) return kAlignment;
  if (bytes >= kLarge) return (bytes + Heap::kGranule - 1) / Heap::kGranule * Heap::kGranule;
  const std::size_t step = std::max(kAlignment, std::bit_floor(bytes - 1) / 8);
  return (bytes + step - 1) / step * step;
}

class CpuAllocator {
 public:
  void* take(std::size_t capacity) {
    const std::lock_guard lock(mutex_);
    void* block = from_cache(capacity);
    if (block == nullptr && capacity >= kLarge) block = from_heap(capacity);
    if (block == nullptr) block = from_system(capacity);
    stats_.cached -= capacity;
    stats_.live += capacity;
    stats_.peak = std::max(stats_.peak, stats_.live);
    return block;
  }

  void give(void* block, std::size_t capacity) noexcept {
    const std::lock_guard lock(mutex_);
    stats_.live -= capacity;
    stats_.cached += capacity;
    try {
      free_[capacity].push_back(block);
    } catch (const std::bad_alloc&) {
      discard(block, capacity);
    }
  }

  void release() {
    const std::lock_guard lock(mutex_);
    release_locked();
  }

  MemoryStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

  void reset_peak() {
    const std::lock_guard lock(mutex_);
    stats_.peak = stats_.live;
  }

 private:
  void* from_cache(std::size_t capacity) {
    const auto blocks = free_.find(capacity);
    if (blocks == free_.end() || blocks->second.empty()) return nullptr;
    void* block = blocks->second.back();
    blocks->second.pop_back();
    return block;
  }

  // std::bad_alloc where not even the heap's own notes find room is told as what it is.
  void* from_heap(std::size_t capacity) try {
    if (void* block = heap_.take(capacity)) return block;
    for (auto size = free_.lower_bound(kLarge); size != free_.end(); ++size) {
      for (void* block : size->second) heap_.give(block);
      size->second.clear();
    }
    return heap_.take(capacity);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }

  void discard(void* block, std::size_t capacity) noexcept {
    if (capacity >= kLarge) return heap_.give(block);
    free_memory(block, capacity);
    stats_.cached -= capacity;
  }

  void* from_system(std::size_t capacity) {
    ++stats_.system_calls;
    void* block = fresh(capacity);
    if (block == nullptr) {
      release_locked();  // what is cached may be what is missing
      block = fresh(capacity);
    }
    if (block == nullptr) {
      fail<DeviceError>("cpu: out of memory: ", capacity, " bytes asked for, ", stats_.live,
                        " bytes in use by tensors");
    }
    return block;
  }

  void* fresh(std::size_t capacity) try {
    if (capacity >= kLarge) {
      stats_.cached += heap_.grow(capacity);
      return heap_.take(capacity);
    }
    void* block = allocate_memory(capacity);
    if (block != nullptr) stats_.cached += capacity;
    return block;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }

  void release_locked() {
    for (auto& [capacity, blocks] : free_) {
      for (void* block : blocks) discard(block, capacity);
      blocks.clear();
    }
    stats_.cached -= heap_.release();
  }

  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;  // by size class
  Heap heap_;
  MemoryStats stats_;
};

// Never destroyed: tensors in static variables may outlive every other static.
CpuAllocator& allocator(Device device) {
  if (!(device == cpu)) {
    fail<DeviceError>("device ", device, " is not available: this build has the cpu only");
  }
  static CpuAllocator* const instance = new CpuAllocator;
  return *instance;
}

}  // namespace

Storage::Storage(std::size_t bytes, Device device)
    : bytes_(bytes), capacity_(size_class(bytes)), device_(device) {
  data_ = allocator(device).take(capacity_);
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
  allocator(device_).give(data_, capacity_);
}

MemoryStats memory_stats(Device device) {
  return allocator(device).stats();
}
void reset_peak_memory(Device device) {
  allocator(device).reset_peak();
}
void release_cached_memory(Device device) {
  allocator(device).release();
}

}  // namespace taxon
