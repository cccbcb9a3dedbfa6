// Where a caching allocator gets the memory of one device from.
#pragma once

#include <cstddef>
#include <string>

namespace taxon {

class MemorySource {
 public:
  virtual ~MemorySource() = default;
  /// At least 64-byte aligned; nullptr if there is no memory. Throws DeviceError if the device
  /// failed, at this call or before.
  virtual void* allocate(std::size_t bytes) const = 0;
  virtual void release(void* memory, std::size_t bytes) const noexcept = 0;
  /// The contents of these pages are not needed any more; they can still be used.
  virtual void discard(void* /*memory*/, std::size_t /*bytes*/) const noexcept {}
  /// For a message: the device's name, and what it has free ("; 3 GiB of 80 GiB free"), or nothing.
  virtual std::string name() const = 0;
  virtual std::string room() const { return ""; }
};

}  // namespace taxon
