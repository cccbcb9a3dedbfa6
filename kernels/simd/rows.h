// How the tables of the vector families are written: one source compiled once per instruction set
// gives one row for each.
#pragma once

#include <taxon/kernels/exec.h>

#if defined(__x86_64__) || defined(_M_X64)
/// Declares the function `name` of every instruction set.
#define TAXON_VECTOR_KERNEL(name, Args)          \
  namespace avx512 {                             \
  void name(const Args& args, const Exec& exec); \
  }                                              \
  namespace avx2 {                               \
  void name(const Args& args, const Exec& exec); \
  }                                              \
  namespace baseline {                           \
  void name(const Args& args, const Exec& exec); \
  }
/// The rows of that function, best first.
#define TAXON_VECTOR_ROWS(op, exact, declines, scratch, name)                        \
  {op "/vector/avx512", Needs::avx512, exact, declines, scratch, avx512::name},      \
      {op "/vector/avx2", Needs::avx2, exact, declines, scratch, avx2::name}, {      \
    op "/vector/baseline", Needs::baseline, exact, declines, scratch, baseline::name \
  }
#else
#define TAXON_VECTOR_KERNEL(name, Args)          \
  namespace baseline {                           \
  void name(const Args& args, const Exec& exec); \
  }
#define TAXON_VECTOR_ROWS(op, exact, declines, scratch, name) \
  { op "/vector/baseline", Needs::baseline, exact, declines, scratch, baseline::name }
#endif

namespace taxon::kernels {

/// The table for f64 holds the reference alone.
template <class Args, size_t A, size_t B>
Rows<Args> pick(Type type, const Row<Args> (&f32)[A], const Row<Args> (&f64)[B]) {
  return type == Type::f64 ? Rows<Args>{f64, B} : Rows<Args>{f32, A};
}
template <class Args, size_t A, size_t B, size_t C>
Rows<Args> pick(Type type, const Row<Args> (&f32)[A], const Row<Args> (&f64)[B],
                const Row<Args> (&bf16)[C]) {
  return type == Type::bf16 ? Rows<Args>{bf16, C} : pick(type, f32, f64);
}

}  // namespace taxon::kernels
