// The caching allocator: freed memory is kept and handed out again, so that a step whose shapes
// repeat asks nothing of the system.
#pragma once

#include <taxon/core/storage.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "heap.h"
#include "memory_source.h"

namespace taxon {

/// Of one device; safe for threads. On a GPU a freed block may still be read by kernels that were
/// launched before: whoever gets it next uses it in the same stream, so after them.
class CachingAllocator {
 public:
  explicit CachingAllocator(std::unique_ptr<MemorySource> source)
      : source_(std::move(source)), heap_(*source_) {}
  /// All blocks are back.
  ~CachingAllocator() { release_locked(); }
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  /// What a block for `bytes` holds.
  static std::size_t capacity_of(std::size_t bytes);

  /// Throws DeviceError if there is no memory, with what is in use.
  void* take(std::size_t capacity);
  void give(void* block, std::size_t capacity) noexcept;
  /// What is cached goes back to the system.
  void release();
  MemoryStats stats();
  void reset_peak();

 private:
  void* from_cache(std::size_t capacity);
  void* from_heap(std::size_t capacity);
  void* from_system(std::size_t capacity);
  void* fresh(std::size_t capacity);
  void discard(void* block, std::size_t capacity) noexcept;
  void release_locked();

  std::unique_ptr<MemorySource> source_;
  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;  // by size class
  Heap heap_;
  MemoryStats stats_;
};

/// The device's own, never destroyed. Throws DeviceError if there is no such device.
CachingAllocator& allocator_of(Device device);

}  // namespace taxon
