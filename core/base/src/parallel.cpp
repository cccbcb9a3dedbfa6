// The thread pool. A loop is published as one 64-bit ticket (loop number, chunks not yet taken); a
// thread takes a chunk by lowering the ticket with compare-and-swap. Whoever holds a chunk keeps
// the loop alive, so a worker that is still asleep never delays the end of a loop.
#include <taxon/base/error.h>
#include <taxon/base/memory.h>
#include <taxon/base/parallel.h>

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace taxon {
namespace {

// Longer than the gap between two kernels of a step, shorter than a scheduler's time slice.
constexpr auto kSpin = std::chrono::microseconds(100);

thread_local bool in_loop = false;  // nested loops run in their caller
std::atomic<bool> forked{false};    // the workers did not survive fork()

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// True as soon as ready() is, false after kSpin. Looks at the clock rarely.
template <class Ready>
bool spin_until(Ready ready) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  while (true) {
    for (int i = 0; i < 64; ++i) {
      if (ready()) return true;
      relax();
    }
    if (std::chrono::steady_clock::now() > end) return ready();
  }
}

int processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

int default_threads() {
  if (const char* asked = std::getenv("TAXON_THREADS"); asked != nullptr && *asked != '\0') {
    char* end = nullptr;
    const long n = std::strtol(asked, &end, 10);
    if (*end != '\0' || n < 1 || n > 1024) {
      fail<OptionError>("TAXON_THREADS is '", asked, "'; expected a number from 1 to 1024");
    }
    return static_cast<int>(n);
  }
  return processors();
}

class Pool {
 public:
  explicit Pool(int threads) : spins_(threads <= processors()) {
    for (int slot = 1; slot < threads; ++slot) {
      workers_.emplace_back([this, slot] { work(slot); });
    }
  }

  ~Pool() {
    stop_.store(true);
    epoch_.fetch_add(1);
    epoch_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  void run(std::int64_t chunks, ChunkBody body, void* arg) {
    body_ = body;
    arg_ = arg;
    chunks_ = chunks;
    done_.store(0, std::memory_order_relaxed);
    error_ = nullptr;
    const std::uint64_t loop = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
    ticket_.store((loop << 32) | static_cast<std::uint64_t>(chunks), std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_release);
    epoch_.notify_all();
    take_chunks(0);
    wait_done(chunks);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  static std::int64_t left(std::uint64_t ticket) {
    return static_cast<std::int64_t>(ticket & 0xffffffffu);
  }

  void take_chunks(int slot) {
    in_loop = true;
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    while (left(ticket) > 0) {
      if (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
        continue;
      }
      // The loop can't end before this chunk is done: its fields are safe to read.
      run_chunk(chunks_ - left(ticket), slot);
      ticket = ticket_.load(std::memory_order_acquire);
    }
    in_loop = false;
  }

  void run_chunk(std::int64_t chunk, int slot) {
    const std::int64_t chunks = chunks_;
    try {
      body_(arg_, chunk, slot);
    } catch (...) {
      const std::lock_guard lock(error_mutex_);
      if (!error_) error_ = std::current_exception();
    }
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == chunks) done_.notify_one();
  }

  void wait_done(std::int64_t chunks) {
    const auto finished = [&] { return done_.load(std::memory_order_acquire) == chunks; };
    if (spins_ && spin_until(finished)) return;
    for (std::int64_t seen = done_.load(); seen != chunks; seen = done_.load()) done_.wait(seen);
  }

  void work(int slot) {
    std::uint32_t epoch = epoch_.load(std::memory_order_acquire);
    while (!stop_.load()) {
      take_chunks(slot);
      const auto changed = [&] { return epoch_.load(std::memory_order_acquire) != epoch; };
      if (!spins_ || !spin_until(changed)) epoch_.wait(epoch, std::memory_order_acquire);
      epoch = epoch_.load(std::memory_order_acquire);
    }
  }

  const bool spins_;  // with more threads than processors, spinning would steal from who has work
  ChunkBody body_ = nullptr;
  void* arg_ = nullptr;
  std::int64_t chunks_ = 0;
  std::exception_ptr error_;
  std::mutex error_mutex_;
  alignas(64) std::atomic<std::uint64_t> ticket_{0};
  alignas(64) std::atomic<std::int64_t> done_{0};
  alignas(64) std::atomic<std::uint32_t> epoch_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

struct Parallel {
  std::mutex busy;  // held while a loop runs in the pool; who finds it taken runs alone
  std::unique_ptr<Pool> pool;
  std::shared_ptr<Executor> executor;
  std::atomic<int> threads{default_threads()};

  Parallel() {
    pthread_atfork(nullptr, nullptr, [] { forked.store(true); });
  }
  ~Parallel() {
    if (forked.load()) (void)pool.release();  // its threads do not exist in this process
  }
};

Parallel& state() {
  static Parallel parallel;
  return parallel;
}

// Chunks of an embedder's executor: loops within them run in their caller, as in the pool.
struct Marked {
  ChunkBody body;
  void* arg;
  static void run(void* self, std::int64_t chunk, int slot) {
    const auto& marked = *static_cast<const Marked*>(self);
    const bool before = in_loop;
    in_loop = true;
    try {
      marked.body(marked.arg, chunk, slot);
    } catch (...) {
      in_loop = before;
      throw;
    }
    in_loop = before;
  }
};

void run_serially(std::int64_t chunks, ChunkBody body, void* arg) {
  for (std::int64_t i = 0; i < chunks; ++i) body(arg, i, 0);
}

}  // namespace

int num_threads() {
  return state().threads.load(std::memory_order_relaxed);
}

void set_num_threads(int n) {
  if (n < 1 || n > 1024) fail<OptionError>("threads is ", n, "; expected 1 to 1024");
  Parallel& parallel = state();
  const std::lock_guard lock(parallel.busy);
  if (parallel.threads.load() == n && !parallel.executor) return;
  parallel.executor = nullptr;
  parallel.threads.store(n);
  parallel.pool.reset();  // made again, with n threads, by the next loop
}

void set_executor(std::shared_ptr<Executor> executor) {
  Parallel& parallel = state();
  const std::lock_guard lock(parallel.busy);
  parallel.threads.store(executor ? executor->threads() : default_threads());
  parallel.pool.reset();
  parallel.executor = std::move(executor);
}

void parallel_chunks(std::int64_t chunks, ChunkBody body, void* arg) {
  if (chunks <= 1 || in_loop || forked.load(std::memory_order_relaxed)) {
    return run_serially(chunks, body, arg);
  }
  if (chunks > 0xffffffff)
    fail<OptionError>("parallel_chunks: ", chunks, " chunks; at most 2^32 - 1");
  Parallel& parallel = state();
  if (parallel.threads.load(std::memory_order_relaxed) == 1) return run_serially(chunks, body, arg);
  const std::unique_lock lock(parallel.busy, std::try_to_lock);
  if (!lock.owns_lock()) return run_serially(chunks, body, arg);
  if (parallel.executor) {
    Marked marked{body, arg};
    return parallel.executor->run(chunks, Marked::run, &marked);
  }
  if (!parallel.pool) parallel.pool = std::make_unique<Pool>(parallel.threads.load());
  parallel.pool->run(chunks, body, arg);
}

void* scratch(std::size_t bytes) {
  struct Arena {
    void* memory = nullptr;
    std::size_t bytes = 0;
    ~Arena() { free_memory(memory, bytes); }
  };
  thread_local Arena arena;
  if (bytes > arena.bytes) {
    free_memory(arena.memory, arena.bytes);
    arena.memory = nullptr;
    arena.bytes = 0;
    arena.memory = allocate_memory(bytes);
    if (arena.memory == nullptr) throw std::bad_alloc();
    arena.bytes = bytes;
  }
  return arena.memory;
}

}  // namespace taxon
