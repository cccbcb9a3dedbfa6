// Times batch normalisation on the activations of ResNet-18, and layer normalisation.
#include "arrays.h"

#include <taxon/kernels/norm.h>

using namespace taxon::kernels;
using namespace taxon::bench;

namespace {

void add_batch_norm(const Activation& a, Type type) {
  const std::int64_t n = a.rows * a.channels, c = a.channels;
  const double bytes = bytes_of(type, n);
  BatchNormArgs forward;
  forward.rows = a.rows;
  forward.channels = c;
  add_arrays<BatchNormArgs>(
      batch_norm_rows(type), forward, named(type, a.name), 3 * bytes, {n, c, c}, {n, c, c},
      [](BatchNormArgs& g, float* const* in, float* const* out) {
        g.x = in[0];
        g.weight = in[1];
        g.bias = in[2];
        g.y = out[0];
        g.mean = out[1];
        g.var = out[2];
      },
      1e-4, narrow_if(type, {1, 1}));
  BatchNormGradArgs grad;
  grad.rows = a.rows;
  grad.channels = c;
  grad.eps = 2;  // the variances are reals in [-1, 1)
  add_arrays<BatchNormGradArgs>(
      batch_norm_grad_rows(type), grad, named(type, a.name), 5 * bytes, {n, n, c, c, c}, {n, c, c},
      [](BatchNormGradArgs& g, float* const* in, float* const* out) {
        g.x = in[0];
        g.dy = in[1];
        g.weight = in[2];
        g.mean = in[3];
        g.var = in[4];
        g.dx = out[0];
        g.dweight = out[1];
        g.dbias = out[2];
      },
      1e-3, narrow_if(type, {2, 1}));
}

void add_layer_norm(std::int64_t rows, std::int64_t cols, Type type) {
  const std::string name = named(type, std::to_string(rows) + "x" + std::to_string(cols));
  const double bytes = bytes_of(type, rows * cols);
  LayerNormArgs forward;
  forward.rows = rows;
  forward.cols = cols;
  add_arrays<LayerNormArgs>(
      layer_norm_rows(type), forward, name, 2 * bytes, {rows * cols, cols, cols},
      {rows * cols, rows, rows},
      [](LayerNormArgs& g, float* const* in, float* const* out) {
        g.x = in[0];
        g.weight = in[1];
        g.bias = in[2];
        g.y = out[0];
        g.mean = out[1];
        g.rstd = out[2];
      },
      1e-4, narrow_if(type, {1, 1}));
  LayerNormGradArgs grad;
  grad.rows = rows;
  grad.cols = cols;
  add_arrays<LayerNormGradArgs>(
      layer_norm_grad_rows(type), grad, name, 3 * bytes,
      {rows * cols, rows * cols, cols, rows, rows}, {rows * cols, cols, cols},
      [](LayerNormGradArgs& g, float* const* in, float* const* out) {
        g.x = in[0];
        g.dy = in[1];
        g.weight = in[2];
        g.mean = in[3];
        g.rstd = in[4];
        g.dx = out[0];
        g.dweight = out[1];
        g.dbias = out[2];
      },
      1e-3, narrow_if(type, {2, 1}));
}

const bool registered = add_family([] {
  for (const Type type : {Type::f32, Type::bf16}) {
    for (const Activation& a : resnet18_activations()) add_batch_norm(a, type);
    add_batch_norm({128 * 32 * 32, 16, "128x32x32x16"}, type);  // of ResNet-20
    add_batch_norm({128 * 8 * 8, 64, "128x8x8x64"}, type);
    add_layer_norm(128 * 64, 256, type);
    add_layer_norm(128, 512, type);
  }
});

}  // namespace
