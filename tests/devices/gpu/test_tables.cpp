// The tables of the CUDA backend, which need no GPU to be read: rows of cuDNN and cuBLASLt first, a
// row of ours that takes everything last.
#include <taxon/kernels/backend.h>

#include <string>

#include "catch.h"

using namespace taxon;
using namespace taxon::kernels;

namespace {

template <class Args>
void check_rows(Rows<Args> rows, const std::string& library) {
  REQUIRE(rows.count > 1);
  const std::string first = rows.first[0].name, last = rows.first[rows.count - 1].name;
  INFO(first << " ... " << last);
  CHECK(first.ends_with("/" + library));
  CHECK(last.ends_with("/cuda"));
  CHECK(rows.first[0].declines != nullptr);
  CHECK(rows.first[rows.count - 1].declines == nullptr);
}

}  // namespace

TEST_CASE("rows of libraries stand before ours") {
  const Backend* cuda = cuda_backend();
  REQUIRE(cuda != nullptr);
  const Tables& t = cuda->tables;
  for (const Type type : {Type::f32, Type::bf16}) {
    check_rows(t.gemm(type), "cublaslt");
    check_rows(t.conv2d_forward(type), "cudnn");
    check_rows(t.conv2d_backward_data(type), "cudnn");
    check_rows(t.conv2d_backward_weight(type), "cudnn");
    check_rows(t.batch_norm(type), "cudnn");
    check_rows(t.batch_norm_grad(type), "cudnn");
    check_rows(t.max_pool(type), "cudnn");
    check_rows(t.avg_pool(type), "cudnn");
    check_rows(t.avg_pool_grad(type), "cudnn");
  }
  check_rows(t.softmax(Type::f32), "cudnn");
  check_rows(t.softmax_grad(Type::f32), "cudnn");
  CHECK(t.softmax(Type::bf16).count == 0);
  CHECK(t.gemm(Type::f64).count == 0);
  // Asked again, the same rows.
  CHECK(t.gemm(Type::f32).first == t.gemm(Type::f32).first);
}
