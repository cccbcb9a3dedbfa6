// Cuts a call's scratch memory into aligned pieces. The same function lays the pieces out twice:
// with no memory, to count the bytes a row asks for, and with the memory, to use them.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace taxon::kernels {

class Carver {
 public:
  explicit Carver(void* base = nullptr) : base_(static_cast<unsigned char*>(base)) {}

  /// 64-byte aligned (as the base is); nullptr while counting.
  template <class T>
  T* take(int64_t count) {
    T* piece = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + used_);
    used_ += (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return piece;
  }
  size_t used() const { return used_; }

 private:
  unsigned char* base_;
  size_t used_ = 0;
};

inline int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/// Part i of `count` things split into `parts` as evenly as possible starts here (part `parts`: the
/// end).
inline int64_t split_at(int64_t count, int64_t parts, int64_t i) {
  return count / parts * i + (count % parts < i ? count % parts : i);
}

}  // namespace taxon::kernels
