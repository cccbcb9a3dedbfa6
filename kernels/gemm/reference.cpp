// The matrix product by its definition. Sums run in double, in the order of k.
#include "packed.h"

namespace taxon::kernels {

template <class T>
void reference_gemm(const GemmArgs& args, const Exec& exec) {
  parallel(exec, args.batch * args.m, [&](int64_t task, int) {
    const int64_t batch = task / args.m, i = task % args.m;
    const T* a =
        static_cast<const T*>(args.a) + batch * args.stride_a + i * (args.trans_a ? 1 : args.lda);
    const T* b = static_cast<const T*>(args.b) + batch * args.stride_b;
    const int64_t a_step = args.trans_a ? args.lda : 1, b_step = args.trans_b ? 1 : args.ldb;
    const int64_t b_col = args.trans_b ? args.ldb : 1;
    T* c = static_cast<T*>(args.c) + batch * args.stride_c + i * args.ldc;
    for (int64_t j = 0; j < args.n; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < args.k; ++p) {
        sum += static_cast<double>(a[p * a_step]) * static_cast<double>(b[p * b_step + j * b_col]);
      }
      if (args.accumulate) sum += static_cast<double>(c[j]);
      if (args.bias != nullptr) sum += static_cast<double>(static_cast<const T*>(args.bias)[j]);
      c[j] = static_cast<T>(args.relu && sum < 0 ? 0 : sum);
    }
  });
}

template void reference_gemm<float>(const GemmArgs&, const Exec&);
template void reference_gemm<double>(const GemmArgs&, const Exec&);

}  // namespace taxon::kernels
