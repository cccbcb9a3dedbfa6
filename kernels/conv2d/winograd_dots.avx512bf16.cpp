// Winograd's convolution of stride 1 whose products are those of pairs of bf16: VDPBF16PS does
// twice the multiplications of f32 in an instruction, and transformed values take half the memory.
#include "winograd_product.h"
#include "winograd_stride1.h"

namespace taxon::kernels::avx512bf16 {
namespace {

template <class P, class T>
void input_of_sum(const WinogradPixels& tile, const WinogradValues& to) {
  (to.half == 0 ? input<P, T, HalfWords<false>> : input<P, T, HalfWords<true>>)(tile, to);
}

template <class P, class T>
void output_grad_of_sum(const WinogradPixels& tile, const WinogradValues& to) {
  (to.half == 0 ? output_grad<P, T, HalfWords<false>> : output_grad<P, T, HalfWords<true>>)(tile,
                                                                                            to);
}

template <class P, class T>
constexpr WinogradMicro set() {
  return {&winograd_stride1,
          2,
          input<P, T, ChannelPairs>,
          input_of_sum<P, T>,
          output_grad_of_sum<P, T>,
          weight<P, RowPairs>,
          winograd_product,
          winograd_outer,
          output<P, T>,
          weight_grad<P>};
}

}  // namespace

const WinogradMicro winograd = set<LowError, Bf16>();
const WinogradMicro winograd_integer = set<Integer, float>();

}  // namespace taxon::kernels::avx512bf16
