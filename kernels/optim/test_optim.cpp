// Optimizer updates against the reference, and the reference against PyTorch's numbers.
#include <taxon/kernels/optim.h>

#include <cfloat>
#include <cmath>
#include <vector>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

constexpr double eps = FLT_EPSILON;

// What bind needs: the tensors that the arguments point to, each with as many buffers as it has
// arrays that are written, one tensor after the other.
using SgdTensors = std::vector<SgdTensor>;
auto bind_sgd(SgdTensors& tensors, std::size_t arrays) {
  return [&tensors, arrays](SgdArgs& args, Buffers& out) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].p = out[i * arrays].data();
      tensors[i].v = arrays > 1 ? out[i * arrays + 1].data() : nullptr;
    }
    args.count = static_cast<std::int64_t>(tensors.size());
    args.tensors = tensors.data();
  };
}
using AdamWTensors = std::vector<AdamWTensor>;
auto bind_adamw(AdamWTensors& tensors) {
  return [&tensors](AdamWArgs& args, Buffers& out) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].p = out[i * 3].data();
      tensors[i].m = out[i * 3 + 1].data();
      tensors[i].v = out[i * 3 + 2].data();
    }
    args.count = static_cast<std::int64_t>(tensors.size());
    args.tensors = tensors.data();
  };
}
using LerpTensors = std::vector<LerpTensor>;
auto bind_lerp(LerpTensors& tensors) {
  return [&tensors](LerpArgs& args, Buffers& out) {
    for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].y = out[i].data();
    args.count = static_cast<std::int64_t>(tensors.size());
    args.tensors = tensors.data();
  };
}

/// Lists: one tensor; small ones and some without elements; chunks that begin and end inside one.
using List = std::vector<std::int64_t>;
const List lists[] = {{1},     {2},        {3},        {15},
                      {16},    {17},       {33},       {1000},
                      {70001}, {16, 0, 7}, {70001, 3}, {0, 8192, 8191, 1, 16, 8193},
                      {0},     {},         {1, 1, 1},  {5, 20000, 17, 900000, 40000, 3}};

SgdArgs sgd_of(double momentum, bool nesterov = false, double dampening = 0) {
  SgdArgs args;
  args.momentum = momentum;
  args.nesterov = nesterov;
  args.dampening = dampening;
  return args;
}

/// Settings of their own for each tensor; gradients in g.
SgdTensors sgd_tensors(const std::vector<Guarded<float>>& g, bool first) {
  SgdTensors tensors(g.size());
  for (std::size_t i = 0; i < g.size(); ++i) {
    tensors[i].n = g[i].size();
    tensors[i].lr = i % 2 == 0 ? 0.25 : 0.5;
    tensors[i].weight_decay = i % 3 == 0 ? 0.5 : 0;
    tensors[i].first = first != (i % 4 == 1);
    tensors[i].g = g[i].data();
  }
  return tensors;
}
AdamWTensors adamw_tensors(const std::vector<Guarded<float>>& g) {
  AdamWTensors tensors(g.size());
  for (std::size_t i = 0; i < g.size(); ++i) {
    const double step = i % 2 == 0 ? 7 : 1;
    tensors[i].n = g[i].size();
    tensors[i].keep = i % 3 == 0 ? 1 - 1e-3 : 1;
    tensors[i].rate = 1e-2 / (1 - std::pow(0.9, step));
    tensors[i].root = std::sqrt(1 - std::pow(0.999, step));
    tensors[i].g = g[i].data();
  }
  return tensors;
}

}  // namespace

TEST_CASE("sgd with numbers that are exact", "[optim]") {
  for (const List& list : lists) {
    for (const int variant : {0, 1, 2, 3, 4}) {
      INFO(list.size() << " tensors, variant " << variant);
      const SgdArgs args = sgd_of(variant == 0 ? 0 : 0.5, variant == 2, variant == 4 ? 0.5 : 0);
      Buffers g, state;
      for (const std::int64_t n : list) {
        g.push_back(integers(n, 1));
        state.push_back(integers(n, 2));
        if (variant != 0) state.push_back(integers(n, 3));
      }
      SgdTensors tensors = sgd_tensors(g, variant == 3);
      check_rows(sgd_rows(Type::f32), args, state, bind_sgd(tensors, variant == 0 ? 1 : 2),
                 exactly());
    }
  }
}

TEST_CASE("sgd and adamw on reals", "[optim]") {
  for (const List& list : lists) {
    INFO(list.size() << " tensors");
    Buffers g, velocity, moments;
    for (const std::int64_t n : list) {
      g.push_back(reals(n, 1));
      velocity.push_back(reals(n, 2));
      velocity.push_back(reals(n, 3));
      moments.push_back(reals(n, 2));
      moments.push_back(reals(n, 3));
      moments.push_back(reals(n, 4, 0, 1));
    }
    // Four products and sums of numbers of at most 2.
    SgdTensors sgd = sgd_tensors(g, false);
    check_rows(sgd_rows(Type::f32), sgd_of(0.9, true), velocity, bind_sgd(sgd, 2),
               nearly(8 * eps, 4 * eps));
    AdamWTensors adamw = adamw_tensors(g);
    check_rows(adamw_rows(Type::f32), AdamWArgs(), moments, bind_adamw(adamw),
               nearly(8 * eps, 8 * eps));
  }
}

TEST_CASE("a list of tensors gets the bits that each alone would", "[optim]") {
  const List list{5, 20000, 17, 900000, 40000, 3};
  for_each_row(sgd_rows(Type::f32), [&](const Row<SgdArgs>& row) {
    INFO(row.name);
    Buffers g, together, alone;
    for (const std::int64_t n : list) {
      g.push_back(reals(n, 1));
      for (Buffers* state : {&together, &alone}) {
        state->push_back(reals(n, 2));
        state->push_back(reals(n, 3));
      }
    }
    SgdTensors tensors = sgd_tensors(g, false);
    SgdArgs args = sgd_of(0.9, true);
    bind_sgd(tensors, 2)(args, together);
    run_row(row, args, 2);
    bind_sgd(tensors, 2)(args, alone);
    args.count = 1;
    for (const SgdTensor& t : tensors) {
      args.tensors = &t;
      run_row(row, args);
    }
    for (std::size_t i = 0; i < alone.size(); ++i) CHECK(same_bits(together[i], alone[i]));
  });
}

TEST_CASE("lerp", "[optim]") {
  for (const List& list : lists) {
    INFO(list.size() << " tensors");
    Buffers x, y;
    LerpTensors tensors;
    for (const std::int64_t n : list) {
      x.push_back(integers(n, 1));
      y.push_back(integers(n, 2));
      tensors.push_back({n, x.back().data(), nullptr});
    }
    LerpArgs args;
    args.weight = 0.125;
    check_rows(lerp_rows(Type::f32), args, y, bind_lerp(tensors), exactly());
    args.weight = 0.1;
    check_rows(lerp_rows(Type::f32), args, y, bind_lerp(tensors), nearly(4 * eps, 4 * eps));
  }
}

TEST_CASE("optimizers follow PyTorch's in double", "[optim]") {
  double p = 1, g = 0.5, v = 0, m = 0;
  SgdTensor sgd;
  sgd.n = 1;
  sgd.lr = 0.1;
  sgd.weight_decay = 0.01;
  sgd.p = &p;
  sgd.g = &g;
  sgd.v = &v;
  SgdArgs sgd_args = sgd_of(0.9, true);
  sgd_args.count = 1;
  sgd_args.tensors = &sgd;
  for (int step = 0; step < 3; ++step) {
    sgd.first = step == 0;
    run_row(reference_of(sgd_rows(Type::f64)), sgd_args);
  }
  // torch.optim.SGD(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True), gradient 0.5, 3 steps
  CHECK(p == Approx(0.590209958191).epsilon(1e-14));
  p = 1;
  v = 0;
  AdamWTensor adamw;
  adamw.n = 1;
  adamw.keep = 1 - 0.1 * 0.01;
  adamw.p = &p;
  adamw.g = &g;
  adamw.m = &m;
  adamw.v = &v;
  AdamWArgs adamw_args;
  adamw_args.count = 1;
  adamw_args.tensors = &adamw;
  for (int step = 1; step <= 3; ++step) {
    adamw.rate = 0.1 / (1 - std::pow(0.9, step));
    adamw.root = std::sqrt(1 - std::pow(0.999, step));
    g = 0.7 - 0.2 * step;
    run_row(reference_of(adamw_rows(Type::f64)), adamw_args);
  }
  // torch.optim.AdamW(lr=0.1, weight_decay=0.01), gradients 0.5, 0.3, 0.1
  CHECK(p == Approx(0.7177951593916999).epsilon(1e-13));
}
