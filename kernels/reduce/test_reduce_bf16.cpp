// Reductions of bf16: the f32 kernels' results, rounded once.
#include <taxon/kernels/reduce.h>

#include "bf16_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

struct View {
  std::int64_t outer, n, inner;
};
const View views[] = {{1, 1, 1},     {128, 10, 1},  {9, 257, 1},   {5, 3, 7},    {2, 100, 15},
                      {1, 70000, 3}, {2, 40000, 1}, {1, 5000, 65}, {1, 3, 5000}, {7, 9, 2049}};

template <class Args>
Args around(const View& v) {
  Args args;
  args.outer = v.outer;
  args.n = v.n;
  args.inner = v.inner;
  return args;
}

}  // namespace

TEST_CASE("reductions of bf16", "[reduce][bf16]") {
  for (const View& v : views) {
    for (int op = 0; op < reduce_count; ++op) {
      INFO(v.outer << " x " << v.n << " x " << v.inner << " op " << op);
      auto args = around<ReduceArgs>(v);
      args.op = static_cast<Reduce>(op);
      check_bf16(reduce_rows(Type::f32), reduce_rows(Type::bf16), args,
                 {reals(v.outer * v.n * v.inner, 1)}, {v.outer * v.inner}, {},
                 [](ReduceArgs& g, auto& in, auto& out, Buffers&) {
                   g.x = in[0].data();
                   g.y = out[0].data();
                 });
    }
  }
}

TEST_CASE("argmax of bf16 takes the first of equal maxima", "[reduce][bf16]") {
  for (const View& v : views) {
    INFO(v.outer << " x " << v.n << " x " << v.inner);
    Guarded<float> wide = integers(v.outer * v.n * v.inner, 2);
    if (v.outer == 9) wide[300] = std::nanf("");
    const Guarded<bf16> x = narrowed(wide, alignof(bf16));
    auto args = around<ArgmaxArgs>(v);
    Guarded<std::int64_t> expected(v.outer * v.inner);
    args.index = expected.data();
    args.x = wide.data();
    run_row(reference_of(argmax_rows(Type::f32)), args);
    args.x = x.data();
    for_each_row(argmax_rows(Type::bf16), args, [&](const Row<ArgmaxArgs>& row) {
      for (int threads = 1; threads <= 3; ++threads) {
        INFO(row.name << " threads " << threads);
        Guarded<std::int64_t> index(v.outer * v.inner);
        args.index = index.data();
        run_row(row, args, threads);
        CHECK(same_values(index, expected));
      }
    });
  }
}

TEST_CASE("the gradient of a maximum of bf16 goes to its place", "[reduce][bf16]") {
  const View v{3, 5, 7};
  Guarded<std::int64_t> index(v.outer * v.inner);
  for (std::int64_t i = 0; i < index.size(); ++i) index[i] = i % v.n;
  auto args = around<SpreadArgs>(v);
  args.index = index.data();
  check_bf16(spread_rows(Type::f32), spread_rows(Type::bf16), args, {reals(v.outer * v.inner, 1)},
             {v.outer * v.n * v.inner}, {}, [](SpreadArgs& g, auto& in, auto& out, Buffers&) {
               g.dy = in[0].data();
               g.dx = out[0].data();
             });
}
