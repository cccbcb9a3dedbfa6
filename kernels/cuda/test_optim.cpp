// Optimizer updates over lists of tensors under the shim.
#include <taxon/kernels/optim.h>

#include <cfloat>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Covers covers({"sgd", "adamw", "lerp"}, false);

using List = std::vector<std::int64_t>;
/// Tensors of one element, of several blocks, none, and more than fit one launch.
std::vector<List> lists() {
  std::vector<List> all = {{},     {0},        {1},          {3, 0, 7},
                           {4096}, {4097, 16}, {9000, 1, 5}, {1, 2, 3, 4, 5, 6, 7, 8}};
  List many(200);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::int64_t>(i % 9);
  all.push_back(many);
  return all;
}

/// `arrays` fresh arrays for each tensor: the state that a step changes.
Outputs<float> state_of(const List& list, int arrays, bool whole) {
  Outputs<float> out;
  std::uint64_t seed = 10;
  for (std::int64_t n : list) {
    for (int i = 0; i < arrays; ++i) {
      out.images.push_back(whole ? integers(n, ++seed, 0, 8) : reals(n, ++seed, 0.1, 1));
    }
  }
  return out;
}
std::vector<Guarded<float>> gradients_of(const List& list, bool whole) {
  std::vector<Guarded<float>> out;
  std::uint64_t seed = 1000;
  for (std::int64_t n : list) out.push_back(whole ? integers(n, ++seed) : reals(n, ++seed));
  return out;
}

void check_sgd(const List& list, double momentum, bool nesterov, bool first, bool whole) {
  const auto g = gradients_of(list, whole);
  std::vector<SgdTensor> tensors(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    tensors[i].n = list[i];
    tensors[i].lr = whole ? 2 : 0.1 + 0.01 * static_cast<double>(i);
    tensors[i].weight_decay = whole ? 1 : 1e-2;
    tensors[i].first = first;
    tensors[i].g = g[i].data();
  }
  SgdArgs args;
  args.count = static_cast<std::int64_t>(list.size());
  args.tensors = tensors.data();
  args.momentum = momentum;
  args.dampening = whole ? 0 : 0.1;
  args.nesterov = nesterov;
  const auto bind = [&](SgdArgs&, Outputs<float>& out) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].p = out.images[2 * i].data();
      tensors[i].v = momentum != 0 ? out.images[2 * i + 1].data() : nullptr;
    }
  };
  // On reals a compiler may fuse what the other does not.
  check_cuda<float>(cuda_tables().sgd(Type::f32), sgd_rows(Type::f32), args,
                    state_of(list, 2, whole), bind,
                    whole ? exact : Tolerance{8 * FLT_EPSILON, 8 * FLT_EPSILON});
}

}  // namespace

TEST_CASE("cuda: SGD", "[optim]") {
  for (const List& list : lists()) {
    for (bool whole : {false, true}) {
      for (bool first : {false, true}) {
        INFO(list.size() << " tensors, integers " << whole << " first " << first);
        check_sgd(list, 0, false, first, whole);
        check_sgd(list, whole ? 2 : 0.9, false, first, whole);
        check_sgd(list, whole ? 2 : 0.9, true, first, whole);
      }
    }
  }
}

TEST_CASE("cuda: AdamW", "[optim]") {
  for (const List& list : lists()) {
    INFO(list.size() << " tensors");
    const auto g = gradients_of(list, false);
    std::vector<AdamWTensor> tensors(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      tensors[i] = {list[i], 0.99, 1e-3, 0.3, nullptr, g[i].data(), nullptr, nullptr};
    }
    AdamWArgs args;
    args.count = static_cast<std::int64_t>(list.size());
    args.tensors = tensors.data();
    const auto bind = [&](AdamWArgs&, Outputs<float>& out) {
      for (std::size_t i = 0; i < tensors.size(); ++i) {
        tensors[i].p = out.images[3 * i].data();
        tensors[i].m = out.images[3 * i + 1].data();
        tensors[i].v = out.images[3 * i + 2].data();
      }
    };
    check_cuda<float>(cuda_tables().adamw(Type::f32), adamw_rows(Type::f32), args,
                      state_of(list, 3, false), bind, {8 * FLT_EPSILON, 8 * FLT_EPSILON});
  }
}

TEST_CASE("cuda: moving averages", "[optim]") {
  for (const List& list : lists()) {
    for (bool whole : {false, true}) {
      INFO(list.size() << " tensors, integers " << whole);
      const auto x = gradients_of(list, whole);
      std::vector<LerpTensor> tensors(list.size());
      for (std::size_t i = 0; i < list.size(); ++i) tensors[i] = {list[i], x[i].data(), nullptr};
      LerpArgs args;
      args.count = static_cast<std::int64_t>(list.size());
      args.tensors = tensors.data();
      args.weight = whole ? 0.5 : 0.1;
      const auto bind = [&](LerpArgs&, Outputs<float>& out) {
        for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i].y = out.images[i].data();
      };
      check_cuda<float>(cuda_tables().lerp(Type::f32), lerp_rows(Type::f32), args,
                        state_of(list, 1, whole), bind,
                        whole ? exact : Tolerance{4 * FLT_EPSILON, 4 * FLT_EPSILON});
    }
  }
}
