// Optimizer updates against the reference, and the reference against PyTorch's numbers.
#include <taxon/kernels/optim.h>

#include <cfloat>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

constexpr double eps = FLT_EPSILON;

const auto bind_sgd = [](SgdArgs& args, Buffers& out) {
  args.p = out[0].data();
  args.v = out.size() > 1 ? out[1].data() : nullptr;
};
const auto bind_adamw = [](AdamWArgs& args, Buffers& out) {
  args.p = out[0].data();
  args.m = out[1].data();
  args.v = out[2].data();
};

}  // namespace

TEST_CASE("sgd with numbers that are exact", "[optim]") {
  for (const std::int64_t n : {1, 2, 3, 15, 16, 17, 33, 1000, 70001}) {
    const Guarded<float> g = integers(n, 1);
    for (const int variant : {0, 1, 2, 3, 4}) {
      INFO("n " << n << " variant " << variant);
      SgdArgs args;
      args.n = n;
      args.lr = 0.25;
      args.weight_decay = 0.5;
      args.momentum = variant == 0 ? 0 : 0.5;
      args.dampening = variant == 4 ? 0.5 : 0;
      args.nesterov = variant == 2;
      args.first = variant == 3;
      args.g = g.data();
      Buffers state{integers(n, 2)};
      if (variant != 0) state.push_back(integers(n, 3));
      check_rows(sgd_rows(Type::f32), args, state, bind_sgd, exactly());
    }
  }
}

TEST_CASE("sgd and adamw on reals", "[optim]") {
  for (const std::int64_t n : {1, 17, 1000, 70001}) {
    const Guarded<float> g = reals(n, 1);
    SgdArgs sgd;
    sgd.n = n;
    sgd.lr = 0.1;
    sgd.momentum = 0.9;
    sgd.weight_decay = 5e-4;
    sgd.nesterov = true;
    sgd.g = g.data();
    // Four products and sums of numbers of at most 2.
    check_rows(sgd_rows(Type::f32), sgd, {reals(n, 2), reals(n, 3)}, bind_sgd,
               nearly(8 * eps, 4 * eps));
    AdamWArgs adamw;
    adamw.n = n;
    adamw.lr = 1e-2;
    adamw.weight_decay = 0.1;
    adamw.step = 7;
    adamw.g = g.data();
    check_rows(adamw_rows(Type::f32), adamw, {reals(n, 2), reals(n, 3), reals(n, 4, 0, 1)},
               bind_adamw, nearly(8 * eps, 8 * eps));
  }
}

TEST_CASE("lerp", "[optim]") {
  for (const std::int64_t n : {1, 15, 16, 17, 1000, 70001}) {
    const Guarded<float> x = integers(n, 1);
    LerpArgs args;
    args.n = n;
    args.weight = 0.125;
    args.x = x.data();
    const auto bind = [](LerpArgs& a, Buffers& out) { a.y = out[0].data(); };
    check_rows(lerp_rows(Type::f32), args, {integers(n, 2)}, bind, exactly());
    args.weight = 0.1;
    check_rows(lerp_rows(Type::f32), args, {integers(n, 2)}, bind, nearly(4 * eps, 4 * eps));
  }
}

TEST_CASE("optimizers follow PyTorch's in double", "[optim]") {
  double p = 1, g = 0.5, v = 0, m = 0;
  SgdArgs sgd;
  sgd.n = 1;
  sgd.lr = 0.1;
  sgd.momentum = 0.9;
  sgd.weight_decay = 0.01;
  sgd.nesterov = true;
  sgd.p = &p;
  sgd.g = &g;
  sgd.v = &v;
  for (int step = 0; step < 3; ++step) {
    sgd.first = step == 0;
    run_row(reference_of(sgd_rows(Type::f64)), sgd);
  }
  // torch.optim.SGD(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True), gradient 0.5, 3 steps
  CHECK(p == Approx(0.590209958191).epsilon(1e-14));
  p = 1;
  v = 0;
  AdamWArgs adamw;
  adamw.n = 1;
  adamw.lr = 0.1;
  adamw.weight_decay = 0.01;
  adamw.p = &p;
  adamw.g = &g;
  adamw.m = &m;
  adamw.v = &v;
  for (int step = 0; step < 3; ++step) {
    adamw.step = step + 1;
    g = 0.5 - 0.2 * step;
    run_row(reference_of(adamw_rows(Type::f64)), adamw);
  }
  // torch.optim.AdamW(lr=0.1, weight_decay=0.01), gradients 0.5, 0.3, 0.1
  CHECK(p == Approx(0.7177951593916999).epsilon(1e-13));
}
