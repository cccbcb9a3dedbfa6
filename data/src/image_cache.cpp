// The cache of decoded images, and how much memory it may take.
#include "image_cache.h"

#include <taxon/base/error.h>
#include <taxon/data/loader.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>

namespace taxon {
namespace {

// What an entry takes besides its pixels, about.
constexpr std::size_t entry_bytes = 160;

// The first number in a file, or `otherwise`.
std::size_t number_in(const char* path, std::size_t otherwise) {
  std::ifstream file(path);
  std::size_t value = 0;
  return file >> value ? value : otherwise;
}

// Memory that can be had without pushing out what others use; 2 GiB where the system does not tell.
std::size_t free_memory_now() {
  std::size_t bytes = std::size_t{2} << 30;
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("MemAvailable:")) {
      bytes = std::strtoull(line.c_str() + 13, nullptr, 10) << 10;
    }
  }
  // A container's own limit ("max" reads as none).
  constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  const std::size_t limit = number_in("/sys/fs/cgroup/memory.max", none);
  const std::size_t used = number_in("/sys/fs/cgroup/memory.current", 0);
  return std::min(bytes, limit - std::min(limit, used));
}

}  // namespace

std::shared_ptr<const Image> ImageCache::find(std::uint64_t key) const {
  const std::lock_guard lock(mutex_);
  const auto hit = images_.find(key);
  return hit == images_.end() ? nullptr : hit->second;
}

bool ImageCache::reserve(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes + entry_bytes > left_) {
    return false;
  }
  left_ -= bytes + entry_bytes;
  return true;
}

void ImageCache::put(std::uint64_t key, std::shared_ptr<const Image> image) {
  const std::size_t bytes = image->bytes();
  const std::lock_guard lock(mutex_);
  if (!images_.emplace(key, std::move(image)).second) {
    left_ += bytes + entry_bytes;  // another thread was faster
  }
}

void ImageCache::release(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  left_ += bytes + entry_bytes;
}

std::size_t default_cache_bytes() {
  const char* asked = std::getenv("TAXON_CACHE_MB");
  if (asked == nullptr || *asked == '\0') {
    return free_memory_now() / 4;
  }
  char* end = nullptr;
  const long long mb = std::strtoll(asked, &end, 10);
  if (*end != '\0' || mb < 0 || mb > (1LL << 40)) {
    fail<OptionError>("TAXON_CACHE_MB is '", asked, "', expected a number of 0 or more");
  }
  return static_cast<std::size_t>(mb) << 20;
}

}  // namespace taxon
