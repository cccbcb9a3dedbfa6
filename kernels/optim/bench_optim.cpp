// Times optimizer updates of ResNet-18's parameters.
#include "arrays.h"

#include <taxon/kernels/optim.h>

using namespace taxon::kernels;
using namespace taxon::bench;

namespace {

const bool registered = add_family([] {
  for (const std::int64_t n : {std::int64_t{11173962}, std::int64_t{36864}}) {
    const auto bytes = 4.0 * static_cast<double>(n);
    const std::string shape = std::to_string(n);
    SgdArgs sgd;
    sgd.n = n;
    sgd.lr = 1e-3;
    sgd.momentum = 0.9;
    sgd.weight_decay = 5e-4;
    sgd.nesterov = true;
    add_arrays<SgdArgs>(sgd_rows(Type::f32), sgd, shape, 5 * bytes, {n}, {n, n},
                        [](SgdArgs& a, float* const* in, float* const* out) {
                          a.g = in[0];
                          a.p = out[0];
                          a.v = out[1];
                        });
    AdamWArgs adamw;
    adamw.n = n;
    adamw.lr = 1e-3;
    adamw.weight_decay = 1e-2;
    add_arrays<AdamWArgs>(adamw_rows(Type::f32), adamw, shape, 7 * bytes, {n}, {n, n, n},
                          [](AdamWArgs& a, float* const* in, float* const* out) {
                            a.g = in[0];
                            a.p = out[0];
                            a.m = out[1];
                            a.v = out[2];
                          });
    LerpArgs lerp;
    lerp.n = n;
    lerp.weight = 1e-3;
    add_arrays<LerpArgs>(lerp_rows(Type::f32), lerp, shape, 3 * bytes, {n}, {n},
                         [](LerpArgs& a, float* const* in, float* const* out) {
                           a.x = in[0];
                           a.y = out[0];
                         });
  }
});

}  // namespace
