// Large blocks of one device's memory: cut from segments, joined again with their free neighbours.
// The activations of a network shrink from layer to layer and are freed in the opposite order, so
// lists by size would strand what the small layers free while the large ones ask the system for
// more.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>

namespace taxon {

/// Not safe for threads: its owner locks.
class Heap {
 public:
  static constexpr std::size_t kGranule = 64 << 10;  ///< blocks are multiples of this

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
  struct Block {
    std::size_t size = 0;
    bool free = false;
    bool first = false;  // of its segment: never joined with what lies before
  };
  using Blocks = std::map<char*, Block>;

  Blocks::iterator join(Blocks::iterator block);
  void set_free(Blocks::iterator block, bool free);

  Blocks blocks_;                                 // by address
  std::set<std::pair<std::size_t, char*>> free_;  // by size, then address
};

}  // namespace taxon
