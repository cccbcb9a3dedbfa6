#include "heap.h"

#include <taxon/base/memory.h>

#include <algorithm>
#include <iterator>

namespace taxon {
namespace {

constexpr std::size_t kSegment = 256 << 20;
constexpr std::size_t kHugePage = 2 << 20;

}  // namespace

void* Heap::take(std::size_t bytes) {
  const auto found = free_.lower_bound({bytes, nullptr});
  if (found == free_.end()) return nullptr;
  const auto block = blocks_.find(found->second);
  const std::size_t left = block->second.size - bytes;
  if (left > 0) {
    const auto rest = blocks_.emplace(block->first + bytes, Block{left, false, false}).first;
    set_free(block, false);
    block->second.size = bytes;
    set_free(rest, true);
  } else {
    set_free(block, false);
  }
  return block->first;
}

std::size_t Heap::grow(std::size_t bytes) {
  const std::size_t least = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  for (const std::size_t size : {std::max(kSegment, least), least}) {
    void* memory = allocate_memory(size);
    if (memory == nullptr) continue;
    const auto block = blocks_.emplace(static_cast<char*>(memory), Block{size, false, true}).first;
    set_free(block, true);
    return size;
  }
  return 0;
}

void Heap::give(void* memory) noexcept {
  const auto block = blocks_.find(static_cast<char*>(memory));
  set_free(join(block), true);
}

std::size_t Heap::release() noexcept {
  std::size_t released = 0;
  for (auto block = blocks_.begin(); block != blocks_.end();) {
    const auto next = std::next(block);
    const bool whole = block->second.first && (next == blocks_.end() || next->second.first);
    if (block->second.free && whole) {
      set_free(block, false);
      free_memory(block->first, block->second.size);
      released += block->second.size;
      blocks_.erase(block);
    } else if (block->second.free) {
      discard_memory(block->first, block->second.size);
    }
    block = next;
  }
  return released;
}

/// Makes one of a block in use and its free neighbours.
Heap::Blocks::iterator Heap::join(Blocks::iterator block) {
  const auto absorb = [&](Blocks::iterator into, Blocks::iterator from) {
    into->second.size += from->second.size;
    blocks_.erase(from);
  };
  const auto next = std::next(block);
  if (next != blocks_.end() && next->second.free && !next->second.first) {
    set_free(next, false);
    absorb(block, next);
  }
  if (block->second.first || block == blocks_.begin()) return block;
  const auto before = std::prev(block);
  if (!before->second.free) return block;
  set_free(before, false);
  absorb(before, block);
  return before;
}

void Heap::set_free(Blocks::iterator block, bool free) {
  if (block->second.free == free) return;
  block->second.free = free;
  if (free) {
    free_.insert({block->second.size, block->first});
  } else {
    free_.erase({block->second.size, block->first});
  }
}

}  // namespace taxon
