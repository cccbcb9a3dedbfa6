// The thread pool: every chunk once, whoever calls and however many threads.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

#include "catch.h"

using namespace taxon;

namespace {

// Restores the number of threads that a test changed.
struct Threads {
  int before = num_threads();
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
};

std::vector<int> counts(std::int64_t chunks) {
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(chunks));
  parallel_chunks(chunks, [&](std::int64_t i) { seen[static_cast<std::size_t>(i)].fetch_add(1); });
  return {seen.begin(), seen.end()};
}

}  // namespace

TEST_CASE("every chunk runs exactly once, for any number of threads") {
  for (const int n : {1, 2, 3, 7, 16}) {
    const Threads threads(n);
    for (const std::int64_t chunks : {0, 1, 2, 3, 100, 10000}) {
      const std::vector<int> seen = counts(chunks);
      CHECK(std::count(seen.begin(), seen.end(), 1) == chunks);
    }
  }
}

TEST_CASE("slots are unique among the bodies that run at once") {
  const Threads threads(4);
  std::vector<std::atomic<int>> busy(4);
  std::atomic<bool> clash{false};
  parallel_chunks(2000, [&](std::int64_t, int slot) {
    if (busy[static_cast<std::size_t>(slot)].exchange(1) != 0) clash = true;
    std::this_thread::yield();
    busy[static_cast<std::size_t>(slot)] = 0;
  });
  CHECK_FALSE(clash);
}

TEST_CASE("many short loops in a row") {
  const Threads threads(2);
  std::atomic<std::int64_t> total{0};
  for (int loop = 0; loop < 20000; ++loop) {
    parallel_chunks(3, [&](std::int64_t i) { total += i; });
  }
  CHECK(total == 20000 * 3);
}

TEST_CASE("nested loops and concurrent callers") {
  const Threads threads(3);
  std::atomic<int> inner{0};
  parallel_chunks(
      8, [&](std::int64_t) { parallel_chunks(5, [&](std::int64_t) { inner.fetch_add(1); }); });
  CHECK(inner == 40);

  std::atomic<int> all{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int loop = 0; loop < 200; ++loop) {
        parallel_chunks(10, [&](std::int64_t) { all.fetch_add(1); });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(all == 4 * 200 * 10);
}

TEST_CASE("an exception of a body reaches the caller, and the pool goes on") {
  const Threads threads(3);
  CHECK_THROWS_AS(parallel_chunks(50,
                                  [](std::int64_t i) {
                                    if (i == 17) fail<FormatError>("chunk ", i);
                                  }),
                  FormatError);
  CHECK(counts(50) == std::vector<int>(50, 1));
}

TEST_CASE("a child after fork computes alone") {
  const Threads threads(3);
  (void)counts(10);  // the pool runs
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::vector<int> seen = counts(100);
    _exit(seen == std::vector<int>(100, 1) ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("an injected executor runs the loops") {
  struct Counting : Executor {
    std::atomic<int> loops{0};
    int threads() const override { return 5; }
    void run(std::int64_t chunks, ChunkBody body, void* arg) override {
      ++loops;
      for (std::int64_t i = 0; i < chunks; ++i) body(arg, i, static_cast<int>(i % 5));
    }
  };
  const auto executor = std::make_shared<Counting>();
  const int before = num_threads();
  set_executor(executor);
  CHECK(num_threads() == 5);
  CHECK(counts(20) == std::vector<int>(20, 1));
  CHECK(executor->loops == 1);
  // A loop within a chunk runs in its caller.
  std::atomic<int> inner{0};
  parallel_chunks(3, [&](std::int64_t) { parallel_chunks(4, [&](std::int64_t) { ++inner; }); });
  CHECK(inner == 12);
  CHECK(executor->loops == 2);
  set_executor(nullptr);
  set_num_threads(before);
  CHECK(counts(20) == std::vector<int>(20, 1));
}

TEST_CASE("numbers of threads that make no sense are refused") {
  CHECK_THROWS_AS(set_num_threads(0), OptionError);
  CHECK_THROWS_AS(set_num_threads(-3), OptionError);
}

TEST_CASE("scratch memory is aligned and kept") {
  void* first = scratch(1000);
  CHECK(reinterpret_cast<std::uintptr_t>(first) % 64 == 0);
  CHECK(scratch(10) == first);
}
