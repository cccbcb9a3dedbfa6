// Winograd's convolution of stride 1 with f32 products.
#include "winograd_stride1.h"

namespace taxon::kernels {
namespace TAXON_ISA {
namespace {

template <class P, class T>
constexpr WinogradMicro set() {
  return {&winograd_stride1,
          1,
          input<P, T, WholeWords>,
          input<P, T, WholeWords>,
          output_grad<P, T, WholeWords>,
          weight<P, WholeWords>,
          winograd_product,
          winograd_outer,
          output<P, T>,
          weight_grad<P>};
}

}  // namespace

const WinogradMicro winograd = set<LowError, float>();
const WinogradMicro winograd_bf16 = set<LowError, Bf16>();
const WinogradMicro winograd_integer = set<Integer, float>();

}  // namespace TAXON_ISA
}  // namespace taxon::kernels
