// The fast convolutions, on the inner kernels of one instruction set.
#pragma once

#include <taxon/kernels/conv2d.h>
#include "gemm/micro.h"
#include "gemm/pairs.h"

namespace taxon::kernels {

/// Outputs of so many bytes go past the caches.
constexpr int64_t kStreamBytes = 12 << 20;

/// Forward, and the gradient of the input: implicit matrix products of f32, whatever the storage,
/// or of bf16 kept as it is.
void gather_forward(const Conv2dArgs& args, const Exec& exec, const Products& products,
                    const Storage& storage);
size_t gather_forward_scratch(const Conv2dArgs& args, int threads, const Products& products,
                              const Storage& storage);
/// The packed weights, for Conv2dArgs::prepared.
size_t gather_prepared_bytes(const Conv2dArgs& args, const Products& products);
void gather_prepare(const Conv2dArgs& args, const Exec& exec, const Products& products, void* to);
void gather_backward_data(const Conv2dArgs& args, const Exec& exec, const Products& products,
                          const Storage& storage);
size_t gather_backward_data_scratch(const Conv2dArgs& args, int threads, const Products& products,
                                    const Storage& storage);

/// Products of pairs want an even number of channels to sum over. AMX takes all of those (a
/// register of tiles multiplies 16 times what a vector of f32 does), VDPBF16PS what Winograd does
/// not.
const char* tile_products_forward_declines(const Conv2dArgs& args);
const char* tile_products_backward_data_declines(const Conv2dArgs& args);
const char* dot_products_forward_declines(const Conv2dArgs& args);
const char* dot_products_backward_data_declines(const Conv2dArgs& args);

/// The gradient of the input for few channels: products added to the image where the filter lay.
const char* scatter_declines(const Conv2dArgs& args);
void scatter_backward_data(const Conv2dArgs& args, const Exec& exec, const Micro& micro);
size_t scatter_backward_data_scratch(const Conv2dArgs& args, int threads, const Micro& micro);

/// The gradients of weight and bias.
void gather_backward_weight(const Conv2dArgs& args, const Exec& exec, const Micro& micro,
                            const Storage& storage);
size_t gather_backward_weight_scratch(const Conv2dArgs& args, int threads, const Micro& micro,
                                      const Storage& storage);
/// The gradients of weight and bias of bf16 images, from pairs of pixels as they are stored.
struct PairSet {
  const Products* products;
  const Pairs* pairs;
  const Storage* kept;  ///< bf16 to bf16
  const Storage* f32;
};
const char* tile_products_backward_weight_declines(const Conv2dArgs& args);
const char* dot_products_backward_weight_declines(const Conv2dArgs& args);
void pair_backward_weight(const Conv2dArgs& args, const Exec& exec, const PairSet& set);
size_t pair_backward_weight_scratch(const Conv2dArgs& args, int threads, const PairSet& set);

/// The gradient of the bias alone; `partial` has room for 8 x k elements.
void sum_bias(const Conv2dArgs& args, const Exec& exec, const Storage& f32, const Storage& storage,
              float* partial);

}  // namespace taxon::kernels
