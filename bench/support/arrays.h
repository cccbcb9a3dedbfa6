// A benchmark's problem for kernels that read and write arrays of floats.
#pragma once

#include "kernel_bench.h"

#include <taxon/base/dtype.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace taxon::bench {

using Sizes = std::vector<std::int64_t>;

/// How many of the inputs and outputs, from the first on, hold bf16 numbers.
struct Narrow {
  std::size_t in = 0, out = 0;
};
inline Narrow narrow_if(kernels::Type type, Narrow arrays) {
  return type == kernels::Type::bf16 ? arrays : Narrow{};
}
/// The name of a problem on activations of this type, and the bytes of n of their elements.
inline std::string named(kernels::Type type, const std::string& shape) {
  return (type == kernels::Type::bf16 ? "bf16/" : "") + shape;
}
inline double bytes_of(kernels::Type type, std::int64_t n) {
  return (type == kernels::Type::bf16 ? 2.0 : 4.0) * static_cast<double>(n);
}
/// Numbers of f32 become bf16 numbers in the first half of the same memory, and back.
inline void narrow(test::Guarded<float>& b) {
  for (std::int64_t i = 0; i < b.size(); ++i) {
    const bf16 v(b[i]);
    std::memcpy(reinterpret_cast<char*>(b.data()) + 2 * i, &v, 2);
  }
}
inline void widen(test::Guarded<float>& b) {
  for (std::int64_t i = b.size() - 1; i >= 0; --i) {
    bf16 v;
    std::memcpy(&v, reinterpret_cast<const char*>(b.data()) + 2 * i, 2);
    b[i] = static_cast<float>(v);
  }
}

/// Inputs are reals in [-1, 1); outputs hold the same reals before each checked call (optimizers
/// update them). `bind` points the arguments to both.
template <class Args>
class Arrays {
 public:
  using Bind = void (*)(Args& args, float* const* in, float* const* out);

  Arrays(kernels::Rows<Args> rows, const Args& args, const Sizes& in, const Sizes& out, Bind bind,
         double tolerance, Narrow narrow_arrays)
      : rows_(rows), args_(args), bind_(bind), tolerance_(tolerance), narrow_(narrow_arrays) {
    for (const std::int64_t n : in) in_.emplace_back(n, 64);
    for (const std::int64_t n : out) out_.emplace_back(n, 64);
    for (std::size_t i = 0; i < in_.size(); ++i) test::fill_reals(in_[i], i + 1);
    for (std::size_t i = 0; i < narrow_.in; ++i) narrow(in_[i]);
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
      const bool halves = i < narrow_.out;
      if (halves) widen(out_[i]);
      if (halves) widen(expected[i]);
      const double tolerance = halves ? tolerance_ + 0x1p-7 : tolerance_;  // the next number
      if (!test::close_values(out_[i], expected[i], tolerance, tolerance)) return false;
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
  Narrow narrow_;
  Buffers in_, out_;
};

/// Registers every row for one such problem; `bytes`: what a call reads and writes.
template <class Args>
void add_arrays(kernels::Rows<Args> rows, const Args& args, const std::string& shape, double bytes,
                const Sizes& in, const Sizes& out, typename Arrays<Args>::Bind bind,
                double tolerance = 1e-4, Narrow narrow_arrays = {}) {
  Args bound = args;  // which row takes it may depend on which pointers are set
  std::vector<float*> some(8, reinterpret_cast<float*>(64));
  bind(bound, some.data(), some.data());
  add_rows(rows, bound, shape, {0, bytes},
           [=] { return Arrays<Args>(rows, args, in, out, bind, tolerance, narrow_arrays); });
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
