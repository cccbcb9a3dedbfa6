#include <taxon/base/memory.h>

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

}  // namespace taxon
