// What an observer at the kernels' door is told, and what it may do.
#include <taxon/core/dispatch.h>
#include <taxon/core/ops.h>
#include <taxon/kernels/conv2d.h>
#include <taxon/kernels/gemm.h>

#include "catch.h"

#include <string>
#include <vector>

using namespace taxon;

namespace {

struct Notes : KernelObserver {
  bool run = true;
  int ended = 0;
  std::vector<KernelCall> calls;
  Notes() { kernel_observer = this; }
  ~Notes() override { kernel_observer = nullptr; }
  bool before(const KernelCall& call) override {
    calls.push_back(call);
    return run;
  }
  void after(const KernelCall&) override { ++ended; }
};

}  // namespace

TEST_CASE("an observer sees the arguments, the choice and why better rows declined", "[dispatch]") {
  const Tensor x = Tensor::ones({1, 8, 8, 1}), w = Tensor::ones({1, 5, 5, 1});
  Notes notes;
  conv2d(x, w, {}, {});
  REQUIRE(notes.calls.size() == 1);
  CHECK(notes.ended == 1);
  const KernelCall& call = notes.calls[0];
  CHECK(call.as<kernels::GemmArgs>() == nullptr);
  const auto* args = static_cast<const kernels::Conv2dArgs*>(call.args);
  CHECK(static_cast<const void*>(args) == static_cast<const void*>(call.as<kernels::Conv2dArgs>()));

  const auto rows = kernels::conv2d_forward_rows(kernels::Type::f32);
  REQUIRE(call.passed_over.size() < rows.count);
  CHECK(std::string(call.row) == rows.first[call.passed_over.size()].name);
  for (std::size_t i = 0; i < call.passed_over.size(); ++i) {
    CHECK(std::string(call.passed_over[i].row) == rows.first[i].name);
    CHECK((call.passed_over[i].reason == nullptr) ==
          (rows.first[i].needs > static_cast<kernels::Needs>(active_isa())));
  }
}

TEST_CASE("an observer may keep a kernel from running", "[dispatch]") {
  Tensor y = Tensor::zeros({2});
  {
    Notes notes;
    notes.run = false;
    lerp_(y, Tensor::ones({2}), 1);
    CHECK(notes.calls.size() == 1);
    CHECK(notes.ended == 0);
  }
  CHECK(y.view<float>()[1] == 0);
  lerp_(y, Tensor::ones({2}), 1);
  CHECK(y.view<float>()[1] == 1);
}
