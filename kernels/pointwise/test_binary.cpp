// Two operands with every kind of broadcasting.
#include <taxon/kernels/pointwise.h>

#include <array>

#include "row_check.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const auto bind_y = [](BinaryArgs& args, Buffers& out) { args.y = out[0].data(); };

/// Row-major strides, 0 where the operand is broadcast (bit d of `mask`); returns the elements
/// needed.
std::int64_t strides(const std::vector<std::int64_t>& dims, unsigned mask, std::int64_t (&out)[8]) {
  std::int64_t n = 1;
  for (std::size_t d = dims.size(); d-- > 0;) {
    const bool shared = (mask >> d & 1u) != 0;
    out[d] = shared ? 0 : n;
    if (!shared) n *= dims[d];
  }
  return n;
}

void check_shape(Binary op, const std::vector<std::int64_t>& dims, unsigned a_mask, unsigned b_mask,
                 bool exact) {
  BinaryArgs args;
  args.op = op;
  args.rank = static_cast<int>(dims.size());
  std::copy(dims.begin(), dims.end(), args.dims);
  std::int64_t n = 1;
  for (const std::int64_t d : dims) n *= d;
  const std::int64_t na = strides(dims, a_mask, args.a_strides);
  const std::int64_t nb = strides(dims, b_mask, args.b_strides);
  const Guarded<float> a = exact ? integers(na, 1) : reals(na, 1);
  const Guarded<float> b = exact ? integers(nb, 2, 1, 8) : reals(nb, 2);
  args.a = a.data();
  args.b = b.data();
  if (exact) {
    check_rows(binary_rows(Type::f32), args, {Guarded<float>(n)}, bind_y, exactly());
  } else {  // one rounding: equal on reals, too
    check_rows(binary_rows(Type::f32), args, {Guarded<float>(n)}, bind_y, nearly(0, 0));
  }
}

}  // namespace

TEST_CASE("binary operations on equal shapes", "[binary]") {
  for (int op = 0; op < binary_count; ++op) {
    for (const std::int64_t n : odd_sizes()) check_shape(static_cast<Binary>(op), {n}, 0, 0, true);
    check_shape(static_cast<Binary>(op), {100001}, 0, 0, false);
  }
  check_shape(Binary::add, {(6 << 20) + 48}, 0, 0, true);  // results that go past the caches
}

TEST_CASE("binary operations broadcast any set of dimensions", "[binary]") {
  for (const auto& dims : std::vector<std::vector<std::int64_t>>{
           {3, 17}, {5, 1, 33}, {2, 3, 4, 5}, {7, 3}, {4, 1000}, {300, 257}}) {
    const auto all = (1u << dims.size()) - 1;
    for (unsigned a = 0; a <= all; ++a) {
      for (unsigned b = 0; b <= all; ++b) {
        INFO("rank " << dims.size() << " masks " << a << " " << b);
        check_shape(Binary::sub, dims, a, b, true);
      }
    }
    check_shape(Binary::div, dims, 0, 1, false);
    check_shape(Binary::mul, dims, 0, all - 1, false);
  }
}

TEST_CASE("binary operations on scalars and on strided operands", "[binary]") {
  check_shape(Binary::add, {}, 0, 0, true);
  const Guarded<float> a = integers(40, 1), b = integers(20, 2);
  BinaryArgs args;  // every second element of a
  args.rank = 1;
  args.dims[0] = 20;
  args.a_strides[0] = 2;
  args.b_strides[0] = 1;
  args.a = a.data();
  args.b = b.data();
  Guarded<float> y(20);
  args.y = y.data();
  run_row(select(binary_rows(Type::f32), args, active_needs()), args);
  for (std::int64_t i = 0; i < 20; ++i) CHECK(y[i] == a[2 * i] + b[i]);
}

TEST_CASE("the maximum of a number and NaN is NaN", "[binary]") {
  Guarded<float> a(3), b(3);
  a[0] = b[1] = std::numeric_limits<float>::quiet_NaN();
  a[1] = b[0] = a[2] = 1;
  b[2] = 2;
  BinaryArgs args;
  args.op = Binary::max;
  args.rank = 1;
  args.dims[0] = 3;
  args.a_strides[0] = args.b_strides[0] = 1;
  args.a = a.data();
  args.b = b.data();
  for_each_row(binary_rows(Type::f32), args, [&](const Row<BinaryArgs>& row) {
    INFO(row.name);
    Guarded<float> y(3);
    args.y = y.data();
    run_row(row, args);
    CHECK(std::isnan(y[0]));
    CHECK(std::isnan(y[1]));
    CHECK(y[2] == 2);
  });
}
