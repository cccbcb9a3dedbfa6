// What the tests (and benchmarks) of the kernel tables share: walking the rows that the ISA in
// force allows, running a row on N threads with guarded and poisoned scratch, buffers that end at a
// guard page, fillings, comparisons, and the tolerance of sums.
//
//   for_each_row(gemm_rows(Type::f32), args, [&](const Row<GemmArgs>& row) {
//     Guarded<float> c(m * n);  args.c = c.data();
//     run_row(row, args, /*threads=*/2);
//     CHECK(same_values(c, expected));
//   });
#pragma once

#include <taxon/base/cpu.h>
#include <taxon/kernels/exec.h>

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace taxon::test {

/// `count` elements whose last byte lies right before a page that cannot be touched (and whose
/// first page follows one), so that a read or write out of bounds ends the test. Filled with 0xFF
/// bytes (NaN for floats) until written. `align`: the start is aligned to it, and the gap this
/// leaves at the end (less than `align` bytes) is not guarded.
template <class T>
class Guarded {
 public:
  explicit Guarded(std::int64_t count = 0, std::size_t align = alignof(T))
      : count_(count < 0 ? 0 : static_cast<std::size_t>(count)) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t bytes = (count_ * sizeof(T) + align - 1) / align * align;
    const std::size_t body = (bytes + page - 1) / page * page;
    size_ = body + 2 * page;
    void* base = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    madvise(base, size_, MADV_HUGEPAGE);
    base_ = static_cast<unsigned char*>(base);
    mprotect(base_, page, PROT_NONE);
    mprotect(base_ + page + body, page, PROT_NONE);
    std::memset(base_ + page, 0xFF, body);
    data_ = reinterpret_cast<T*>(base_ + page + body - bytes);
  }
  Guarded(const Guarded& other) : Guarded(other.size()) { copy_from(other); }
  Guarded(Guarded&& other) noexcept { swap(other); }
  Guarded& operator=(Guarded other) noexcept {
    swap(other);
    return *this;
  }
  ~Guarded() {
    if (base_ != nullptr) munmap(base_, size_);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::int64_t size() const { return static_cast<std::int64_t>(count_); }
  T& operator[](std::int64_t i) { return data_[i]; }
  const T& operator[](std::int64_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + count_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + count_; }
  void fill(T value) {
    for (T& x : *this) x = value;
  }
  /// Makes the pages read-only (or writable again): a kernel must not write its inputs.
  void protect(bool read_only) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    mprotect(base_ + page, size_ - 2 * page, read_only ? PROT_READ : PROT_READ | PROT_WRITE);
  }

 private:
  void copy_from(const Guarded& other) {
    if (count_ > 0) std::memcpy(static_cast<void*>(data_), other.data_, count_ * sizeof(T));
  }
  void swap(Guarded& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }
  unsigned char* base_ = nullptr;
  std::size_t size_ = 0;
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

/// The level of instruction sets in force, as the tables spell it.
inline kernels::Needs active_needs() {
  return static_cast<kernels::Needs>(active_isa());
}

/// Calls f(row) for every row that the ISA in force allows (best first, the reference last).
template <class Args, class F>
void for_each_row(kernels::Rows<Args> rows, F f) {
  for (const kernels::Row<Args>& row : rows) {
    if (row.needs <= active_needs()) f(row);
  }
}

/// As above, only the rows that do not decline `args`.
template <class Args, class F>
void for_each_row(kernels::Rows<Args> rows, const Args& args, F f) {
  for_each_row(rows, [&](const kernels::Row<Args>& row) {
    if (row.declines == nullptr || row.declines(args) == nullptr) f(row);
  });
}

/// The last row of a table: it accepts everything.
template <class Args>
const kernels::Row<Args>& reference_of(kernels::Rows<Args> rows) {
  return rows.first[rows.count - 1];
}

namespace detail {
inline thread_local int loop_threads = 1;

/// A parallel loop on fresh threads, whose chunks go to whichever slot is free: what depends on the
/// order of chunks or on the slot shows.
inline void run_on_threads(std::int64_t chunks, void (*body)(void*, std::int64_t, int), void* arg) {
  std::atomic<std::int64_t> next{0};
  auto work = [&](int slot) {
    for (std::int64_t i; (i = next.fetch_add(1)) < chunks;) body(arg, i, slot);
  };
  std::vector<std::thread> others;
  for (int slot = 1; slot < loop_threads; ++slot) others.emplace_back(work, slot);
  work(0);
  for (std::thread& t : others) t.join();
}
}  // namespace detail

/// Runs a row on `threads` threads. Its scratch memory starts 64-byte aligned, is poisoned with NaN
/// bits and ends at a guard page.
template <class Args>
void run_row(const kernels::Row<Args>& row, const Args& args, int threads = 1) {
  const std::size_t bytes = row.scratch == nullptr ? 0 : row.scratch(args, threads);
  Guarded<unsigned char> scratch(static_cast<std::int64_t>(bytes), 64);
  kernels::Exec exec;
  exec.threads = threads;
  exec.scratch = bytes > 0 ? scratch.data() : nullptr;
  exec.run = threads > 1 ? &detail::run_on_threads : nullptr;
  detail::loop_threads = threads;
  row.run(args, exec);
}

/// What the row makes of weights that serve many calls.
template <class Args>
Guarded<unsigned char> prepared_by(const kernels::Row<Args>& row, const Args& args, int threads) {
  const std::size_t bytes = row.scratch == nullptr ? 0 : row.scratch(args, threads);
  Guarded<unsigned char> scratch(static_cast<std::int64_t>(bytes), 64);
  Guarded<unsigned char> to(static_cast<std::int64_t>(row.prepared_bytes(args)), 64);
  kernels::Exec exec;
  exec.threads = threads;
  exec.scratch = scratch.data();
  exec.run = threads > 1 ? &detail::run_on_threads : nullptr;
  detail::loop_threads = threads;
  row.prepare(args, exec, to.data());
  return to;
}

/// A small counter-based generator: the same numbers for the same seed everywhere.
inline std::uint64_t hash(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = (seed + 1) * 0x9E3779B97F4A7C15u + index * 0xD1B54A32D192ED03u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Integers in [low, high], exact in every type (never -0).
template <class T>
void fill_integers(T* data, std::int64_t count, std::uint64_t seed, int low = -4, int high = 4) {
  const auto span = static_cast<std::uint64_t>(high - low + 1);
  for (std::int64_t i = 0; i < count; ++i) {
    data[i] =
        static_cast<T>(low + static_cast<int>(hash(seed, static_cast<std::uint64_t>(i)) % span));
  }
}
template <class T>
void fill_integers(Guarded<T>& data, std::uint64_t seed, int low = -4, int high = 4) {
  fill_integers(data.data(), data.size(), seed, low, high);
}

/// Reals, uniform in [low, high).
template <class T>
void fill_reals(T* data, std::int64_t count, std::uint64_t seed, double low = -1, double high = 1) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = hash(seed, static_cast<std::uint64_t>(i)) >> 11;
    data[i] = static_cast<T>(low + (high - low) * static_cast<double>(bits) * 0x1p-53);
  }
}
template <class T>
void fill_reals(Guarded<T>& data, std::uint64_t seed, double low = -1, double high = 1) {
  fill_reals(data.data(), data.size(), seed, low, high);
}

/// The error allowed in a sum of `length` terms, each at most `magnitude`, computed in T in any
/// order: rounding errors of eps * |partial sum| accumulate like a random walk over partial sums
/// that themselves grow like sqrt(length), so about eps * length * magnitude; doubled, plus the
/// rounding of the result and of what is added to it.
template <class T>
double sum_tolerance(std::int64_t length, double magnitude) {
  const auto eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  return 2 * eps * (static_cast<double>(length) + 4) * magnitude;
}

/// What a comparison found: true, or where the first difference lies.
struct Compared {
  bool equal = true;
  std::string text;
  explicit operator bool() const { return equal; }
};
inline std::ostream& operator<<(std::ostream& out, const Compared& c) {
  return out << (c.equal ? std::string("equal") : c.text);
}

namespace detail {
template <class T, class Same>
Compared compare(const T* a, const T* b, std::int64_t count, Same same) {
  std::int64_t bad = 0, first = -1;
  for (std::int64_t i = 0; i < count; ++i) {
    if (same(a[i], b[i])) continue;
    if (bad++ == 0) first = i;
  }
  if (bad == 0) return {};
  std::ostringstream text;
  text.precision(9);
  text << bad << " of " << count << " differ, first at " << first << ": " << +a[first]
       << ", expected " << +b[first];
  return {false, text.str()};
}
}  // namespace detail

/// Equal values (0 and -0 are equal, NaN equals nothing): the exact comparison with the reference.
template <class T>
Compared same_values(const T* a, const T* expected, std::int64_t count) {
  return detail::compare(a, expected, count, [](T x, T y) { return x == y; });
}
/// Equal bit for bit: the comparison of two runs.
template <class T>
Compared same_bits(const T* a, const T* expected, std::int64_t count) {
  return detail::compare(a, expected, count,
                         [](T x, T y) { return std::memcmp(&x, &y, sizeof(T)) == 0; });
}
/// |a - expected| <= absolute + relative * |expected|, and equal where not finite.
template <class T>
Compared close_values(const T* a, const T* expected, std::int64_t count, double absolute,
                      double relative = 0) {
  return detail::compare(a, expected, count, [&](T x, T y) {
    const auto dx = static_cast<double>(x), dy = static_cast<double>(y);
    if (!std::isfinite(dx) || !std::isfinite(dy)) return std::memcmp(&x, &y, sizeof(T)) == 0;
    return std::abs(dx - dy) <= absolute + relative * std::abs(dy);
  });
}
template <class T>
Compared same_values(const Guarded<T>& a, const Guarded<T>& expected) {
  if (a.size() != expected.size()) return {false, "sizes differ"};
  return same_values(a.data(), expected.data(), a.size());
}
template <class T>
Compared same_bits(const Guarded<T>& a, const Guarded<T>& expected) {
  if (a.size() != expected.size()) return {false, "sizes differ"};
  return same_bits(a.data(), expected.data(), a.size());
}
template <class T>
Compared close_values(const Guarded<T>& a, const Guarded<T>& expected, double absolute,
                      double relative = 0) {
  if (a.size() != expected.size()) return {false, "sizes differ"};
  return close_values(a.data(), expected.data(), a.size(), absolute, relative);
}

}  // namespace taxon::test
