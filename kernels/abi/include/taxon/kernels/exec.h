// What a kernel is given to run on, and what a row of a kernel table holds. This header (like all
// in this folder) includes nothing of the standard library but integer types: files compiled with
// the flags of one ISA include it, and an inline function of the library compiled there could be
// merged by the linker into code for older processors.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace taxon::kernels {

/// Threads and scratch memory for one call. Chunks depend on the sizes alone (never on `threads`),
/// so results are bitwise the same for any number of threads; partial sums combine in a fixed
/// order.
struct Exec {
  int threads = 1;          ///< slots that may run at once
  void* scratch = nullptr;  ///< 64-byte aligned, as many bytes as the row's scratch() asked for
  void (*run)(int64_t chunks, void (*body)(void* arg, int64_t chunk, int slot),
              void* arg) = nullptr;  ///< a parallel loop; nullptr: serial
  /// On a GPU: the stream to work in (cudaStream_t), and the device's number; pointers of the
  /// arguments and scratch are the device's. Threads and run mean nothing there.
  void* stream = nullptr;
  int device = 0;
};

/// Calls f(chunk, slot) for chunk in [0, chunks). F must be a type local to the calling file (a
/// lambda), so that nothing of it is visible to the linker.
template <class F>
static inline void parallel(const Exec& exec, int64_t chunks, F f) {
  if (chunks <= 1 || exec.threads <= 1 || exec.run == nullptr) {
    for (int64_t i = 0; i < chunks; ++i) f(i, 0);
    return;
  }
  exec.run(
      chunks, [](void* arg, int64_t chunk, int slot) { (*static_cast<F*>(arg))(chunk, slot); }, &f);
}

/// Instruction sets a row needs; the value is that of taxon::Isa.
enum class Needs : uint8_t { baseline, avx2, avx512, avx512bf16, amx };

/// One kernel: the rows of a table stand best first, the reference (which accepts everything) last.
template <class Args>
struct Row {
  const char* name;  ///< "conv2d_forward/implicit_gemm/avx512"
  Needs needs;
  /// Sums and products only: equal to the reference bit for bit on small integers.
  bool exact;
  /// nullptr if the row can do it, else the reason it declines ("groups > 1"). May be null: accepts
  /// all.
  const char* (*declines)(const Args&);
  size_t (*scratch)(const Args&, int threads);  ///< bytes; may be null: none
  void (*run)(const Args&, const Exec&);
  /// For weights that serve many calls (inference): bytes of what the row makes of them
  /// (transformed, packed), and the making, with as much scratch memory as run. Args::prepared
  /// hands it to run. It depends on the row and on the weights, their shape and grouping alone. May
  /// be null.
  size_t (*prepared_bytes)(const Args&) = nullptr;
  void (*prepare)(const Args&, const Exec&, void* to) = nullptr;
};

/// A table; a plain span, so that this header stays free of the standard library.
template <class Args>
struct Rows {
  const Row<Args>* first;
  size_t count;
  const Row<Args>* begin() const { return first; }
  const Row<Args>* end() const { return first + count; }
};

/// The first row that this level of ISA allows and that does not decline.
template <class Args>
const Row<Args>& select(Rows<Args> rows, const Args& args, Needs have) {
  for (const Row<Args>& row : rows) {
    if (row.needs <= have && (row.declines == nullptr || row.declines(args) == nullptr)) return row;
  }
  return rows.first[rows.count - 1];
}

/// Element type of a table's kernels. In a bf16 table images and activations (x, y, residual and
/// their gradients) are bf16, all else (weights, statistics, the gradients of parameters) is f32;
/// arithmetic is in f32, and what is stored is rounded to nearest even.
enum class Type : uint8_t { f32, f64, bf16, u8, i32, i64 };

/// The upper half of an f32, laid out as taxon::bf16.
struct Bf16 {
  uint16_t bits;
};

}  // namespace taxon::kernels
