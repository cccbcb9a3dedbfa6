// Large blocks of one device's memory: cut from segments, joined again with their free neighbours.
// The activations of a network shrink from layer to layer and are freed in the opposite order, so
// lists by size would strand what the small layers free while the large ones ask the system for
// more.
#pragma once

#include "memory_source.h"

#include <cstddef>
#include <map>
#include <set>
#include <utility>

namespace taxon {

/// Not safe for threads: its owner locks. What throws std::bad_alloc changes nothing.
class Heap {
 public:
  static constexpr std::size_t kGranule = 64 << 10;  ///< blocks are multiples of this

  explicit Heap(const MemorySource& source) : source_(source) {}

  /// The smallest free block that fits, the rest of it left free; nullptr where none does.
  void* take(std::size_t bytes);
  /// A segment from the system for at least `bytes`, of which untouched pages cost nothing. Its
  /// size; 0 if there is no memory.
  std::size_t grow(std::size_t bytes);
  void give(void* memory) noexcept;
  /// Free memory goes back to the system: whole segments, of which the size is returned, and the
  /// pages of free blocks in others.
  std::size_t release() noexcept;

 private:
  using BySize = std::set<std::pair<std::size_t, char*>>;  // then by address
  struct Block {
    std::size_t size = 0;
    bool first = false;         // of its segment: never joined with what lies before
    BySize::node_type entry{};  // of a block in use: its place in free_, so that to give allocates
                                // nothing
    bool free() const { return entry.empty(); }
  };
  using Blocks = std::map<char*, Block>;

  BySize::node_type remove_free(Blocks::iterator block);
  void add_free(Blocks::iterator block, BySize::node_type entry) noexcept;

  const MemorySource& source_;
  Blocks blocks_;  // by address
  BySize free_;
};

}  // namespace taxon
