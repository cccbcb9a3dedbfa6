// The memory behind tensors: a caching allocator per device, with counters, and storages that know
// how often they were written.
#pragma once

#include <taxon/base/callback.h>
#include <taxon/base/device.h>
#include <taxon/base/shape.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace taxon {

class CachingAllocator;

/// Bytes of one device's allocator. live: in use by tensors; cached: held beyond that for reuse (of
/// large segments, pages that were never touched take no memory); system_calls: how often memory
/// was asked of the system (stands still in a repeated training step).
struct MemoryStats {
  std::size_t live = 0, peak = 0, cached = 0;
  std::uint64_t system_calls = 0;
};
MemoryStats memory_stats(Device device = cpu);
void reset_peak_memory(Device device = cpu);
/// Gives cached memory back to the system.
void release_cached_memory(Device device = cpu);

/// A block of memory, 64-byte aligned. Copies of a Tensor share it.
class Storage {
 public:
  /// Throws DeviceError when the device cannot give `bytes`, with what is in use.
  Storage(std::size_t bytes, Device device);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  /// Counts writes in place; what autograd saved must not have changed when backward reads it.
  std::uint64_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

  /// What a kernel makes of the contents (weights transformed or packed for inference): `bytes` of
  /// memory that `make` fills the first time. `kernel`, the contents' shape and in how many groups
  /// they are used tell results apart; they are kept until one is asked for after the contents have
  /// changed. Threads that ask at the same time get the same result.
  const void* prepared(const void* kernel, const Shape& shape, std::int64_t groups,
                       std::size_t bytes, const Callback<void(void*)>& make);

 private:
  struct Prepared;
  void* data_ = nullptr;
  std::size_t bytes_ = 0, capacity_ = 0;
  Device device_;
  std::atomic<std::uint64_t> version_{0};
  std::unique_ptr<Prepared> prepared_;     // none for most
  std::shared_ptr<CachingAllocator> own_;  // of a recording (recording.h); null: the device's
};

}  // namespace taxon
