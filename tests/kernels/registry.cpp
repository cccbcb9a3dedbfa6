// The list of all tables: each ends with a reference that any processor runs and that accepts
// everything, names are unique, and every family is there.
#include <taxon/kernels/registry.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "kernel_test.h"

using namespace taxon;
using namespace taxon::kernels;

namespace {

std::vector<TableRow> rows_of(const Table& table) {
  std::vector<TableRow> rows;
  table.each(
      table.type,
      [](void* context, const TableRow& row) {
        static_cast<std::vector<TableRow>*>(context)->push_back(row);
      },
      &rows);
  return rows;
}

std::string text_of(const Table& table) {
  return std::string(table.op) + (table.type == Type::f64    ? " f64"
                                  : table.type == Type::bf16 ? " bf16"
                                                             : " f32");
}

}  // namespace

TEST_CASE("every table ends with a reference for any processor", "[registry]") {
  for (const Table& table : all_tables()) {
    INFO(text_of(table));
    const std::vector<TableRow> rows = rows_of(table);
    REQUIRE(!rows.empty());
    CHECK(rows.back().needs == Needs::baseline);
    CHECK(std::string(rows.back().name) == std::string(table.op) + "/reference");
  }
}

TEST_CASE("rows are named after their op, once each, best level first", "[registry]") {
  for (const Table& table : all_tables()) {
    INFO(text_of(table));
    std::set<std::string> names;
    Needs last = Needs::amx;
    for (const TableRow& row : rows_of(table)) {
      INFO(row.name);
      CHECK(std::string(row.name).rfind(std::string(table.op) + "/", 0) == 0);
      CHECK(names.insert(row.name).second);
      CHECK(row.needs <= last);
      last = row.needs;
    }
  }
}

TEST_CASE("the f64 tables hold nothing but references", "[registry]") {
  for (const Table& table : all_tables()) {
    if (table.type != Type::f64) continue;
    INFO(text_of(table));
    for (const TableRow& row : rows_of(table)) CHECK(row.needs == Needs::baseline);
  }
}

TEST_CASE("the list covers every family, once for each type", "[registry]") {
  std::multiset<std::string> f32, f64, bf16;
  for (const Table& table : all_tables()) {
    if (table.type == Type::f32) f32.insert(table.op);
    if (table.type == Type::f64) f64.insert(table.op);
    if (table.type == Type::bf16) bf16.insert(table.op);
  }
  const std::set<std::string> typed{"gemm",
                                    "conv2d_forward",
                                    "conv2d_backward_data",
                                    "conv2d_backward_weight",
                                    "conv_pool",
                                    "conv_pool_backward_weight",
                                    "conv_pool_spread",
                                    "unary",
                                    "unary_grad",
                                    "binary",
                                    "dropout",
                                    "reduce",
                                    "argmax",
                                    "spread",
                                    "batch_norm",
                                    "batch_norm_grad",
                                    "layer_norm",
                                    "layer_norm_grad",
                                    "softmax",
                                    "softmax_grad",
                                    "cross_entropy",
                                    "bce",
                                    "bce_grad",
                                    "max_pool",
                                    "max_pool_grad",
                                    "avg_pool",
                                    "avg_pool_grad",
                                    "adaptive_avg_pool",
                                    "adaptive_avg_pool_grad",
                                    "gather_grad",
                                    "sgd",
                                    "adamw",
                                    "lerp"};
  for (const std::string& op : typed) {
    INFO(op);
    CHECK(f32.count(op) == 1);
    CHECK(f64.count(op) == 1);
  }
  for (const char* op : {"cast", "copy", "gather", "images"})
    CHECK(f32.count(op) + f64.count(op) == 1);
  CHECK(f32.size() == typed.size() + 4);
  CHECK(f64.size() == typed.size());
  const std::set<std::string> narrow{"conv2d_forward",
                                     "conv2d_backward_data",
                                     "conv2d_backward_weight",
                                     "unary",
                                     "unary_grad",
                                     "binary",
                                     "dropout",
                                     "reduce",
                                     "argmax",
                                     "spread",
                                     "batch_norm",
                                     "batch_norm_grad",
                                     "layer_norm",
                                     "layer_norm_grad",
                                     "max_pool",
                                     "max_pool_grad",
                                     "avg_pool",
                                     "avg_pool_grad",
                                     "adaptive_avg_pool",
                                     "adaptive_avg_pool_grad"};
  CHECK(std::set<std::string>(bf16.begin(), bf16.end()) == narrow);
  CHECK(bf16.size() == narrow.size());
}

TEST_CASE("each level that this machine has offers vector rows", "[registry]") {
  int found = 0;
  for (const Table& table : all_tables()) {
    for (const TableRow& row : rows_of(table)) found += row.needs == test::active_needs();
  }
  if (active_isa() <= Isa::avx512) CHECK(found > 20);
}
