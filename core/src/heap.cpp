#include "heap.h"

#include <algorithm>
#include <iterator>
#include <new>

namespace taxon {
namespace {

constexpr std::size_t kSegment = 256 << 20;
constexpr std::size_t kHugePage = 2 << 20;

/// An entry in no set.
template <class Set>
typename Set::node_type new_entry() {
  Set one;
  return one.extract(one.insert(typename Set::value_type{}).first);
}

}  // namespace

void* Heap::take(std::size_t bytes) {
  const auto found = free_.lower_bound({bytes, nullptr});
  if (found == free_.end()) return nullptr;
  const auto block = blocks_.find(found->second);
  const std::size_t left = block->second.size - bytes;
  if (left > 0) {
    BySize::node_type entry = new_entry<BySize>();
    const auto rest = blocks_.emplace(block->first + bytes, Block{left}).first;
    add_free(rest, std::move(entry));
  }
  block->second.entry = remove_free(block);
  block->second.size = bytes;
  return block->first;
}

std::size_t Heap::grow(std::size_t bytes) {
  const std::size_t least = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  BySize::node_type entry = new_entry<BySize>();
  for (const std::size_t size : {std::max(kSegment, least), least}) {
    void* memory = source_.allocate(size);
    if (memory == nullptr) continue;
    try {
      const auto block = blocks_.emplace(static_cast<char*>(memory), Block{size, true}).first;
      add_free(block, std::move(entry));
    } catch (const std::bad_alloc&) {
      source_.release(memory, size);
      return 0;
    }
    return size;
  }
  return 0;
}

void Heap::give(void* memory) noexcept {
  auto block = blocks_.find(static_cast<char*>(memory));
  BySize::node_type entry = std::move(block->second.entry);
  const auto next = std::next(block);
  if (next != blocks_.end() && next->second.free() && !next->second.first) {
    remove_free(next);
    block->second.size += next->second.size;
    blocks_.erase(next);
  }
  if (!block->second.first && std::prev(block)->second.free()) {
    const auto before = std::prev(block);
    remove_free(before);
    before->second.size += block->second.size;
    blocks_.erase(block);
    block = before;
  }
  add_free(block, std::move(entry));
}

std::size_t Heap::release() noexcept {
  std::size_t released = 0;
  for (auto block = blocks_.begin(); block != blocks_.end();) {
    const auto next = std::next(block);
    const bool whole = block->second.first && (next == blocks_.end() || next->second.first);
    if (block->second.free() && whole) {
      remove_free(block);
      source_.release(block->first, block->second.size);
      released += block->second.size;
      blocks_.erase(block);
    } else if (block->second.free()) {
      source_.discard(block->first, block->second.size);
    }
    block = next;
  }
  return released;
}

Heap::BySize::node_type Heap::remove_free(Blocks::iterator block) {
  return free_.extract({block->second.size, block->first});
}

/// `entry` is of no set, and the block's own is empty.
void Heap::add_free(Blocks::iterator block, BySize::node_type entry) noexcept {
  entry.value() = {block->second.size, block->first};
  free_.insert(std::move(entry));
}

}  // namespace taxon
