// The fast matrix product, on the inner kernels of one instruction set.
#pragma once

#include <taxon/kernels/gemm.h>
#include "gemm/micro.h"

namespace taxon::kernels {

void packed_gemm(const GemmArgs& args, const Exec& exec, const Micro& micro);
size_t packed_gemm_scratch(const GemmArgs& args, int threads, const Micro& micro);

/// B, given transposed, packed for many calls; 0 bytes for products that read it where it is.
size_t packed_gemm_prepared_bytes(const GemmArgs& args, const Micro& micro);
void packed_gemm_prepare(const GemmArgs& args, const Exec& exec, const Micro& micro, void* to);

/// The product by its definition, for float and double.
template <class T>
void reference_gemm(const GemmArgs& args, const Exec& exec);

}  // namespace taxon::kernels
