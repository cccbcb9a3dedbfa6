// CUDA's words as C++: with them a .cu file compiles for the CPU. Its kernels then run as fibers
// (block.h), and its shared arrays check every access.
#pragma once

#include <math.h>
#include <taxon/kernels/exec.h>

#include <bit>
#include <cstdint>
#include <source_location>
#include <tuple>
#include <type_traits>

#include "cuda/runtime.h"
#include "cuda/shim/block.h"
#include "cuda/shim/recording.h"
#include "cuda/shim/settings.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define TAXON_UNROLL

/// An array in shared memory; `name_site` tells declarations (and instances of them) apart.
#define TAXON_SHARED(type, name, size)                                                            \
  static constinit char name##_site = 0;                                                          \
  const ::taxon::shim::Shared<type> name(                                                         \
      ::taxon::shim::current().shared(&name##_site, static_cast<std::size_t>(size), sizeof(type), \
                                      #name),                                                     \
      #name)

using dim3 = taxon::shim::Dim3;
#define threadIdx ::taxon::shim::now.thread
#define blockIdx ::taxon::shim::now.block
#define blockDim ::taxon::shim::now.block_size
#define gridDim ::taxon::shim::now.grid_size

struct float4 {
  float x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}

namespace taxon::shim {

using Here = std::source_location;

/// One element of a shared array: reads and writes of it are noted.
template <class T>
class Element {
 public:
  Element(const SharedBytes& bytes, std::size_t i, const char* name)
      : bytes_(bytes), i_(i), name_(name) {}
  operator T() const {
    current().note_read(bytes_, i_, name_);
    return reinterpret_cast<const T*>(bytes_.data)[i_];
  }
  const Element& operator=(T value) const {
    current().note_write(bytes_, i_, name_);
    reinterpret_cast<T*>(bytes_.data)[i_] = value;
    return *this;
  }
  const Element& operator=(const Element& other) const { return *this = static_cast<T>(other); }
  const Element& operator+=(T value) const {
    return *this = static_cast<T>(static_cast<T>(*this) + value);
  }

 private:
  const SharedBytes& bytes_;
  std::size_t i_;
  const char* name_;
};

/// A shared array, or the part of one that begins at an offset.
template <class T>
class Shared {
 public:
  Shared(const SharedBytes& bytes, const char* name, std::int64_t offset = 0)
      : bytes_(bytes), name_(name), offset_(offset) {}
  Element<T> operator[](std::int64_t i) const {
    return {bytes_, static_cast<std::size_t>(offset_ + i), name_};
  }
  Shared operator+(std::int64_t offset) const { return {bytes_, name_, offset_ + offset}; }
  /// Four elements at once must lie at a multiple of their size.
  void check_four(std::int64_t i) const {
    if ((offset_ + i) % 4 != 0) {
      current().fault(text("shared array ", name_, ": four elements at ", offset_ + i,
                           ", which is not a multiple of 4"));
    }
  }

 private:
  SharedBytes bytes_;
  const char* name_;
  std::int64_t offset_;
};

template <class T>
std::uint64_t to_bits(T value) {
  static_assert(std::is_trivially_copyable_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  if constexpr (sizeof(T) == 4) {
    return std::bit_cast<std::uint32_t>(value);
  } else {
    return std::bit_cast<std::uint64_t>(value);
  }
}
template <class T>
T from_bits(std::uint64_t bits) {
  if constexpr (sizeof(T) == 4) {
    return std::bit_cast<T>(static_cast<std::uint32_t>(bits));
  } else {
    return std::bit_cast<T>(bits);
  }
}

inline unsigned lane_of_thread() {
  const Indices& i = now;
  return ((i.thread.z * i.block_size.y + i.thread.y) * i.block_size.x + i.thread.x) % warp_size;
}

/// What lane `from` gave.
template <class T>
T shuffle(std::uint32_t mask, T value, unsigned from, const Here& at) {
  Block& block = current();
  const std::uint64_t* values = block.exchange(Wait::shuffle, mask, to_bits(value), at);
  if ((mask >> from & 1) == 0) {
    block.fault(text("a shuffle reads lane ", from, ", which its mask leaves out"));
  }
  return from_bits<T>(values[from]);
}

void run_grid(const char* kernel, Dim3 grid, Dim3 block, void (*body)(void*), void* arg);

}  // namespace taxon::shim

inline void __syncthreads(const taxon::shim::Here& at = taxon::shim::Here::current()) {
  taxon::shim::current().barrier(at);
}
inline void __syncwarp(std::uint32_t mask = 0xffffffffu,
                       const taxon::shim::Here& at = taxon::shim::Here::current()) {
  taxon::shim::current().exchange(taxon::shim::Wait::warp_barrier, mask, 0, at);
}
template <class T>
T __shfl_sync(std::uint32_t mask, T value, int lane,
              const taxon::shim::Here& at = taxon::shim::Here::current()) {
  return taxon::shim::shuffle(mask, value, static_cast<unsigned>(lane) % 32, at);
}
template <class T>
T __shfl_xor_sync(std::uint32_t mask, T value, int lanes,
                  const taxon::shim::Here& at = taxon::shim::Here::current()) {
  const unsigned from = taxon::shim::lane_of_thread() ^ static_cast<unsigned>(lanes);
  return taxon::shim::shuffle(mask, value, from % 32, at);
}
template <class T>
T __shfl_down_sync(std::uint32_t mask, T value, unsigned lanes,
                   const taxon::shim::Here& at = taxon::shim::Here::current()) {
  const unsigned lane = taxon::shim::lane_of_thread();
  return taxon::shim::shuffle(mask, value, lane + lanes < 32 ? lane + lanes : lane, at);
}
inline std::uint32_t __ballot_sync(std::uint32_t mask, int predicate,
                                   const taxon::shim::Here& at = taxon::shim::Here::current()) {
  const std::uint64_t* values =
      taxon::shim::current().exchange(taxon::shim::Wait::vote, mask, predicate != 0 ? 1 : 0, at);
  std::uint32_t bits = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1) != 0 && values[lane] != 0) bits |= 1u << lane;
  }
  return bits;
}
inline int __any_sync(std::uint32_t mask, int predicate,
                      const taxon::shim::Here& at = taxon::shim::Here::current()) {
  return __ballot_sync(mask, predicate, at) != 0 ? 1 : 0;
}
inline int __all_sync(std::uint32_t mask, int predicate,
                      const taxon::shim::Here& at = taxon::shim::Here::current()) {
  return __ballot_sync(mask, predicate, at) == mask ? 1 : 0;
}

inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(std::uint64_t{a} * b >> 32);
}
inline float __uint_as_float(unsigned bits) {
  return std::bit_cast<float>(bits);
}
inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}

namespace taxon::kernels::cuda {

template <class T>
using SharedArray = shim::Shared<T>;

inline float4 load4(const shim::Shared<float>& from, int i) {
  from.check_four(i);
  return {from[i], from[i + 1], from[i + 2], from[i + 3]};
}
inline void store4(const shim::Shared<float>& to, int i, float4 v) {
  to.check_four(i);
  to[i] = v.x;
  to[i + 1] = v.y;
  to[i + 2] = v.z;
  to[i + 3] = v.w;
}

inline int64_t grid_limit() {
  return shim::settings().grid_limit;
}

template <class... Parameters, class... Args>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block,
            const Exec& exec, const Args&... args) {
  struct Call {
    void (*kernel)(Parameters...);
    std::tuple<Parameters...> parameters;
  } call{kernel, std::tuple<Parameters...>(args...)};
  static_assert((std::is_trivially_copyable_v<Parameters> && ...));
  static_assert((sizeof(Parameters) + ... + 0) <= 4000, "CUDA takes 4 KiB of parameters");
  shim::give(exec.stream, [=]() mutable {
    shim::run_grid(
        name, grid, block,
        [](void* arg) {
          const Call& c = *static_cast<Call*>(arg);
          std::apply(c.kernel, c.parameters);
        },
        &call);
  });
}

}  // namespace taxon::kernels::cuda
