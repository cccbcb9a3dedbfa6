#include <taxon/base/memory.h>

#include <cstdint>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace taxon {
namespace {

constexpr std::size_t kHugePage = 2 << 20;

std::align_val_t alignment(std::size_t bytes) {
  return std::align_val_t{bytes >= kHugePage ? kHugePage : 64};
}

}  // namespace

void* allocate_memory(std::size_t bytes) noexcept {
  void* memory = ::operator new(bytes, alignment(bytes), std::nothrow);
#if defined(__linux__)
  // A wish: where the system does not grant it, small pages do.
  if (memory != nullptr && bytes >= kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void free_memory(void* memory, std::size_t bytes) noexcept {
  ::operator delete(memory, alignment(bytes));
}

void discard_memory([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__)
  constexpr std::uintptr_t page = 4096;
  const auto first = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
  const auto last = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
#endif
}

}  // namespace taxon
