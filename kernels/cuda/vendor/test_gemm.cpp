// cuBLASLt's row, computed by the stand-in from what it is handed, against the CPU's reference: all
// transpositions, gaps between rows, batches, epilogues, bf16; the cache, and what fails.
#include <taxon/base/dtype.h>
#include <taxon/base/error.h>
#include <taxon/kernels/gemm.h>

#include "test_vendor.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

struct Case {
  std::int64_t m, n, k;
  bool trans_a = false, trans_b = false, accumulate = false, relu = false, bias = false;
  std::int64_t gap = 0, batch = 1;
  bool shared_b = false;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.m << "x" << c.n << "x" << c.k << (c.trans_a ? " A^T" : "")
             << (c.trans_b ? " B^T" : "") << (c.accumulate ? " +=" : "") << (c.bias ? " bias" : "")
             << (c.relu ? " relu" : "") << " gap " << c.gap << " batch " << c.batch;
}

GemmArgs args_of(const Case& c) {
  GemmArgs g;
  g.m = c.m;
  g.n = c.n;
  g.k = c.k;
  g.trans_a = c.trans_a;
  g.trans_b = c.trans_b;
  g.accumulate = c.accumulate;
  g.relu = c.relu;
  g.lda = (c.trans_a ? c.m : c.k) + c.gap;
  g.ldb = (c.trans_b ? c.k : c.n) + 2 * c.gap;
  g.ldc = c.n + 3 * c.gap;
  g.batch = c.batch;
  g.stride_a = (c.trans_a ? c.k : c.m) * g.lda;
  g.stride_b = c.shared_b ? 0 : (c.trans_b ? c.n : c.k) * g.ldb;
  g.stride_c = c.m * g.ldc;
  return g;
}

/// The operands; they are integers, so that every sum is exact.
template <class T>
struct Product {
  explicit Product(const Case& c) : args(args_of(c)) {
    a = Guarded<T>(c.batch * args.stride_a);
    b = Guarded<T>(c.shared_b ? (c.trans_b ? c.n : c.k) * args.ldb : c.batch * args.stride_b);
    initial = Guarded<T>(c.batch * args.stride_c);
    bias = Guarded<float>(c.n);
    fill_small(a, 1);
    fill_small(b, 2);
    fill_small(initial, 3);
    fill_small(bias, 4);
    args.a = a.data();
    args.b = b.data();
    args.bias = c.bias ? bias.data() : nullptr;
  }
  GemmArgs args;
  Guarded<T> a, b, initial;
  Guarded<float> bias;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> list;
    for (int t = 0; t < 4; ++t) {
      const bool ta = (t & 1) != 0, tb = (t & 2) != 0;
      list.push_back({1, 1, 1, ta, tb});
      list.push_back({3, 5, 7, ta, tb});
      list.push_back({5, 8, 31, ta, tb, true, true, true, 3});
      list.push_back({33, 10, 17, ta, tb, false, true, false, 1});
      list.push_back({16, 24, 40, ta, tb, false, false, true});
      list.push_back({9, 17, 21, ta, tb, true, false, true, 2, 3});
      list.push_back({8, 6, 4, ta, tb, false, true, false, 0, 4, true});
    }
    return list;
  }();
  return all;
}

}  // namespace

TEST_CASE("cublaslt: gemm is the reference's, bit for bit on integers") {
  const StandIn standin;
  for (const Case& c : cases()) {
    INFO(c);
    Product<float> p(c);
    Guarded<float> expected = p.initial, out = p.initial;
    p.args.c = expected.data();
    run_row(reference_of(gemm_rows(Type::f32)), p.args);
    p.args.c = out.data();
    run_vendor(cuda::gemm_cublaslt(Type::f32), p.args);
    CHECK(same_bits(out, expected));
    const std::string name =
        std::string("matmul") + (c.bias ? "+bias" : "") + (c.relu ? "+relu" : "");
    CHECK(ran() == std::vector<std::string>{name});
  }
}

TEST_CASE("cublaslt: gemm of bf16 sums in f32 and rounds once") {
  const StandIn standin;
  for (Case c : cases()) {
    c.bias = false;
    INFO(c);
    Product<float> wide(c);
    Product<bf16> p(c);
    Guarded<float> expected = wide.initial;
    wide.args.c = expected.data();
    run_row(reference_of(gemm_rows(Type::f32)), wide.args);
    p.args.c = p.initial.data();
    run_vendor(cuda::gemm_cublaslt(Type::bf16), p.args);
    Guarded<float> out(p.initial.size());
    for (std::int64_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>(p.initial[i]);
      expected[i] = static_cast<float>(bf16(expected[i]));
    }
    CHECK(same_values(out, expected));
  }
}

TEST_CASE("cublaslt: a product is planned once") {
  const StandIn standin;
  Product<float> p({7, 9, 11, false, true});
  p.args.c = p.initial.data();
  for (int i = 0; i < 5; ++i) run_vendor(cuda::gemm_cublaslt(Type::f32), p.args);
  CHECK(standin::record().heuristics == 1);
  CHECK(standin::record().handles == 1);
  p.args.relu = true;
  run_vendor(cuda::gemm_cublaslt(Type::f32), p.args);
  CHECK(standin::record().heuristics == 2);
  vendor::set_tf32(true);
  ran();
  run_vendor(cuda::gemm_cublaslt(Type::f32), p.args);
  CHECK(standin::record().heuristics == 3);
  CHECK(ran() == std::vector<std::string>{"matmul_tf32+relu"});
}

TEST_CASE("cublaslt: workspace is asked for and handed on") {
  const StandIn standin;
  standin::set_workspace(4096);
  Product<float> p({7, 9, 11});
  p.args.c = p.initial.data();
  CHECK(cuda::gemm_cublaslt(Type::f32).scratch(p.args, 1) == 4096);
  run_vendor(cuda::gemm_cublaslt(Type::f32), p.args);
  Exec without;
  CHECK(error_of([&] { cuda::gemm_cublaslt(Type::f32).run(p.args, without); }) ==
        "cublasLtMatmul: CUBLAS_STATUS_INVALID_VALUE (7): cublasLtMatmul: no workspace");
}

TEST_CASE("cublaslt: more workspace than there may be makes the row decline") {
  const StandIn standin;
  standin::set_workspace(std::int64_t{1} << 30);
  Product<float> p({7, 9, 11});
  p.args.c = p.initial.data();
  CHECK(std::string(cuda::gemm_cublaslt(Type::f32).declines(p.args)) ==
        "cuBLASLt has no algorithm");
}

TEST_CASE("cublaslt: why the row declines") {
  const StandIn standin(75);
  const auto declines = [](const GemmArgs& g, Type type) {
    const char* reason = cuda::gemm_cublaslt(type).declines(g);
    return std::string(reason == nullptr ? "" : reason);
  };
  Product<float> p({7, 9, 11});
  p.args.c = p.initial.data();
  CHECK(declines(p.args, Type::f32).empty());
  CHECK(declines(p.args, Type::bf16) == "bf16 needs sm_80 or newer");
  GemmArgs empty = p.args;
  empty.k = 0;
  CHECK(declines(empty, Type::f32) == "an empty matrix");
  standin::fail_next("cublasLtCreate", CUBLAS_STATUS_NOT_INITIALIZED);
  vendor::release();
  CHECK(declines(p.args, Type::f32).find("cublasLtCreate: ") == 0);
  vendor::use_cublaslt(nullptr, "libcublasLt.so.13 not found");
  CHECK(declines(p.args, Type::f32) == "libcublasLt.so.13 not found");
}

TEST_CASE("cublaslt: a call that fails is a DeviceError with its name") {
  const StandIn standin;
  Product<float> p({7, 9, 11});
  p.args.c = p.initial.data();
  run_vendor(cuda::gemm_cublaslt(Type::f32), p.args);
  standin::fail_next("cublasLtMatmul", CUBLAS_STATUS_NOT_SUPPORTED);
  CHECK(error_of([&] { cuda::gemm_cublaslt(Type::f32).run(p.args, {}); }) ==
        "cublasLtMatmul: CUBLAS_STATUS_NOT_SUPPORTED (15): as the test wants");
}

TEST_CASE("cublaslt: a wrong distance between rows gives wrong numbers") {
  const StandIn standin;
  Product<float> p({4, 6, 5, false, false, false, false, false, 2});
  Guarded<float> expected = p.initial, out = p.initial;
  p.args.c = expected.data();
  run_row(reference_of(gemm_rows(Type::f32)), p.args);
  p.args.c = out.data();
  p.args.ldb -= 1;
  run_vendor(cuda::gemm_cublaslt(Type::f32), p.args);
  CHECK_FALSE(same_bits(out, expected));
}
