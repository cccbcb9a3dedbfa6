// Operations element by element on bf16: the f32 kernels' results, rounded once.
#include <taxon/kernels/pointwise.h>

#include "bf16_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

// Results of (13 << 20) elements go past the caches.
const std::int64_t sizes[] = {1, 15, 16, 17, 33, 1000, 70001};
constexpr std::int64_t large = (13 << 20) + 21;

const auto bind_unary = [](UnaryArgs& g, auto& in, auto& out, Buffers&) {
  g.x = in[0].data();
  g.y = out[0].data();
};
const auto bind_binary = [](BinaryArgs& g, auto& in, auto& out, Buffers&) {
  g.a = in[0].data();
  g.b = in[1].data();
  g.y = out[0].data();
};

UnaryArgs unary_args(Unary op, std::int64_t n) {
  UnaryArgs args;
  args.op = op;
  args.n = n;
  args.a = 1.5;
  args.b = 2.5;
  return args;
}

/// As many elements as the strides of an operand reach.
std::int64_t reach(int rank, const std::int64_t* dims, const std::int64_t* strides) {
  std::int64_t last = 0;
  for (int d = 0; d < rank; ++d) last += (dims[d] - 1) * strides[d];
  return last + 1;
}

}  // namespace

TEST_CASE("unary functions of bf16", "[unary][bf16]") {
  for (int op = 0; op < unary_count; ++op) {
    for (const std::int64_t n : sizes) {
      INFO("op " << op << " n " << n);
      check_bf16(unary_rows(Type::f32), unary_rows(Type::bf16),
                 unary_args(static_cast<Unary>(op), n), {reals(n, 1, 0.5, 6)}, {n}, {}, bind_unary);
    }
  }
  check_bf16(unary_rows(Type::f32), unary_rows(Type::bf16), unary_args(Unary::relu, large),
             {reals(large, 1)}, {large}, {}, bind_unary, 64);
}

TEST_CASE("unary gradients of bf16", "[unary][bf16]") {
  for (int op = 0; op < unary_count; ++op) {
    for (const std::int64_t n : sizes) {
      INFO("op " << op << " n " << n);
      UnaryGradArgs args;
      args.op = static_cast<Unary>(op);
      args.n = n;
      args.a = 1.5;
      args.b = 2.5;
      check_bf16(unary_grad_rows(Type::f32), unary_grad_rows(Type::bf16), args,
                 {reals(n, 1, 0.5, 4), reals(n, 2), reals(n, 3)}, {n}, {},
                 [](UnaryGradArgs& g, auto& in, auto& out, Buffers&) {
                   g.x = in[0].data();
                   g.y = in[1].data();
                   g.dy = in[2].data();
                   g.dx = out[0].data();
                 });
    }
  }
}

TEST_CASE("binary operations of bf16, broadcasting", "[binary][bf16]") {
  struct Layout {
    std::vector<std::int64_t> dims, a, b;
  };
  const Layout layouts[] = {{{}, {}, {}},
                            {{17}, {1}, {1}},
                            {{100001}, {1}, {1}},
                            {{7, 33}, {33, 1}, {0, 1}},
                            {{7, 33}, {1, 0}, {33, 1}},
                            {{300, 257}, {257, 1}, {1, 0}},
                            {{5, 16}, {0, 0}, {0, 0}},
                            {{20}, {2}, {1}}};
  for (const Layout& l : layouts) {
    for (int op = 0; op < binary_count; ++op) {
      BinaryArgs args;
      args.op = static_cast<Binary>(op);
      args.rank = static_cast<int>(l.dims.size());
      std::copy(l.dims.begin(), l.dims.end(), args.dims);
      std::copy(l.a.begin(), l.a.end(), args.a_strides);
      std::copy(l.b.begin(), l.b.end(), args.b_strides);
      std::int64_t n = 1;
      for (const std::int64_t d : l.dims) n *= d;
      INFO("op " << op << " rank " << args.rank << " n " << n);
      check_bf16(binary_rows(Type::f32), binary_rows(Type::bf16), args,
                 {reals(reach(args.rank, args.dims, args.a_strides), 1),
                  reals(reach(args.rank, args.dims, args.b_strides), 2, 0.5, 2)},
                 {n}, {}, bind_binary);
    }
  }
}

TEST_CASE("sums of bf16 that go past the caches", "[binary][bf16]") {
  BinaryArgs args;
  args.rank = 1;
  args.dims[0] = large;
  args.a_strides[0] = args.b_strides[0] = 1;
  check_bf16(binary_rows(Type::f32), binary_rows(Type::bf16), args,
             {reals(large, 1), reals(large, 2)}, {large}, {}, bind_binary, 64);
}

TEST_CASE("dropout of bf16", "[dropout][bf16]") {
  for (const std::int64_t n : sizes) {
    INFO("n " << n);
    DropoutArgs args;
    args.n = n;
    args.p = 0.3;
    args.seed = 5;
    check_bf16(dropout_rows(Type::f32), dropout_rows(Type::bf16), args, {reals(n, 1)}, {n}, {},
               [](DropoutArgs& g, auto& in, auto& out, Buffers&) {
                 g.x = in[0].data();
                 g.y = out[0].data();
               });
  }
}
