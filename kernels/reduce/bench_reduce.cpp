// Times reductions: bias gradients, row sums, the mean of everything.
#include "arrays.h"

#include <taxon/kernels/reduce.h>

using namespace taxon::kernels;
using namespace taxon::bench;

namespace {

struct View {
  std::int64_t outer, n, inner;
};
constexpr View kViews[] = {{1, 128 * 32 * 32, 64}, {1, 128 * 4 * 4, 512}, {128, 1000, 1},
                           {128, 10, 1},           {1, 1 << 22, 1},       {128, 1024, 64}};

const bool registered = add_family([] {
  for (const View& v : kViews) {
    const std::int64_t n = v.outer * v.n * v.inner;
    const std::string shape =
        std::to_string(v.outer) + "x" + std::to_string(v.n) + "x" + std::to_string(v.inner);
    const auto add = [&](Reduce op, Type type) {
      ReduceArgs args;
      args.op = op;
      args.outer = v.outer;
      args.n = v.n;
      args.inner = v.inner;
      add_arrays<ReduceArgs>(
          reduce_rows(type), args, (op == Reduce::sum ? "sum/" : "max/") + named(type, shape),
          bytes_of(type, n), {n}, {v.outer * v.inner},
          [](ReduceArgs& g, float* const* in, float* const* out) {
            g.x = in[0];
            g.y = out[0];
          },
          1e-2, narrow_if(type, {1, 1}));
    };
    add(Reduce::sum, Type::f32);
    add(Reduce::max, Type::f32);
    add(Reduce::sum, Type::bf16);
  }
});

}  // namespace
