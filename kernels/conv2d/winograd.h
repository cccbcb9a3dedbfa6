// Convolution of 3x3 filters by Winograd's minimal filtering, F(4x4, 3x3): a tile of 4x4 outputs
// costs 36 multiplications a channel pair instead of 144 (Lavin and Gray 2016, "Fast Algorithms for
// Convolutional Neural Networks"). Inputs and weights are transformed, multiplied as 36 matrix
// products over the channels, and transformed back:
//
//   Y = A^T [ (G g G^T) * (B^T d B) ] A
//
// with interpolation points 0, +-3/4, +-3/2 and infinity, whose error in f32 is several times
// smaller than that of the usual 0, +-1, +-2 (Barabasz et al. 2020, "Error Analysis and Improving
// the Accuracy of Winograd Convolution for Deep Neural Networks").
#pragma once

#include <taxon/kernels/conv2d.h>
#include "gemm/micro.h"

#include "winograd_forms.h"

namespace taxon::kernels {

/// Where a tile of rows x cols (at most WinogradForm::tile) pixels goes, + bias, + residual, then
/// ReLU. Strides are in elements of the storage type.
struct WinogradOutput {
  void* y;
  const float* bias;     ///< or null
  const void* residual;  ///< laid out as y, or null
  int64_t row_stride, pixel_stride;
  int rows, cols;
  bool relu;
  bool stream;  ///< past the caches: channels a multiple of the vector, y aligned
};

/// m[tile][column] = sum over channels and parts of v[tile][channel] * u[channel][column]: a few
/// tiles, whole vectors of columns that lie side by side. v is stored in slabs of `row` words (16
/// or 32; see WinogradMicro), a tile after the other.
struct WinogradProduct {
  const float* v;
  int64_t row, slab_stride, depth;  ///< depth: words of a tile
  const float* u;
  float* m;
  int64_t parts, v_part, u_part;
};

/// sums[filter][channel] (+)= sum over steps of grad[step][filter] * input[step][channel]: a few
/// filters, whole vectors of channels; a step is a row of words, of one or two tiles.
struct WinogradOuter {
  const float* grad;
  const float* input;
  int64_t grad_row, input_row, steps;
  float* sums;
  int64_t sums_row;
  bool accumulate;
};

/// One tile to be transformed: its pixels row by row (zeros where they leave the image), and pixels
/// that will be wanted soon.
struct WinogradPixels {
  const void* const* pixels;
  const void* const* ahead;
  int64_t channels;
};
/// Where transformed values go: [xi][slab][tile][row of a slab].
struct WinogradValues {
  float* words;  ///< those of this tile
  int64_t xi_stride, slab_stride;
  int half;  ///< of each word, where a word holds values of two tiles: the first fills both
};

/// The transforms and products of one instruction set and storage type of images. Transformed
/// values lie in words of 32 bits, [xi][slab][tile][row of a slab], xi = 0 .. form->values - 1,
/// with up to kSlab words of a tile in a slab. A word is one f32, or two bf16 that are summed by
/// the same multiplication: neighbouring channels, or, for the gradient of the weights,
/// neighbouring tiles.
struct WinogradMicro {
  const WinogradForm* form;
  int64_t word;  ///< values in a word: 1 or 2
  /// B^T d B of one tile, to be summed over channels; word * 8 channels or more are written.
  void (*input)(const WinogradPixels&, const WinogradValues&);
  /// The same, to be summed over tiles.
  void (*input_of_sum)(const WinogradPixels&, const WinogradValues&);
  /// A y A^T of one tile of the output's gradient, 16 pixels, to be summed over tiles.
  void (*output_grad)(const WinogradPixels&, const WinogradValues&);
  /// G g G^T for `rows` x `cols` filters: nine taps, each `rows` rows of `cols` elements; words of
  /// `word` rows, filled up with zeros to `width` columns, a multiple of the vector.
  void (*weight)(const float* const* taps, int64_t row_stride, int64_t rows, int64_t cols, float* u,
                 int64_t xi_stride, int64_t width);
  /// At most as many rows as the tiles of Micro, one or two vectors.
  void (*product)(const WinogradProduct&, int rows, int vectors);
  void (*outer)(const WinogradOuter&, int rows, int vectors);
  /// A^T m A of one tile.
  void (*output)(const WinogradOutput& to, const float* m, int64_t xi_stride, int64_t channels);
  /// G^T s G for `count` sums, s = the sum of `chunks` arrays; nine taps of `count` elements.
  void (*weight_grad)(const float* sums, int64_t xi_stride, int64_t chunks, int64_t chunk_stride,
                      int64_t count, float* dw, int64_t tap_stride);
};

namespace baseline {
void winograd_product(const WinogradProduct&, int rows, int vectors);
void winograd_outer(const WinogradOuter&, int rows, int vectors);
extern const WinogradMicro winograd, winograd_bf16, winograd_integer;
}  // namespace baseline
namespace avx2 {
void winograd_product(const WinogradProduct&, int rows, int vectors);
void winograd_outer(const WinogradOuter&, int rows, int vectors);
extern const WinogradMicro winograd, winograd_bf16, winograd_integer;
extern const WinogradMicro winograd_s2, winograd_s2_integer;
extern const WinogradMicro winograd_s2_data, winograd_s2_data_integer;
}  // namespace avx2
namespace avx512 {
void winograd_product(const WinogradProduct&, int rows, int vectors);
void winograd_outer(const WinogradOuter&, int rows, int vectors);
extern const WinogradMicro winograd, winograd_bf16, winograd_integer;
extern const WinogradMicro winograd_s2, winograd_s2_integer;
extern const WinogradMicro winograd_s2_data, winograd_s2_data_integer;
}  // namespace avx512
namespace avx512bf16 {
// Products of pairs of bf16.
void winograd_product(const WinogradProduct&, int rows, int vectors);
void winograd_outer(const WinogradOuter&, int rows, int vectors);
extern const WinogradMicro winograd, winograd_integer;  // images of bf16; of f32, for tests
}  // namespace avx512bf16

/// What a call needs: products and transforms of one instruction set. The `winograd_integer` set
/// has the points 0, +-1, +-2, with which suitable integers stay exact: for tests.
struct WinogradSet {
  const Micro* micro;
  const WinogradMicro* transform;
  const Storage* storage;  ///< that of `transform`
};

/// Tiles of 4x4 outputs of all images.
int64_t winograd_output_tiles(const Conv2dArgs& args);

/// The reason why these sizes cannot or should not be done so, or nullptr.
const char* winograd_forward_declines(const Conv2dArgs& args);
const char* winograd_backward_data_declines(const Conv2dArgs& args);
const char* winograd_backward_weight_declines(const Conv2dArgs& args);
/// Those of pairs of bf16.
const char* winograd_dots_forward_declines(const Conv2dArgs& args);
const char* winograd_dots_backward_data_declines(const Conv2dArgs& args);
const char* winograd_dots_backward_weight_declines(const Conv2dArgs& args);
const char* winograd_s2_forward_declines(const Conv2dArgs& args);
const char* winograd_s2_backward_data_declines(const Conv2dArgs& args);
const char* winograd_s2_backward_weight_declines(const Conv2dArgs& args);

void winograd_forward(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set);
/// The transformed weights of all panels, for Conv2dArgs::prepared.
size_t winograd_prepared_bytes(const Conv2dArgs& args, const WinogradSet& set);
void winograd_prepare(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set, void* to);
size_t winograd_forward_scratch(const Conv2dArgs& args, int threads, const WinogradSet& set);
void winograd_backward_data(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set);
size_t winograd_backward_data_scratch(const Conv2dArgs& args, int threads, const WinogradSet& set);
void winograd_backward_weight(const Conv2dArgs& args, const Exec& exec, const WinogradSet& set);
size_t winograd_backward_weight_scratch(const Conv2dArgs& args, int threads,
                                        const WinogradSet& set);

}  // namespace taxon::kernels
