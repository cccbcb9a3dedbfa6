// The tables of convolution, one a direction.
#include <taxon/kernels/conv2d.h>

#include "depthwise.h"
#include "gather.h"
#include "reference.h"
#include "winograd.h"

namespace taxon::kernels {
namespace {

using RunOn = void (*)(const Conv2dArgs&, const Exec&, const Micro&);
using ScratchOn = size_t (*)(const Conv2dArgs&, int, const Micro&);

template <RunOn f, const Micro& micro>
void run(const Conv2dArgs& args, const Exec& exec) {
  f(args, exec, micro);
}
template <ScratchOn f, const Micro& micro>
size_t scratch(const Conv2dArgs& args, int threads) {
  return f(args, threads, micro);
}

using RunDepthwise = void (*)(const Conv2dArgs&, const Exec&, const Micro&, const DepthwiseMicro&);

template <RunDepthwise f, const Micro& micro, const DepthwiseMicro& inner>
void run_depthwise(const Conv2dArgs& args, const Exec& exec) {
  f(args, exec, micro, inner);
}
template <RunDepthwise f, const Micro& micro, const DepthwiseMicro& inner>
constexpr Row<Conv2dArgs> depthwise(const char* name, Needs needs) {
  return {name, needs, true, depthwise_declines, depthwise_scratch, run_depthwise<f, micro, inner>};
}

template <const Micro& micro>
constexpr Row<Conv2dArgs> forward(const char* name, Needs needs) {
  return {name,
          needs,
          true,
          nullptr,
          scratch<gather_forward_scratch, micro>,
          run<gather_forward, micro>};
}
template <const Micro& micro>
constexpr Row<Conv2dArgs> backward_data(const char* name, Needs needs) {
  return {name,
          needs,
          true,
          nullptr,
          scratch<gather_backward_data_scratch, micro>,
          run<gather_backward_data, micro>};
}
template <const Micro& micro>
constexpr Row<Conv2dArgs> scatter(const char* name, Needs needs) {
  return {name,
          needs,
          true,
          scatter_declines,
          scratch<scatter_backward_data_scratch, micro>,
          run<scatter_backward_data, micro>};
}
template <const Micro& micro>
constexpr Row<Conv2dArgs> backward_weight(const char* name, Needs needs) {
  return {name,
          needs,
          true,
          nullptr,
          scratch<outer_backward_weight_scratch, micro>,
          run<outer_backward_weight, micro>};
}

using RunWinograd = void (*)(const Conv2dArgs&, const Exec&, const WinogradSet&);
using ScratchWinograd = size_t (*)(const Conv2dArgs&, int, const WinogradSet&);

template <RunWinograd f, const Micro& micro, const WinogradMicro& transform>
void run_winograd(const Conv2dArgs& args, const Exec& exec) {
  f(args, exec, {&micro, &transform});
}
template <ScratchWinograd f, const Micro& micro, const WinogradMicro& transform>
size_t scratch_winograd(const Conv2dArgs& args, int threads) {
  return f(args, threads, {&micro, &transform});
}
template <RunWinograd f, ScratchWinograd scratch, const Micro& micro,
          const WinogradMicro& transform>
constexpr Row<Conv2dArgs> winograd(const char* name, Needs needs) {
  return {name,
          needs,
          false,
          winograd_declines,
          scratch_winograd<scratch, micro, transform>,
          run_winograd<f, micro, transform>};
}

constexpr Row<Conv2dArgs> reference(const char* name, void (*f)(const Conv2dArgs&, const Exec&)) {
  return {name, Needs::baseline, true, nullptr, nullptr, f};
}

constexpr Row<Conv2dArgs> forward_f32[] = {
#if defined(__x86_64__) || defined(_M_X64)
    winograd<winograd_forward, winograd_forward_scratch, avx512::micro, avx512::winograd>(
        "conv2d_forward/winograd/avx512", Needs::avx512),
    depthwise<depthwise_forward, avx512::micro, avx512::depthwise>(
        "conv2d_forward/depthwise/avx512", Needs::avx512),
    forward<avx512::micro>("conv2d_forward/implicit_gemm/avx512", Needs::avx512),
    winograd<winograd_forward, winograd_forward_scratch, avx2::micro, avx2::winograd>(
        "conv2d_forward/winograd/avx2", Needs::avx2),
    depthwise<depthwise_forward, avx2::micro, avx2::depthwise>("conv2d_forward/depthwise/avx2",
                                                               Needs::avx2),
    forward<avx2::micro>("conv2d_forward/implicit_gemm/avx2", Needs::avx2),
#endif
    winograd<winograd_forward, winograd_forward_scratch, baseline::micro, baseline::winograd>(
        "conv2d_forward/winograd/baseline", Needs::baseline),
    depthwise<depthwise_forward, baseline::micro, baseline::depthwise>(
        "conv2d_forward/depthwise/baseline", Needs::baseline),
    forward<baseline::micro>("conv2d_forward/implicit_gemm/baseline", Needs::baseline),
    reference("conv2d_forward/reference", reference_forward<float>),
};
constexpr Row<Conv2dArgs> forward_f64[] = {
    reference("conv2d_forward/reference", reference_forward<double>),
};

constexpr Row<Conv2dArgs> backward_data_f32[] = {
#if defined(__x86_64__) || defined(_M_X64)
    winograd<winograd_backward_data, winograd_backward_data_scratch, avx512::micro,
             avx512::winograd>("conv2d_backward_data/winograd/avx512", Needs::avx512),
    depthwise<depthwise_backward_data, avx512::micro, avx512::depthwise>(
        "conv2d_backward_data/depthwise/avx512", Needs::avx512),
    scatter<avx512::micro>("conv2d_backward_data/scatter/avx512", Needs::avx512),
    backward_data<avx512::micro>("conv2d_backward_data/implicit_gemm/avx512", Needs::avx512),
    winograd<winograd_backward_data, winograd_backward_data_scratch, avx2::micro, avx2::winograd>(
        "conv2d_backward_data/winograd/avx2", Needs::avx2),
    depthwise<depthwise_backward_data, avx2::micro, avx2::depthwise>(
        "conv2d_backward_data/depthwise/avx2", Needs::avx2),
    scatter<avx2::micro>("conv2d_backward_data/scatter/avx2", Needs::avx2),
    backward_data<avx2::micro>("conv2d_backward_data/implicit_gemm/avx2", Needs::avx2),
#endif
    winograd<winograd_backward_data, winograd_backward_data_scratch, baseline::micro,
             baseline::winograd>("conv2d_backward_data/winograd/baseline", Needs::baseline),
    depthwise<depthwise_backward_data, baseline::micro, baseline::depthwise>(
        "conv2d_backward_data/depthwise/baseline", Needs::baseline),
    scatter<baseline::micro>("conv2d_backward_data/scatter/baseline", Needs::baseline),
    backward_data<baseline::micro>("conv2d_backward_data/implicit_gemm/baseline", Needs::baseline),
    reference("conv2d_backward_data/reference", reference_backward_data<float>),
};
constexpr Row<Conv2dArgs> backward_data_f64[] = {
    reference("conv2d_backward_data/reference", reference_backward_data<double>),
};

constexpr Row<Conv2dArgs> backward_weight_f32[] = {
#if defined(__x86_64__) || defined(_M_X64)
    winograd<winograd_backward_weight, winograd_backward_weight_scratch, avx512::micro,
             avx512::winograd>("conv2d_backward_weight/winograd/avx512", Needs::avx512),
    depthwise<depthwise_backward_weight, avx512::micro, avx512::depthwise>(
        "conv2d_backward_weight/depthwise/avx512", Needs::avx512),
    backward_weight<avx512::micro>("conv2d_backward_weight/implicit_gemm/avx512", Needs::avx512),
    winograd<winograd_backward_weight, winograd_backward_weight_scratch, avx2::micro,
             avx2::winograd>("conv2d_backward_weight/winograd/avx2", Needs::avx2),
    depthwise<depthwise_backward_weight, avx2::micro, avx2::depthwise>(
        "conv2d_backward_weight/depthwise/avx2", Needs::avx2),
    backward_weight<avx2::micro>("conv2d_backward_weight/implicit_gemm/avx2", Needs::avx2),
#endif
    winograd<winograd_backward_weight, winograd_backward_weight_scratch, baseline::micro,
             baseline::winograd>("conv2d_backward_weight/winograd/baseline", Needs::baseline),
    depthwise<depthwise_backward_weight, baseline::micro, baseline::depthwise>(
        "conv2d_backward_weight/depthwise/baseline", Needs::baseline),
    backward_weight<baseline::micro>("conv2d_backward_weight/implicit_gemm/baseline",
                                     Needs::baseline),
    reference("conv2d_backward_weight/reference", reference_backward_weight<float>),
};
constexpr Row<Conv2dArgs> backward_weight_f64[] = {
    reference("conv2d_backward_weight/reference", reference_backward_weight<double>),
};

}  // namespace

Rows<Conv2dArgs> conv2d_forward_rows(Type type) {
  if (type == Type::f32) return {forward_f32, sizeof(forward_f32) / sizeof(forward_f32[0])};
  return {forward_f64, sizeof(forward_f64) / sizeof(forward_f64[0])};
}

Rows<Conv2dArgs> conv2d_backward_data_rows(Type type) {
  if (type == Type::f32) {
    return {backward_data_f32, sizeof(backward_data_f32) / sizeof(backward_data_f32[0])};
  }
  return {backward_data_f64, sizeof(backward_data_f64) / sizeof(backward_data_f64[0])};
}

Rows<Conv2dArgs> conv2d_backward_weight_rows(Type type) {
  if (type == Type::f32) {
    return {backward_weight_f32, sizeof(backward_weight_f32) / sizeof(backward_weight_f32[0])};
  }
  return {backward_weight_f64, sizeof(backward_weight_f64) / sizeof(backward_weight_f64[0])};
}

}  // namespace taxon::kernels
