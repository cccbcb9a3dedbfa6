// Every row of the matrix product's table against the reference: bit for bit on small integers,
// within a derived tolerance on reals, on one, two and three threads, in buffers that end at guard
// pages.
#include "catch.h"
#include "kernel_test.h"

#include <taxon/kernels/gemm.h>

using namespace taxon::kernels;
using namespace taxon::test;

namespace {

struct Case {
  std::int64_t m, n, k;
  bool trans_a = false, trans_b = false, accumulate = false, relu = false, bias = false;
  std::int64_t gap = 0;  // unused elements at the end of each stored row
  std::int64_t batch = 1;
  bool shared_b = false;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.m << "x" << c.n << "x" << c.k << (c.trans_a ? " A^T" : "")
             << (c.trans_b ? " B^T" : "") << (c.accumulate ? " +=" : "") << (c.bias ? " bias" : "")
             << (c.relu ? " relu" : "") << " gap " << c.gap << " batch " << c.batch;
}

/// A product with its buffers; each ends with its last element in use.
template <class T>
struct Product {
  explicit Product(const Case& c) {
    const std::int64_t a_rows = c.trans_a ? c.k : c.m, a_cols = c.trans_a ? c.m : c.k;
    const std::int64_t b_rows = c.trans_b ? c.n : c.k, b_cols = c.trans_b ? c.k : c.n;
    args.m = c.m;
    args.n = c.n;
    args.k = c.k;
    args.trans_a = c.trans_a;
    args.trans_b = c.trans_b;
    args.accumulate = c.accumulate;
    args.relu = c.relu;
    args.lda = a_cols + c.gap;
    args.ldb = b_cols + c.gap;
    args.ldc = c.n + c.gap;
    args.batch = c.batch;
    args.stride_a = a_rows * args.lda;
    args.stride_b = c.shared_b ? 0 : b_rows * args.ldb;
    args.stride_c = c.m * args.ldc;
    a = Guarded<T>((c.batch - 1) * args.stride_a + a_rows * args.lda - c.gap);
    b = Guarded<T>((c.batch - 1) * args.stride_b + b_rows * args.ldb - c.gap);
    initial = Guarded<T>((c.batch - 1) * args.stride_c + c.m * args.ldc - c.gap);
    bias = Guarded<T>(c.bias ? c.n : 0);
    args.a = a.data();
    args.b = b.data();
    args.bias = c.bias ? bias.data() : nullptr;
  }
  void fill_with_integers() {
    fill_integers(a, 1);
    fill_integers(b, 2);
    fill_integers(initial, 3);
    fill_integers(bias, 4);
  }
  void fill_with_reals() {
    fill_reals(a, 1);
    fill_reals(b, 2);
    fill_reals(initial, 3);
    fill_reals(bias, 4);
  }
  Guarded<T> run(const Row<GemmArgs>& row, int threads) {
    Guarded<T> c = initial;
    args.c = c.data();
    run_row(row, args, threads);
    return c;
  }
  GemmArgs args;
  Guarded<T> a, b, initial, bias;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const std::int64_t sizes[][3] = {
      {1, 1, 1},    {1, 10, 17},   {2, 3, 5},     {3, 17, 24},    {5, 8, 31},     {6, 16, 3},
      {7, 33, 15},  {14, 32, 64},  {15, 31, 100}, {13, 64, 33},   {28, 48, 10},   {31, 15, 7},
      {64, 10, 40}, {97, 130, 65}, {128, 10, 84}, {1, 1000, 256}, {130, 257, 36}, {33, 1, 9}};
  for (const auto& s : sizes) {
    for (int t = 0; t < 4; ++t) {
      Case c{s[0], s[1], s[2], (t & 1) != 0, (t & 2) != 0};
      all.push_back(c);
      c.accumulate = c.relu = c.bias = true;
      c.gap = 3;
      all.push_back(c);
    }
  }
  // Several passes over k; rows whose distance is a multiple of the cache's; panels in parts.
  for (int t = 0; t < 4; ++t) {
    all.push_back({40, 70, 2100, (t & 1) != 0, (t & 2) != 0, false, true, true});
    all.push_back({72, 600, 256, (t & 1) != 0, (t & 2) != 0, true});
    all.push_back({9, 17, 21, (t & 1) != 0, (t & 2) != 0, true, false, true, 2, 7});
    all.push_back({40, 24, 16, (t & 1) != 0, (t & 2) != 0, false, false, false, 0, 3, true});
  }
  all.push_back({150, 150, 150, false, false, false, false, false, 0, 2});  // one after the other
  all.push_back({4, 6, 0, false, false, false, true, true});
  all.push_back({4, 6, 0, true, true, true});
  return all;
}

}  // namespace

TEST_CASE("gemm: the reference is the sum of its definition") {
  const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, -1, 2, 0, -3, 1}, bias[] = {10, -50};
  float c[] = {1, 1, 1, 1};
  GemmArgs args;
  args.m = args.n = 2;
  args.k = 3;
  args.lda = 3;
  args.ldb = args.ldc = 2;
  args.a = a;
  args.b = b;
  args.c = c;
  const auto& reference = reference_of(gemm_rows(Type::f32));
  SECTION("plain") {
    run_row(reference, args);
    CHECK(c[0] == 1 + 4 - 9);
    CHECK(c[1] == -1 + 3);
    CHECK(c[2] == 4 + 10 - 18);
    CHECK(c[3] == -4 + 6);
  }
  SECTION("transposed, accumulated, with bias and ReLU") {
    args.trans_a = args.trans_b = args.accumulate = args.relu = true;
    args.lda = 2;  // A is 3 x 2, B 2 x 3
    args.ldb = 3;
    args.bias = bias;
    run_row(reference, args);
    CHECK(c[0] == 1 + (1 - 3 + 10) + 10);
    CHECK(c[1] == 0);
    CHECK(c[2] == 1 + (2 - 4 + 12) + 10);
    CHECK(c[3] == 0);
  }
}

TEST_CASE("gemm: every row equals the reference on integers, on any number of threads") {
  for (const Case& c : cases()) {
    INFO(c);
    Product<float> product(c);
    product.fill_with_integers();
    const Guarded<float> expected = product.run(reference_of(gemm_rows(Type::f32)), 1);
    for_each_row(gemm_rows(Type::f32), product.args, [&](const Row<GemmArgs>& row) {
      INFO(row.name);
      CHECK(row.exact);
      for (int threads = 1; threads <= 3; ++threads) {
        INFO(threads << " threads");
        CHECK(same_bits(product.run(row, threads), expected));
      }
    });
  }
}

TEST_CASE("gemm: every row is close to the product in double, and repeatable, on reals") {
  for (const Case& c : cases()) {
    INFO(c);
    Product<double> exact(c);
    Product<float> product(c);
    product.fill_with_reals();
    std::copy(product.a.begin(), product.a.end(), exact.a.begin());
    std::copy(product.b.begin(), product.b.end(), exact.b.begin());
    std::copy(product.initial.begin(), product.initial.end(), exact.initial.begin());
    std::copy(product.bias.begin(), product.bias.end(), exact.bias.begin());
    const Guarded<double> sums = exact.run(reference_of(gemm_rows(Type::f64)), 1);
    Guarded<float> expected(sums.size());
    for (std::int64_t i = 0; i < sums.size(); ++i) expected[i] = static_cast<float>(sums[i]);
    for_each_row(gemm_rows(Type::f32), product.args, [&](const Row<GemmArgs>& row) {
      INFO(row.name);
      const Guarded<float> once = product.run(row, 1);
      CHECK(close_values(once, expected, sum_tolerance<float>(c.k, 1)));
      CHECK(same_bits(product.run(row, 1), once));
      CHECK(same_bits(product.run(row, 2), once));
      CHECK(same_bits(product.run(row, 3), once));
    });
  }
}

TEST_CASE("gemm: what lies between the rows of C stays as it is") {
  Case c{17, 19, 23};
  c.gap = 5;
  Product<float> product(c);
  product.fill_with_integers();
  for_each_row(gemm_rows(Type::f32), [&](const Row<GemmArgs>& row) {
    INFO(row.name);
    const Guarded<float> out = product.run(row, 2);
    bool same = true;
    for (std::int64_t i = 0; i < c.m - 1; ++i) {
      for (std::int64_t j = c.n; j < c.n + c.gap; ++j) {
        same = same && out[i * (c.n + c.gap) + j] == product.initial[i * (c.n + c.gap) + j];
      }
    }
    CHECK(same);
  });
}

TEST_CASE("gemm: B packed once gives the same bits, whatever the number of rows") {
  struct Shape {
    std::int64_t n, k;
  };
  for (const Shape& s : {Shape{33, 17}, Shape{300, 2500}, Shape{512, 784}, Shape{10, 64}}) {
    Guarded<float> b(s.n * s.k), bias(s.n);
    fill_reals(b, 1);
    fill_reals(bias, 2);
    GemmArgs args;
    args.n = s.n;
    args.k = args.lda = args.ldb = s.k;
    args.ldc = s.n;
    args.trans_b = args.relu = true;
    args.b = b.data();
    args.bias = bias.data();
    args.m = 20;
    for_each_row(gemm_rows(Type::f32), args, [&](const Row<GemmArgs>& row) {
      if (row.prepare == nullptr) return;
      const Guarded<unsigned char> prepared = prepared_by(row, args, 2);
      for (const std::int64_t m : {9, 128, 1000}) {
        INFO(row.name << " " << m << "x" << s.n << "x" << s.k);
        Guarded<float> a(m * s.k), expected(m * s.n);
        fill_reals(a, 3);
        GemmArgs call = args;
        call.m = m;
        call.a = a.data();
        call.c = expected.data();
        run_row(row, call);
        for (int threads = 1; threads <= 3; ++threads) {
          Guarded<float> c(m * s.n);
          call.c = c.data();
          call.prepared = prepared.data();
          call.b = nullptr;
          run_row(row, call, threads);
          CHECK(same_bits(c, expected));
        }
        call.m = 1;  // dot products read B where it is
        CHECK(row.prepared_bytes(call) == 0);
      }
    });
  }
}
