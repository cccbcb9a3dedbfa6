// The shim's backend: its memory, and that every table of it has a test.
#include <taxon/base/error.h>
#include <taxon/kernels/backend.h>

#include <cstring>
#include <vector>

#include "shim_test.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

/// Compares the tables with what the tests say they cover.
struct Walk {
  std::set<std::string> found;

  template <class Args>
  void add(const char* member, Rows<Args> rows, const char* type) {
    for (const Row<Args>& row : rows) {
      INFO(member << type << ": " << row.name);
      CHECK(op_of(row.name) == member);  // the name says which table it stands in
      CHECK(row.run != nullptr);
      CHECK(row.needs == Needs::baseline);
      CHECK(covered().count(std::string(member) + type) == 1);
      found.insert(std::string(member) + type);
    }
    if (rows.count > 0) CHECK(rows.first[rows.count - 1].declines == nullptr);
  }
  template <class Args>
  void table(const char* member, Rows<Args> (*rows)(Type)) {
    if (rows == nullptr) return;
    INFO(member);
    CHECK(rows(Type::f32).count > 0);
    CHECK(rows(Type::f64).count == 0);
    add(member, rows(Type::f32), " f32");
    add(member, rows(Type::bf16), " bf16");
  }
  template <class Args>
  void table(const char* member, Rows<Args> (*rows)()) {
    INFO(member);
    CHECK(rows().count > 0);
    add(member, rows(), " f32");
  }
};

}  // namespace

TEST_CASE("every table of the CUDA backend has a test", "[backend]") {
  const Tables& t = cuda_tables();
  CHECK(t.conv_pool == nullptr);
  CHECK(t.conv_pool_backward_weight == nullptr);
  CHECK(t.conv_pool_spread == nullptr);
  Walk walk;
  int tables = 3;
#define TAXON_TABLE(member) walk.table(#member, t.member), ++tables
  TAXON_TABLE(gemm);
  TAXON_TABLE(conv2d_forward);
  TAXON_TABLE(conv2d_backward_data);
  TAXON_TABLE(conv2d_backward_weight);
  TAXON_TABLE(unary);
  TAXON_TABLE(unary_grad);
  TAXON_TABLE(binary);
  TAXON_TABLE(cast);
  TAXON_TABLE(dropout);
  TAXON_TABLE(reduce);
  TAXON_TABLE(argmax);
  TAXON_TABLE(spread);
  TAXON_TABLE(batch_norm);
  TAXON_TABLE(batch_norm_grad);
  TAXON_TABLE(layer_norm);
  TAXON_TABLE(layer_norm_grad);
  TAXON_TABLE(softmax);
  TAXON_TABLE(softmax_grad);
  TAXON_TABLE(cross_entropy);
  TAXON_TABLE(bce);
  TAXON_TABLE(bce_grad);
  TAXON_TABLE(max_pool);
  TAXON_TABLE(max_pool_grad);
  TAXON_TABLE(avg_pool);
  TAXON_TABLE(avg_pool_grad);
  TAXON_TABLE(adaptive_avg_pool);
  TAXON_TABLE(adaptive_avg_pool_grad);
  TAXON_TABLE(copy);
  TAXON_TABLE(images);
  TAXON_TABLE(gather);
  TAXON_TABLE(gather_grad);
  TAXON_TABLE(sgd);
  TAXON_TABLE(adamw);
  TAXON_TABLE(lerp);
#undef TAXON_TABLE
  // A table that is new in Backend is missing above.
  CHECK(static_cast<std::size_t>(tables) * sizeof(void (*)()) == sizeof(Tables));
  CHECK(walk.found == covered());
}

TEST_CASE("the shim's device memory", "[backend]") {
  const Backend& b = *shim::backend();
  CHECK(std::string(b.name) == "cuda");
  REQUIRE(b.device_count() == 2);
  CHECK(b.device_name(1) != nullptr);
  std::size_t free = 0, total = 0, later = 0;
  b.memory(0, &free, &total);
  auto* p = static_cast<float*>(b.allocate(0, 1000 * sizeof(float)));
  REQUIRE(p != nullptr);
  CHECK(reinterpret_cast<std::uintptr_t>(p) % 256 == 0);
  CHECK(std::isnan(p[0]));
  CHECK(std::isnan(p[999]));
  b.memory(0, &later, &total);
  CHECK(free - later == 1000 * sizeof(float));
  void* stream = b.stream(0);
  CHECK(stream == b.stream(0));
  CHECK(stream != b.stream(1));
  std::vector<float> in(1000, 2.5f), out(1000);
  b.to_device(0, p, in.data(), 4000, stream);
  b.copy(0, p + 500, p, 2000, stream);
  b.zero(0, p, 4, stream);
  b.to_host(0, out.data(), p, 4000, stream);
  b.synchronize(0, stream);
  CHECK(out[0] == 0);
  CHECK(out[1] == 2.5f);
  CHECK_THROWS_AS(b.to_host(0, out.data(), p + 1, 4000, stream), DeviceError);
  CHECK_THROWS_AS(b.to_device(0, out.data(), in.data(), 4, stream), DeviceError);
  CHECK_THROWS_AS(b.allocate(2, 4), DeviceError);
  b.release(0, p);
  b.memory(0, &later, &total);
  CHECK(later == free);
  CHECK(b.allocate(0, total + 1) == nullptr);  // out of memory
  void* nothing = b.allocate(0, 0);
  CHECK(nothing != nullptr);
  b.release(0, nothing);
  b.release(0, nullptr);
  void* pinned = b.allocate_pinned(100);
  CHECK(pinned != nullptr);
  b.release_pinned(pinned);
}

TEST_CASE("a write beyond device memory shows when it is released", "[backend]") {
  const Backend& b = *shim::backend();
  const int before = shim::overruns();
  for (std::int64_t at : {-1, 100}) {
    auto* p = static_cast<unsigned char*>(b.allocate(0, 100));
    p[at] ^= 1;
    b.release(0, p);
  }
  CHECK(shim::overruns() == before + 2);
  auto* p = static_cast<unsigned char*>(b.allocate(0, 100));
  p[99] = 1;
  b.release(0, p);
  CHECK(shim::overruns() == before + 2);
}
