// Where the memory of tensors and of kernels' scratch comes from.
#pragma once

#include <cstddef>

namespace taxon {

/// 64-byte aligned; from 2 MiB on aligned to huge pages, which the system is asked to use: a walk
/// over many rows then misses the address cache far less often. nullptr if there is no memory.
void* allocate_memory(std::size_t bytes) noexcept;
/// `bytes` as given to allocate_memory; nullptr is fine.
void free_memory(void* memory, std::size_t bytes) noexcept;
/// Gives the pages within back to the system; the memory can be used again and holds anything.
void discard_memory(void* memory, std::size_t bytes) noexcept;

}  // namespace taxon
