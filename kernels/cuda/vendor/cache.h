// What is kept from call to call: plans by what they were made for, and handles by device.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vendor.h"

namespace taxon::kernels::cuda::vendor {

using Key = std::vector<std::int64_t>;

struct KeyHash {
  std::size_t operator()(const Key& key) const {
    std::uint64_t h = 0x9E3779B97F4A7C15u;
    for (const std::int64_t v : key) h = (h ^ static_cast<std::uint64_t>(v)) * 0xD1B54A32D192ED03u;
    return static_cast<std::size_t>(h ^ (h >> 32));
  }
};

/// Values made once a key, the least recently used dropped beyond `most`. A value lives as long as
/// someone uses it. Making one key does not hold up the others.
template <class Value>
class Cache {
 public:
  explicit Cache(std::size_t most) : most_(most) {}

  template <class Make>
  std::shared_ptr<const Value> get(const Key& key, Make make) {
    const std::shared_ptr<Slot> slot = slot_of(key);
    std::call_once(slot->once, [&] { slot->value = make(); });
    return slot->value;
  }
  void clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    slots_.clear();
    order_.clear();
  }
  std::size_t size() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return slots_.size();
  }

 private:
  struct Slot {
    std::once_flag once;
    std::shared_ptr<const Value> value;
    std::list<Key>::iterator place;
  };

  std::shared_ptr<Slot> slot_of(const Key& key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = slots_.find(key);
    if (found != slots_.end()) {
      order_.splice(order_.begin(), order_, found->second->place);
      return found->second;
    }
    order_.push_front(key);
    auto slot = std::make_shared<Slot>();
    slot->place = order_.begin();
    slots_[key] = slot;
    if (order_.size() > most_) {
      slots_.erase(order_.back());
      order_.pop_back();
    }
    return slot;
  }

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::unordered_map<Key, std::shared_ptr<Slot>, KeyHash> slots_;
  std::list<Key> order_;  ///< most recently used first
};

/// What release() does for a part of this library: registered once, when the part is first used.
void on_release(void (*drop)());

/// The hooks of set_devices; null members where it was not called.
const Devices& devices();
/// That of set_column_sums; null members where it was not called.
const ColumnSums& column_sums();

/// Why rows of this library and type decline on the current device; nullptr: they need not.
const char* unusable(const char* absence, bool bf16);

}  // namespace taxon::kernels::cuda::vendor
