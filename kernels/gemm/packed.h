// The fast matrix product, on the inner kernels of one instruction set.
#pragma once

#include <taxon/kernels/gemm.h>
#include "gemm/micro.h"

namespace taxon::kernels {

void packed_gemm(const GemmArgs& args, const Exec& exec, const Micro& micro);
size_t packed_gemm_scratch(const GemmArgs& args, int threads, const Micro& micro);

/// The product by its definition, for float and double.
template <class T>
void reference_gemm(const GemmArgs& args, const Exec& exec);

}  // namespace taxon::kernels
