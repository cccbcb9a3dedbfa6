// Times softmax and the losses on the outputs of classifiers.
#include "arrays.h"

#include <taxon/kernels/softmax.h>

using namespace taxon::kernels;
using namespace taxon::bench;

namespace {

void add_softmax(std::int64_t rows, std::int64_t cols, const std::string& name) {
  const std::int64_t n = rows * cols;
  SoftmaxArgs forward;
  forward.outer = rows;
  forward.axis = cols;
  add_arrays<SoftmaxArgs>(softmax_rows(Type::f32), forward, name, 8.0 * static_cast<double>(n), {n},
                          {n}, [](SoftmaxArgs& g, float* const* in, float* const* out) {
                            g.x = in[0];
                            g.y = out[0];
                          });
  SoftmaxGradArgs grad;
  grad.outer = rows;
  grad.axis = cols;
  add_arrays<SoftmaxGradArgs>(softmax_grad_rows(Type::f32), grad, name,
                              12.0 * static_cast<double>(n), {n, n}, {n},
                              [](SoftmaxGradArgs& g, float* const* in, float* const* out) {
                                g.y = in[0];
                                g.dy = in[1];
                                g.dx = out[0];
                              });
}

/// For up to 128 rows of at least 10 classes.
std::vector<std::int64_t> some_targets() {
  std::vector<std::int64_t> targets;
  for (std::int64_t r = 0; r < 128; ++r) targets.push_back(r % 10);
  return targets;
}

void add_losses(std::int64_t rows, std::int64_t cols, const std::string& name) {
  const std::int64_t n = rows * cols;
  CrossEntropyArgs soft;
  soft.rows = rows;
  soft.cols = cols;
  add_arrays<CrossEntropyArgs>(
      cross_entropy_rows(Type::f32), soft, "soft/" + name, 12.0 * static_cast<double>(n), {n, n},
      {rows, n},
      [](CrossEntropyArgs& g, float* const* in, float* const* out) {
        g.logits = in[0];
        g.soft = in[1];
        g.loss = out[0];
        g.dlogits = out[1];
      },
      1e-2);
  static const std::vector<std::int64_t> targets = some_targets();
  CrossEntropyArgs index;
  index.rows = rows;
  index.cols = cols;
  index.mean = true;
  index.index = targets.data();
  add_arrays<CrossEntropyArgs>(
      cross_entropy_rows(Type::f32), index, "index/" + name, 8.0 * static_cast<double>(n), {n},
      {rows, 1, n},
      [](CrossEntropyArgs& g, float* const* in, float* const* out) {
        g.logits = in[0];
        g.loss = out[0];
        g.result = out[1];
        g.dlogits = out[2];
      },
      1e-3);
  BceArgs bce;
  bce.rows = rows;
  bce.cols = cols;
  add_arrays<BceArgs>(bce_rows(Type::f32), bce, name, 12.0 * static_cast<double>(n), {n, n}, {n},
                      [](BceArgs& g, float* const* in, float* const* out) {
                        g.x = in[0];
                        g.target = in[1];
                        g.loss = out[0];
                      });
}

const bool registered = add_family([] {
  for (const std::int64_t cols : {10, 100, 1000}) {
    const std::string name = "128x" + std::to_string(cols);
    add_softmax(128, cols, name);
    add_losses(128, cols, name);
  }
});

}  // namespace
