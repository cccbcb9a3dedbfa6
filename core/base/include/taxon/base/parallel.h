// The one thread pool. A loop is cut into chunks by its size, never by the number of threads, so
// results are bitwise the same for any number of threads. Concurrent callers and nested loops are
// fine: a loop that finds the pool busy runs in its caller. After fork() the child runs serially.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace taxon {

/// Chunk bodies get (argument, chunk in [0, chunks), slot in [0, num_threads())); no two bodies
/// that run at the same time in one loop have the same slot.
using ChunkBody = void (*)(void* arg, std::int64_t chunk, int slot);

/// Threads that compute, the caller included. Default: the processors this process may run on, or
/// TAXON_THREADS.
int num_threads();
/// n >= 1; throws OptionError otherwise. Waits for running loops of other threads.
void set_num_threads(int n);

/// Runs body for every chunk and returns when all are done. The first exception of a body is
/// rethrown here after the loop has drained.
void parallel_chunks(std::int64_t chunks, ChunkBody body, void* arg);

template <class F>
void parallel_chunks(std::int64_t chunks, F&& f) {
  using Body = std::remove_reference_t<F>;
  parallel_chunks(
      chunks,
      [](void* arg, std::int64_t chunk, int slot) {
        if constexpr (std::is_invocable_v<Body&, std::int64_t, int>) {
          (*static_cast<Body*>(arg))(chunk, slot);
        } else {
          (void)slot;
          (*static_cast<Body*>(arg))(chunk);
        }
      },
      const_cast<void*>(static_cast<const void*>(&f)));
}

/// Replaces the pool for embedders that have one. The executor must call body(arg, i, slot) once
/// for each chunk i, with slots in [0, threads) unique among those running, and return when all are
/// done.
struct Executor {
  virtual ~Executor() = default;
  virtual int threads() const = 0;
  virtual void run(std::int64_t chunks, ChunkBody body, void* arg) = 0;
};
void set_executor(std::shared_ptr<Executor> executor);  ///< nullptr: the built-in pool again

/// At least `bytes` of 64-byte aligned scratch memory of the calling thread, kept for reuse until
/// the thread ends; a later call invalidates the earlier pointer.
void* scratch(std::size_t bytes);

}  // namespace taxon
