// A benchmark's problem for kernels that read and write arrays of floats.
#pragma once

#include "kernel_bench.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace taxon::bench {

using Sizes = std::vector<std::int64_t>;

/// Inputs are reals in [-1, 1); outputs hold the same reals before each checked call (optimizers
/// update them). `bind` points the arguments to both.
template <class Args>
class Arrays {
 public:
  using Bind = void (*)(Args& args, float* const* in, float* const* out);

  Arrays(kernels::Rows<Args> rows, const Args& args, const Sizes& in, const Sizes& out, Bind bind,
         double tolerance)
      : rows_(rows), args_(args), bind_(bind), tolerance_(tolerance) {
    for (const std::int64_t n : in) in_.emplace_back(n, 64);
    for (const std::int64_t n : out) out_.emplace_back(n, 64);
    for (std::size_t i = 0; i < in_.size(); ++i) test::fill_reals(in_[i], i + 1);
    bind_to(args_, out_);
  }
  const Args& args() const { return args_; }

  template <class Run>
  bool check(Run run) {
    auto expected = out_;
    fill(expected);
    fill(out_);
    Args reference = args_;
    bind_to(reference, expected);
    test::run_row(test::reference_of(rows_), reference);
    run();
    for (std::size_t i = 0; i < out_.size(); ++i) {
      if (!test::close_values(out_[i], expected[i], tolerance_, tolerance_)) return false;
    }
    return true;
  }
  void prepare() { fill(out_); }

 private:
  using Buffers = std::vector<test::Guarded<float>>;

  static void fill(Buffers& buffers) {
    for (std::size_t i = 0; i < buffers.size(); ++i) test::fill_reals(buffers[i], 100 + i, 0, 1);
  }
  void bind_to(Args& args, Buffers& out) {
    std::vector<float*> ins, outs;
    for (auto& b : in_) ins.push_back(b.data());
    for (auto& b : out) outs.push_back(b.data());
    bind_(args, ins.data(), outs.data());
  }

  kernels::Rows<Args> rows_;
  Args args_;
  Bind bind_;
  double tolerance_;
  Buffers in_, out_;
};

/// Registers every row for one such problem; `bytes`: what a call reads and writes.
template <class Args>
void add_arrays(kernels::Rows<Args> rows, const Args& args, const std::string& shape, double bytes,
                const Sizes& in, const Sizes& out, typename Arrays<Args>::Bind bind,
                double tolerance = 1e-4) {
  Args bound = args;  // which row takes it may depend on which pointers are set
  std::vector<float*> some(8, reinterpret_cast<float*>(64));
  bind(bound, some.data(), some.data());
  add_rows(rows, bound, shape, {0, bytes},
           [=] { return Arrays<Args>(rows, args, in, out, bind, tolerance); });
}

/// The activations of ResNet-18 on 32x32 images, batch 128: pixels and channels.
struct Activation {
  std::int64_t rows, channels;
  std::string name;
};
inline const std::vector<Activation>& resnet18_activations() {
  static const std::vector<Activation> list{{128 * 32 * 32, 64, "128x32x32x64"},
                                            {128 * 16 * 16, 128, "128x16x16x128"},
                                            {128 * 8 * 8, 256, "128x8x8x256"},
                                            {128 * 4 * 4, 512, "128x4x4x512"},
                                            {32 * 32, 64, "1x32x32x64"}};
  return list;
}

}  // namespace taxon::bench
