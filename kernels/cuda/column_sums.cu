// See column_sums.h.
#include "cuda/column_sums.h"

#include "cuda/columns.h"
#include "cuda/device.h"

namespace taxon::kernels::cuda {
namespace {

template <class T, int V>
struct LoadRows {
  const T* x;
  int64_t columns;
  __device__ const T* at(int64_t, int64_t column) const { return x + column; }
  __device__ void operator()(const T* from, int64_t row, float (&v)[1][V]) const {
    load_floats(from + row * columns, v[0]);
  }
};

struct StoreSum {
  float* sums;
  __device__ void operator()(int64_t, int64_t column, const float (&v)[1]) const {
    sums[column] = v[0];
  }
};

}  // namespace

template <class T>
size_t column_sums_scratch(int64_t rows, int64_t columns) {
  size_t bytes = column_scratch(plan_columns(1, rows, columns, 1), 1);
  if (columns % pack_size<T> == 0) {
    bytes = most(bytes, column_scratch(plan_columns(1, rows, columns, pack_size<T>), 1));
  }
  return bytes;
}

template <class T>
void column_sums(const void* x, int64_t rows, int64_t columns, float* sums, void* scratch,
                 const Exec& exec) {
  const auto* from = static_cast<const T*>(x);
  const bool packed = columns % pack_size<T> == 0 && aligned(x);
  const ColumnPlan plan = plan_columns(1, rows, columns, packed ? pack_size<T> : 1);
  const StoreSum store{sums};
  if (plan.wide == 1) {
    start_columns<1, 1>(plan, LoadRows<T, 1>{from, columns}, store, Add(), scratch, exec);
  } else {
    const LoadRows<T, pack_size<T>> load{from, columns};
    start_columns<1, pack_size<T>>(plan, load, store, Add(), scratch, exec);
  }
}

#define TAXON_COLUMN_SUMS(T)                                \
  template size_t column_sums_scratch<T>(int64_t, int64_t); \
  template void column_sums<T>(const void*, int64_t, int64_t, float*, void*, const Exec&);
TAXON_COLUMN_SUMS(float)
TAXON_COLUMN_SUMS(Bf16)
#undef TAXON_COLUMN_SUMS

}  // namespace taxon::kernels::cuda
