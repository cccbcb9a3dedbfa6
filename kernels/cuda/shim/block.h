// A block of threads under the shim: fibers that run in random order from one barrier to the next,
// and its shared memory, where each access is checked.
//
// Two accesses of one element by two threads, at least one of them a write, need a barrier between
// them: __syncthreads, or __syncwarp where both threads are of one warp. (Shuffles and votes order
// no memory.) The check does not depend on the order in which the threads happen to run.
#pragma once

#include <taxon/base/error.h>

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "cuda/shim/fiber.h"

namespace taxon::shim {

/// A kernel did what would be undefined on a GPU. The text names kernel, block and thread.
struct Fault : DeviceError {
  using DeviceError::DeviceError;
};

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr Dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

constexpr unsigned warp_size = 32;
constexpr unsigned max_threads = 1024;
constexpr std::size_t max_shared = 48 * 1024;  ///< of arrays whose size the compiler knows

/// What of an element's accesses must be known to find a race.
struct Shadow {
  std::uint64_t written = 0, read = 0;  ///< the interval between barriers of the last of each
  std::uint32_t written_sync = 0, read_sync = 0;        ///< and within it, that of __syncwarp
  std::uint16_t writer = 0, reader = 0;                 ///< threads
  bool several_readers = false, several_warps = false;  ///< in that interval
};

/// An array in shared memory: where it lies, and the record of its accesses.
struct SharedBytes {
  unsigned char* data = nullptr;
  Shadow* shadows = nullptr;
  std::size_t count = 0, element = 0;
};

/// What a thread waits for.
enum class Wait : std::uint8_t { nothing, barrier, warp_barrier, shuffle, vote };

class Block {
 public:
  Block();
  ~Block();

  /// Runs body(arg) once for each thread of the block. Throws Fault.
  void run(const char* kernel, Dim3 grid, Dim3 block, std::uint64_t index, std::uint64_t seed,
           void (*body)(void*), void* arg);

  // What follows is called by the block's threads.

  /// Waits until all threads of the block are here.
  void barrier(const std::source_location& at);
  /// Waits until all lanes of the mask are here; values[i] is what lane i gave.
  const std::uint64_t* exchange(Wait kind, std::uint32_t mask, std::uint64_t value,
                                const std::source_location& at);
  /// The array that belongs to the declaration `site`, the same for all threads. Poisoned.
  SharedBytes shared(const void* site, std::size_t count, std::size_t element, const char* name);
  void note_read(const SharedBytes& array, std::size_t i, const char* name);
  void note_write(const SharedBytes& array, std::size_t i, const char* name);
  [[noreturn]] void fault(const std::string& what);

 private:
  struct Thread;
  struct Warp;
  struct Array;

  static void thread_body(void* block);
  void begin(const char* kernel, Dim3 grid, Dim3 block, std::uint64_t index, std::uint64_t seed);
  void step(std::size_t at);
  void wait(Wait kind, std::uint32_t mask, const std::source_location& at);
  bool warp_is_here(const Thread& thread) const;
  void release_warp(const Thread& thread);
  void try_barrier();
  void cancel();
  std::string stuck() const;
  std::string describe(const Thread& thread) const;
  std::string name_of(const Thread& thread) const;
  std::uint64_t random(std::uint64_t below);

  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  std::vector<std::uint32_t> ready_;  ///< threads that can go on
  std::vector<std::unique_ptr<Fiber>> idle_;
  std::vector<Array> arrays_;
  std::vector<unsigned char> memory_;
  std::vector<Shadow> shadows_;
  std::size_t used_ = 0, used_shadows_ = 0;
  std::uint64_t interval_ = 1, first_interval_ = 1;  ///< count on over blocks: old records lapse
  std::uint64_t random_ = 1;
  std::size_t count_ = 0, ended_ = 0, at_barrier_ = 0;
  Thread* now_ = nullptr;
  Dim3 block_size_, block_index_;
  const char* kernel_ = "";
  void (*body_)(void*) = nullptr;
  void* arg_ = nullptr;
  bool cancelled_ = false;
  std::string fault_;
};

/// Of the calling thread, while it runs a kernel.
struct Indices {
  Dim3 thread, block, block_size, grid_size;
  Block* in = nullptr;
};
inline constinit thread_local Indices now{};

/// The block that the calling thread runs; a Fault outside of kernels.
Block& current();

}  // namespace taxon::shim
