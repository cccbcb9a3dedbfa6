// A grid: its blocks in random order, one after the other or on several threads.
#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "cuda/shim/words.h"

namespace taxon::shim {

Settings& settings() {
  static Settings s;
  return s;
}

namespace {

/// The calling thread's block; its fibers serve many launches.
Block& own_block() {
  static thread_local Block block;
  return block;
}

std::vector<std::uint64_t> shuffled(std::uint64_t count, std::uint64_t seed) {
  std::vector<std::uint64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  return order;
}

}  // namespace

void run_grid(const char* kernel, Dim3 grid, Dim3 block, void (*body)(void*), void* arg) {
  if (grid.x < 1 || grid.y < 1 || grid.z < 1 || grid.x > 0x7fffffffu || grid.y > 65535 ||
      grid.z > 65535) {
    throw Fault(text(kernel, ": a grid of ", grid.x, " x ", grid.y, " x ", grid.z,
                     " blocks is not possible"));
  }
  const auto order = shuffled(std::uint64_t{grid.x} * grid.y * grid.z, settings().seed);
  std::atomic<std::size_t> next{0};
  std::exception_ptr failed;
  std::mutex mutex;
  const auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < order.size();) {
      try {
        own_block().run(kernel, grid, block, order[i], settings().seed, body, arg);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failed) failed = std::current_exception();
        next = order.size();
      }
    }
  };
  std::vector<std::thread> others;
  const auto wanted = std::min<std::size_t>(
      order.size(), static_cast<std::size_t>(std::max(settings().host_threads, 1)));
  for (std::size_t i = 1; i < wanted; ++i) others.emplace_back(work);
  work();
  for (std::thread& t : others) t.join();
  if (failed) std::rethrow_exception(failed);
}

}  // namespace taxon::shim
