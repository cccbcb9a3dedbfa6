// Times batch normalisation on the activations of ResNet-18, and layer normalisation.
#include "arrays.h"

#include <taxon/kernels/norm.h>

using namespace taxon::kernels;
using namespace taxon::bench;

namespace {

void add_batch_norm(const Activation& a) {
  const std::int64_t n = a.rows * a.channels, c = a.channels;
  const double bytes = 4.0 * static_cast<double>(n);
  BatchNormArgs forward;
  forward.rows = a.rows;
  forward.channels = c;
  add_arrays<BatchNormArgs>(batch_norm_rows(Type::f32), forward, a.name, 3 * bytes, {n, c, c},
                            {n, c, c}, [](BatchNormArgs& g, float* const* in, float* const* out) {
                              g.x = in[0];
                              g.weight = in[1];
                              g.bias = in[2];
                              g.y = out[0];
                              g.mean = out[1];
                              g.var = out[2];
                            });
  BatchNormGradArgs grad;
  grad.rows = a.rows;
  grad.channels = c;
  grad.eps = 2;  // the variances are reals in [-1, 1)
  add_arrays<BatchNormGradArgs>(
      batch_norm_grad_rows(Type::f32), grad, a.name, 5 * bytes, {n, n, c, c, c}, {n, c, c},
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
      1e-3);
}

void add_layer_norm(std::int64_t rows, std::int64_t cols) {
  const std::string name = std::to_string(rows) + "x" + std::to_string(cols);
  const double bytes = 4.0 * static_cast<double>(rows * cols);
  LayerNormArgs forward;
  forward.rows = rows;
  forward.cols = cols;
  add_arrays<LayerNormArgs>(layer_norm_rows(Type::f32), forward, name, 2 * bytes,
                            {rows * cols, cols, cols}, {rows * cols, rows, rows},
                            [](LayerNormArgs& g, float* const* in, float* const* out) {
                              g.x = in[0];
                              g.weight = in[1];
                              g.bias = in[2];
                              g.y = out[0];
                              g.mean = out[1];
                              g.rstd = out[2];
                            });
  LayerNormGradArgs grad;
  grad.rows = rows;
  grad.cols = cols;
  add_arrays<LayerNormGradArgs>(
      layer_norm_grad_rows(Type::f32), grad, name, 3 * bytes,
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
      1e-3);
}

const bool registered = add_family([] {
  for (const Activation& a : resnet18_activations()) add_batch_norm(a);
  add_layer_norm(128 * 64, 256);
  add_layer_norm(128, 512);
});

}  // namespace
