// Freed blocks are kept in lists by size class, the last freed on top, because it may still lie in
// the caches of the processor; where none fits, the large ones of all lists go to a heap that joins
// and splits them.
#include "allocator.h"

#include <taxon/base/error.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>

namespace taxon {
namespace {

constexpr std::size_t kAlignment = 64;
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kLarge = SIZE_MAX;  // every block its own, so that its bounds are watched
#else
constexpr std::size_t kLarge = 1 << 20;  // from here on blocks come from the heap
#endif

}  // namespace

// Size classes: 64 bytes, then eight steps to each power of two (at most 1/8 of a block is unused);
// large blocks: granules of the heap.
std::size_t CachingAllocator::capacity_of(std::size_t bytes) {
  if (bytes <= kAlignment) return kAlignment;
  if (bytes >= kLarge) return (bytes + Heap::kGranule - 1) / Heap::kGranule * Heap::kGranule;
  const std::size_t step = std::max(kAlignment, std::bit_floor(bytes - 1) / 8);
  return (bytes + step - 1) / step * step;
}

void* CachingAllocator::take(std::size_t capacity) {
  const std::lock_guard lock(mutex_);
  void* block = from_cache(capacity);
  if (block == nullptr && capacity >= kLarge) block = from_heap(capacity);
  if (block == nullptr) block = from_system(capacity);
  stats_.cached -= capacity;
  stats_.live += capacity;
  stats_.peak = std::max(stats_.peak, stats_.live);
  return block;
}

void CachingAllocator::give(void* block, std::size_t capacity) noexcept {
  const std::lock_guard lock(mutex_);
  stats_.live -= capacity;
  stats_.cached += capacity;
  try {
    free_[capacity].push_back(block);
  } catch (const std::bad_alloc&) {
    discard(block, capacity);
  }
}

void CachingAllocator::release() {
  const std::lock_guard lock(mutex_);
  release_locked();
}

MemoryStats CachingAllocator::stats() {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void CachingAllocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  stats_.peak = stats_.live;
}

void* CachingAllocator::from_cache(std::size_t capacity) {
  const auto blocks = free_.find(capacity);
  if (blocks == free_.end() || blocks->second.empty()) return nullptr;
  void* block = blocks->second.back();
  blocks->second.pop_back();
  return block;
}

// std::bad_alloc where not even the heap's own notes find room is told as what it is.
void* CachingAllocator::from_heap(std::size_t capacity) try {
  if (void* block = heap_.take(capacity)) return block;
  for (auto size = free_.lower_bound(kLarge); size != free_.end(); ++size) {
    for (void* block : size->second) heap_.give(block);
    size->second.clear();
  }
  return heap_.take(capacity);
} catch (const std::bad_alloc&) {
  return nullptr;
}

void CachingAllocator::discard(void* block, std::size_t capacity) noexcept {
  if (capacity >= kLarge) return heap_.give(block);
  source_->release(block, capacity);
  stats_.cached -= capacity;
}

void* CachingAllocator::from_system(std::size_t capacity) {
  ++stats_.system_calls;
  void* block = fresh(capacity);
  if (block == nullptr) {
    release_locked();  // what is cached may be what is missing
    block = fresh(capacity);
  }
  if (block == nullptr) {
    fail<OutOfMemoryError>(source_->name(), ": out of memory: ", capacity, " bytes asked for, ",
                           stats_.live, " bytes in use by tensors", source_->room());
  }
  return block;
}

void* CachingAllocator::fresh(std::size_t capacity) try {
  if (capacity >= kLarge) {
    stats_.cached += heap_.grow(capacity);
    return heap_.take(capacity);
  }
  void* block = source_->allocate(capacity);
  if (block != nullptr) stats_.cached += capacity;
  return block;
} catch (const std::bad_alloc&) {
  return nullptr;
}

void CachingAllocator::release_locked() {
  for (auto& [capacity, blocks] : free_) {
    for (void* block : blocks) discard(block, capacity);
    blocks.clear();
  }
  stats_.cached -= heap_.release();
}

}  // namespace taxon
