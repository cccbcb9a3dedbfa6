// The tables of convolution, one a direction.
#include <taxon/kernels/conv2d.h>

#include <taxon/base/dtype.h>

#include "depthwise.h"
#include "gather.h"
#include "reference.h"
#include "winograd.h"

namespace taxon::kernels {
namespace {

using Declines = const char* (*)(const Conv2dArgs&);

/// Matrix products on an instruction set's inner kernels, on images of one storage type.
template <auto f, auto scratch, const auto& micro, const Storage& storage>
constexpr Row<Conv2dArgs> products(const char* name, Needs needs, Declines declines = nullptr) {
  return {
      name,
      needs,
      true,
      declines,
      [](const Conv2dArgs& args, int threads) { return scratch(args, threads, micro, storage); },
      [](const Conv2dArgs& args, const Exec& exec) { f(args, exec, micro, storage); }};
}

/// Forward, with weights prepared once for many calls.
template <const auto& micro>
constexpr Row<Conv2dArgs> preparing_products(Row<Conv2dArgs> row) {
  row.prepared_bytes = [](const Conv2dArgs& args) { return gather_prepared_bytes(args, micro); };
  row.prepare = [](const Conv2dArgs& args, const Exec& exec, void* to) {
    gather_prepare(args, exec, micro, to);
  };
  return row;
}
template <const Micro& micro, const WinogradMicro& transform, const Storage& storage>
constexpr Row<Conv2dArgs> preparing_winograd(Row<Conv2dArgs> row) {
  row.prepared_bytes = [](const Conv2dArgs& args) {
    return winograd_prepared_bytes(args, {&micro, &transform, &storage});
  };
  row.prepare = [](const Conv2dArgs& args, const Exec& exec, void* to) {
    winograd_prepare(args, exec, {&micro, &transform, &storage}, to);
  };
  return row;
}

/// The gradient of the weights from pairs of bf16.
template <const Products& products>
constexpr Row<Conv2dArgs> weight_pairs(const char* name, Needs needs, Declines declines) {
  return {name,
          needs,
          true,
          declines,
          [](const Conv2dArgs& args, int threads) {
            return pair_backward_weight_scratch(
                args, threads, {&products, &avx512::pairs, &avx512::bf16_kept, &avx512::f32});
          },
          [](const Conv2dArgs& args, const Exec& exec) {
            pair_backward_weight(args, exec,
                                 {&products, &avx512::pairs, &avx512::bf16_kept, &avx512::f32});
          }};
}

template <const Micro& micro>
constexpr Row<Conv2dArgs> scatter(const char* name, Needs needs) {
  return {
      name,
      needs,
      true,
      scatter_declines,
      [](const Conv2dArgs& args, int threads) {
        return scatter_backward_data_scratch(args, threads, micro);
      },
      [](const Conv2dArgs& args, const Exec& exec) { scatter_backward_data(args, exec, micro); }};
}

template <auto f, const Micro& micro, const DepthwiseMicro& inner>
constexpr Row<Conv2dArgs> depthwise(const char* name, Needs needs) {
  return {name,
          needs,
          true,
          depthwise_declines,
          depthwise_scratch,
          [](const Conv2dArgs& args, const Exec& exec) { f(args, exec, micro, inner); }};
}

template <auto f, auto scratch, Declines declines, const Micro& micro,
          const WinogradMicro& transform, const Storage& storage>
constexpr Row<Conv2dArgs> winograd(const char* name, Needs needs) {
  return {name,
          needs,
          false,
          declines,
          [](const Conv2dArgs& args, int threads) {
            return scratch(args, threads, {&micro, &transform, &storage});
          },
          [](const Conv2dArgs& args, const Exec& exec) {
            f(args, exec, {&micro, &transform, &storage});
          }};
}

constexpr Row<Conv2dArgs> reference(const char* name, void (*f)(const Conv2dArgs&, const Exec&)) {
  return {name, Needs::baseline, true, nullptr, nullptr, f};
}

// The rows of a direction on one instruction set and storage type. `row` is winograd (stride 1) or
// winograd_s2 (stride 2).
#define TAXON_WINOGRAD(row, direction, isa, points, storage)                                   \
  winograd<winograd_##direction, winograd_##direction##_scratch, row##_##direction##_declines, \
           isa::micro, isa::points, isa::storage>("conv2d_" #direction "/" #row "/" #isa,      \
                                                  Needs::isa)
#define TAXON_DEPTHWISE(direction, isa)                         \
  depthwise<depthwise_##direction, isa::micro, isa::depthwise>( \
      "conv2d_" #direction "/depthwise/" #isa, Needs::isa)
#define TAXON_GEMM(direction, isa, storage)                                             \
  products<gather_##direction, gather_##direction##_scratch, isa::micro, isa::storage>( \
      "conv2d_" #direction "/implicit_gemm/" #isa, Needs::isa)

// bf16 multiplied in pairs as it is stored.
#define TAXON_PAIRS(direction, kind, isa)                                                       \
  products<gather_##direction, gather_##direction##_scratch, isa::products, avx512::bf16_kept>( \
      "conv2d_" #direction "/" #kind "/" #isa, Needs::isa, kind##_##direction##_declines)

// The same in Winograd's products.
#define TAXON_WINOGRAD_DOTS(direction)                                                \
  winograd<winograd_##direction, winograd_##direction##_scratch,                      \
           winograd_dots_##direction##_declines, avx512::micro, avx512bf16::winograd, \
           avx512::bf16>("conv2d_" #direction "/winograd_dots/avx512bf16", Needs::avx512bf16)

// Forward, the weights prepared once for many calls.
#define TAXON_FORWARD_WINOGRAD(row, isa, points, storage)    \
  preparing_winograd<isa::micro, isa::points, isa::storage>( \
      TAXON_WINOGRAD(row, forward, isa, points, storage))
#define TAXON_FORWARD_GEMM(isa, storage) \
  preparing_products<isa::micro>(TAXON_GEMM(forward, isa, storage))

#define TAXON_FORWARD_F32(isa)                                                         \
  TAXON_FORWARD_WINOGRAD(winograd, isa, winograd, f32), TAXON_DEPTHWISE(forward, isa), \
      TAXON_FORWARD_GEMM(isa, f32)
#define TAXON_BACKWARD_DATA_F32(isa)                                         \
  TAXON_WINOGRAD(winograd, backward_data, isa, winograd, f32),               \
      TAXON_DEPTHWISE(backward_data, isa),                                   \
      scatter<isa::micro>("conv2d_backward_data/scatter/" #isa, Needs::isa), \
      TAXON_GEMM(backward_data, isa, f32)
#define TAXON_BACKWARD_WEIGHT_F32(isa)                           \
  TAXON_WINOGRAD(winograd, backward_weight, isa, winograd, f32), \
      TAXON_DEPTHWISE(backward_weight, isa), TAXON_GEMM(backward_weight, isa, f32)
#define TAXON_FORWARD_BF16(isa) \
  TAXON_FORWARD_WINOGRAD(winograd, isa, winograd_bf16, bf16), TAXON_FORWARD_GEMM(isa, bf16)
#define TAXON_BACKWARD_DATA_BF16(isa)                                \
  TAXON_WINOGRAD(winograd, backward_data, isa, winograd_bf16, bf16), \
      TAXON_GEMM(backward_data, isa, bf16)
#define TAXON_BACKWARD_WEIGHT_BF16(isa)                                \
  TAXON_WINOGRAD(winograd, backward_weight, isa, winograd_bf16, bf16), \
      TAXON_GEMM(backward_weight, isa, bf16)

#if defined(__x86_64__) || defined(_M_X64)
#define TAXON_EACH_ISA(rows) rows(avx512), rows(avx2), rows(baseline)
// Stride 2 by phases, f32: a quarter of a megabyte of code an instruction set, not for the portable
// one. In bf16 dot products are faster.
#define TAXON_FORWARD_S2(isa) TAXON_FORWARD_WINOGRAD(winograd_s2, isa, winograd_s2, f32)
#define TAXON_BACKWARD_DATA_S2(isa) \
  TAXON_WINOGRAD(winograd_s2, backward_data, isa, winograd_s2_data, f32)
#define TAXON_BACKWARD_WEIGHT_S2(isa) \
  TAXON_WINOGRAD(winograd_s2, backward_weight, isa, winograd_s2, f32)
#define TAXON_F32_ROWS(direction)                                                                \
  TAXON_##direction##_S2(avx512), TAXON_##direction##_F32(avx512), TAXON_##direction##_S2(avx2), \
      TAXON_##direction##_F32(avx2), TAXON_##direction##_F32(baseline)
#define TAXON_FORWARD_PAIRS                                                    \
  preparing_products<amx::products>(TAXON_PAIRS(forward, tile_products, amx)), \
      preparing_winograd<avx512::micro, avx512bf16::winograd, avx512::bf16>(   \
          TAXON_WINOGRAD_DOTS(forward)),                                       \
      preparing_products<avx512bf16::products>(TAXON_PAIRS(forward, dot_products, avx512bf16)),
#define TAXON_WEIGHT_PAIRS(kind, isa)                                               \
  weight_pairs<isa::products>("conv2d_backward_weight/" #kind "/" #isa, Needs::isa, \
                              kind##_backward_weight_declines),
#define TAXON_BACKWARD_WEIGHT_PAIRS      \
  TAXON_WEIGHT_PAIRS(tile_products, amx) \
  TAXON_WINOGRAD_DOTS(backward_weight), TAXON_WEIGHT_PAIRS(dot_products, avx512bf16)
#define TAXON_BACKWARD_DATA_PAIRS                                                     \
  TAXON_PAIRS(backward_data, tile_products, amx), TAXON_WINOGRAD_DOTS(backward_data), \
      TAXON_PAIRS(backward_data, dot_products, avx512bf16),
#else
#define TAXON_EACH_ISA(rows) rows(baseline)
#define TAXON_F32_ROWS(direction) TAXON_##direction##_F32(baseline)
#define TAXON_FORWARD_PAIRS
#define TAXON_BACKWARD_DATA_PAIRS
#define TAXON_BACKWARD_WEIGHT_PAIRS
#endif

constexpr Row<Conv2dArgs> forward_f32[] = {
    TAXON_F32_ROWS(FORWARD),
    reference("conv2d_forward/reference", reference_forward<float>),
};
constexpr Row<Conv2dArgs> forward_bf16[] = {
    TAXON_FORWARD_PAIRS TAXON_EACH_ISA(TAXON_FORWARD_BF16),
    reference("conv2d_forward/reference", reference_forward<taxon::bf16>),
};
constexpr Row<Conv2dArgs> forward_f64[] = {
    reference("conv2d_forward/reference", reference_forward<double>),
};

constexpr Row<Conv2dArgs> backward_data_f32[] = {
    TAXON_F32_ROWS(BACKWARD_DATA),
    reference("conv2d_backward_data/reference", reference_backward_data<float>),
};
constexpr Row<Conv2dArgs> backward_data_bf16[] = {
    TAXON_BACKWARD_DATA_PAIRS TAXON_EACH_ISA(TAXON_BACKWARD_DATA_BF16),
    reference("conv2d_backward_data/reference", reference_backward_data<taxon::bf16>),
};
constexpr Row<Conv2dArgs> backward_data_f64[] = {
    reference("conv2d_backward_data/reference", reference_backward_data<double>),
};

constexpr Row<Conv2dArgs> backward_weight_f32[] = {
    TAXON_F32_ROWS(BACKWARD_WEIGHT),
    reference("conv2d_backward_weight/reference", reference_backward_weight<float>),
};
constexpr Row<Conv2dArgs> backward_weight_bf16[] = {
    TAXON_BACKWARD_WEIGHT_PAIRS TAXON_EACH_ISA(TAXON_BACKWARD_WEIGHT_BF16),
    reference("conv2d_backward_weight/reference", reference_backward_weight<taxon::bf16>),
};
constexpr Row<Conv2dArgs> backward_weight_f64[] = {
    reference("conv2d_backward_weight/reference", reference_backward_weight<double>),
};

template <size_t f32, size_t bf16, size_t f64>
Rows<Conv2dArgs> pick(Type type, const Row<Conv2dArgs> (&f32_rows)[f32],
                      const Row<Conv2dArgs> (&bf16_rows)[bf16],
                      const Row<Conv2dArgs> (&f64_rows)[f64]) {
  if (type == Type::f32) return {f32_rows, f32};
  if (type == Type::bf16) return {bf16_rows, bf16};
  return {f64_rows, f64};
}

}  // namespace

Rows<Conv2dArgs> conv2d_forward_rows(Type type) {
  return pick(type, forward_f32, forward_bf16, forward_f64);
}

Rows<Conv2dArgs> conv2d_backward_data_rows(Type type) {
  return pick(type, backward_data_f32, backward_data_bf16, backward_data_f64);
}

Rows<Conv2dArgs> conv2d_backward_weight_rows(Type type) {
  return pick(type, backward_weight_f32, backward_weight_bf16, backward_weight_f64);
}

}  // namespace taxon::kernels
