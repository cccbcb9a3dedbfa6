// What the processor can do at best: loops of multiply-adds in registers, to hold kernels against.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

/// Runs `rounds` rounds of independent f32 multiply-adds with the widest vectors of a level of ISA
/// (baseline, avx2 or avx512; higher levels count as avx512) and returns the floating-point
/// operations done (two a multiply-add).
double peak_f32(Needs isa, int64_t rounds);
/// The same with the bf16 dot products of AVX-512 BF16; 0 if the build or the level lacks them.
double peak_bf16(Needs isa, int64_t rounds);
/// The same with the bf16 tiles of AMX; 0 if the build, the level or the system lacks them.
double peak_amx(Needs isa, int64_t rounds);
/// a[i] = b[i] + s * c[i] (STREAM's triad).
void triad(int64_t n, float s, const float* b, const float* c, float* a);

}  // namespace taxon::kernels
