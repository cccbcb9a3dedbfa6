// Unary and binary functions, casts and dropout under the shim.
#include <taxon/kernels/pointwise.h>

#include <cfloat>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Covers covers({"unary", "unary_grad", "binary", "dropout"}, true);
const Covers covers_bytes({"cast"}, false);

const std::int64_t sizes[] = {0, 1, 2, 3, 7, 8, 31, 64, 1000, 4096, 4099};

/// What each function can be held to where the CPU's reference works in double: f32's expf, powf,
/// erfcf and the like are within a few ulps, and two or three of them are multiplied.
constexpr Tolerance function{8 * FLT_EPSILON, 32 * FLT_EPSILON};

bool is_exact(Unary op) {
  return op == Unary::add_scalar || op == Unary::mul_scalar || op == Unary::rsub_scalar ||
         op == Unary::relu || op == Unary::clamp;
}
bool positive(Unary op) {
  return op == Unary::log || op == Unary::sqrt || op == Unary::pow_scalar ||
         op == Unary::rdiv_scalar;
}

template <class T>
void check_unary(Unary op, const Guarded<T>& x) {
  UnaryArgs args;
  args.op = op;
  args.n = x.size();
  args.a = op == Unary::pow_scalar ? 2.5 : -0.5;
  args.b = 0.75;
  args.x = x.data();
  Outputs<T> fresh;
  fresh.images.emplace_back(args.n);
  // Same operations in the same order: the same f32.
  const Tolerance t = is_exact(op) ? Tolerance{} : function;
  check_cuda<T>(
      cuda_tables().unary(type_of_elements<T>), unary_rows(type_of_elements<T>), args, fresh,
      [](UnaryArgs& a, Outputs<T>& out) { a.y = out.images[0].data(); }, t);
  // In place.
  fresh.images[0] = x;
  const auto in_place = [](UnaryArgs& a, Outputs<T>& out) { a.x = a.y = out.images[0].data(); };
  check_cuda<T>(cuda_tables().unary(type_of_elements<T>), unary_rows(type_of_elements<T>), args,
                fresh, in_place, t);
}

template <class T>
void check_unary_grad(Unary op, const Guarded<T>& x, const Guarded<T>& dy) {
  UnaryGradArgs args;
  args.op = op;
  args.n = x.size();
  args.a = op == Unary::pow_scalar ? 2.5 : -0.5;
  args.b = 0.75;
  const bool from_y = op == Unary::exp || op == Unary::sqrt || op == Unary::tanh ||
                      op == Unary::sigmoid || op == Unary::relu;
  (from_y ? args.y : args.x) = x.data();  // the other one is null
  args.dy = dy.data();
  Outputs<T> fresh;
  fresh.images.emplace_back(args.n);
  const auto bind = [](UnaryGradArgs& a, Outputs<T>& out) { a.dx = out.images[0].data(); };
  check_cuda<T>(cuda_tables().unary_grad(type_of_elements<T>), unary_grad_rows(type_of_elements<T>),
                args, fresh, bind, is_exact(op) ? Tolerance{} : function);
}

template <class T>
void check_unary_all() {
  for (std::int64_t n : sizes) {
    for (int i = 0; i < unary_count; ++i) {
      const auto op = static_cast<Unary>(i);
      INFO("n " << n << " op " << i);
      const Guarded<T> x = reals_of<T>(n, 1, positive(op) ? 0.1 : -4, 4);
      check_unary(op, x);
      check_unary_grad(op, x, reals_of<T>(n, 2));
    }
  }
  for (Unary op : {Unary::add_scalar, Unary::mul_scalar, Unary::exp, Unary::sqrt, Unary::tanh,
                   Unary::sigmoid, Unary::relu, Unary::clamp}) {
    INFO("strange numbers, op " << static_cast<int>(op));
    check_unary(op, strange_of<T>(1003, 3));
    check_unary_grad(op, strange_of<T>(1003, 3), strange_of<T>(1003, 4));
  }
}

struct Broadcast {
  std::vector<std::int64_t> dims, a, b;
};
const Broadcast broadcasts[] = {
    {{}, {}, {}},
    {{0}, {1}, {1}},
    {{1}, {1}, {1}},
    {{1000}, {1}, {1}},
    {{1027}, {1}, {0}},
    {{1024}, {0}, {1}},
    {{5, 16}, {16, 1}, {0, 1}},
    {{7, 24}, {24, 1}, {1, 0}},
    {{7, 3}, {3, 1}, {0, 1}},
    {{2, 3, 8}, {24, 8, 1}, {8, 0, 1}},
    {{3, 4, 5, 6}, {0, 30, 6, 1}, {120, 0, 1, 5}},
    {{6, 40}, {1, 6}, {40, 1}},
    {{2, 1, 2, 1, 2, 1, 2, 8}, {64, 0, 32, 0, 16, 0, 8, 1}, {0, 0, 8, 0, 0, 0, 16, 0}},
};

template <class T>
void check_binary(const Broadcast& c, Binary op, const Guarded<T>& a, const Guarded<T>& b,
                  Tolerance t) {
  BinaryArgs args;
  args.op = op;
  args.rank = static_cast<int>(c.dims.size());
  std::int64_t n = 1;
  for (std::size_t d = 0; d < c.dims.size(); ++d) {
    args.dims[d] = c.dims[d];
    args.a_strides[d] = c.a[d];
    args.b_strides[d] = c.b[d];
    n *= c.dims[d];
  }
  args.a = a.data();
  args.b = b.data();
  Outputs<T> fresh;
  fresh.images.emplace_back(n);
  check_cuda<T>(
      cuda_tables().binary(type_of_elements<T>), binary_rows(type_of_elements<T>), args, fresh,
      [](BinaryArgs& g, Outputs<T>& out) { g.y = out.images[0].data(); }, t);
}

template <class T>
void check_binary_all() {
  for (const Broadcast& c : broadcasts) {
    for (int i = 0; i < binary_count; ++i) {
      INFO("rank " << c.dims.size() << " op " << i);
      const auto op = static_cast<Binary>(i);
      check_binary<T>(c, op, integers_of<T>(1200, 1), integers_of<T>(1200, 2), exact);
      check_binary<T>(c, op, strange_of<T>(1200, 1), strange_of<T>(1200, 2), Tolerance{});
    }
  }
}

template <class T>
void check_dropout_all() {
  for (std::int64_t n : sizes) {
    for (double p : {0.0, 0.1, 0.5, 0.999, 1.0}) {
      INFO("n " << n << " p " << p);
      const Guarded<T> x = reals_of<T>(n, 5);
      DropoutArgs args;
      args.n = n;
      args.p = p;
      args.seed = 0x123456789abcdefu;
      args.stream = 0xfedcba987654321u;
      args.x = x.data();
      Outputs<T> fresh;
      fresh.images.emplace_back(n);
      check_cuda<T>(
          cuda_tables().dropout(type_of_elements<T>), dropout_rows(type_of_elements<T>), args,
          fresh, [](DropoutArgs& g, Outputs<T>& out) { g.y = out.images[0].data(); }, exact);
    }
  }
}

std::size_t bytes_of(Type t) {
  switch (t) {
    case Type::u8:
      return 1;
    case Type::bf16:
      return 2;
    case Type::f32:
    case Type::i32:
      return 4;
    default:
      return 8;
  }
}

/// n numbers of a type, extremes among them.
Guarded<unsigned char> numbers(Type type, std::int64_t n) {
  Guarded<double> wide(n);
  fill_reals(wide, 3, -300, 300);
  const double odd[] = {NAN, INFINITY, -INFINITY, 1e30, -1e30, 255.5, 2147483648.0, -2147483649.0};
  const bool floating = type == Type::f32 || type == Type::f64 || type == Type::bf16;
  for (std::int64_t i = 0; i < n && floating; i += 5) wide[i] = odd[i / 5 % 8];
  Guarded<unsigned char> out(n * static_cast<std::int64_t>(bytes_of(type)), bytes_of(type));
  CastArgs args;
  args.from = Type::f64;
  args.to = type;
  args.n = n;
  args.x = wide.data();
  args.y = out.data();
  run_row(reference_of(cast_rows()), args);
  return out;
}

}  // namespace

TEST_CASE("cuda: unary functions and gradients", "[pointwise]") {
  check_unary_all<float>();
  check_unary_all<bf16>();
}

TEST_CASE("cuda: two operands, broadcast", "[pointwise]") {
  check_binary_all<float>();
  check_binary_all<bf16>();
}

TEST_CASE("cuda: dropout draws the CPU's bits", "[pointwise]") {
  check_dropout_all<float>();
  check_dropout_all<bf16>();
}

TEST_CASE("cuda: casts between all types", "[pointwise]") {
  const Type types[] = {Type::f32, Type::f64, Type::bf16, Type::u8, Type::i32, Type::i64};
  const Row<CastArgs>& row = *cuda_tables().cast().first;
  for (Type from : types) {
    for (Type to : types) {
      for (std::int64_t n : {0, 1, 5, 64, 1001}) {
        INFO("from " << static_cast<int>(from) << " to " << static_cast<int>(to) << " n " << n);
        const Guarded<unsigned char> x = numbers(from, n);
        const auto size = n * static_cast<std::int64_t>(bytes_of(to));
        Guarded<unsigned char> expected(size, bytes_of(to));
        CastArgs args;
        args.from = from;
        args.to = to;
        args.n = n;
        args.x = x.data();
        args.y = expected.data();
        run_row(reference_of(cast_rows()), args);
        each_order([&] {
          Guarded<unsigned char> y(size, bytes_of(to));
          args.y = y.data();
          run_checked(row, args);
          CHECK(same_bits(y, expected));
        });
      }
    }
  }
}
