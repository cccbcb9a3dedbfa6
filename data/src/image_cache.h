// Decoded images kept in memory, up to a number of bytes. What is in stays in: epochs visit samples
// in ever new orders, in which no choice of what to drop would do better.
#pragma once

#include <taxon/data/image.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace taxon {

/// Thread-safe.
class ImageCache {
 public:
  explicit ImageCache(std::size_t bytes) : left_(bytes) {}
  /// nullptr if it is not in.
  std::shared_ptr<const Image> find(std::uint64_t key) const;
  /// Sets memory aside for an image of so many bytes, to be put in next; false if there is none.
  bool reserve(std::size_t bytes);
  void put(std::uint64_t key, std::shared_ptr<const Image> image);
  /// Takes back a reservation that came to nothing.
  void release(std::size_t bytes);

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<const Image>> images_;
  std::size_t left_;
};

}  // namespace taxon
