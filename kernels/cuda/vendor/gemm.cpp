// Matrix products by cuBLASLt, which counts columns first: our row-major C = op(A) op(B) is its
// column-major C^T = op(B)^T op(A)^T, so A and B change places and each keeps its transposition.
// Its bias is added down a column of what it calls D, which is along our rows.
#include <taxon/base/error.h>

#include <map>
#include <memory>

#include "cache.h"
#include "cudnn_row.h"
#include "library.h"
#include "rows.h"

namespace taxon::kernels::cuda::vendor {
namespace {

constexpr std::size_t kMostProducts = 1024;
constexpr std::size_t kMostWorkspace = std::size_t{32} << 20;
constexpr int kAlgorithms = 8;

/// An owned descriptor of cuBLASLt.
template <class T>
using Owned = std::unique_ptr<std::remove_pointer_t<T>, cublasStatus_t (*)(T)>;

/// A product ready to run.
struct Product {
  Owned<cublasLtMatmulDesc_t> operation{nullptr, nullptr};
  Owned<cublasLtMatrixLayout_t> a{nullptr, nullptr}, b{nullptr, nullptr}, c{nullptr, nullptr};
  cublasLtMatmulAlgo_t algorithm{};
  std::size_t workspace = 0;
  const char* reason = nullptr;
};

// Never destroyed but by release(): at the end of a program the library may have gone before.
Cache<Product>& products() {
  static Cache<Product>& cache = *new Cache<Product>(kMostProducts);
  return cache;
}
struct Handles {
  std::mutex mutex;
  std::map<int, cublasLtHandle_t> by_device;  ///< any number of threads may use one
};
Handles& handles() {
  static Handles& all = *new Handles;
  return all;
}
void drop() {
  products().clear();
  const std::lock_guard<std::mutex> lock(handles().mutex);
  for (const auto& [device, handle] : handles().by_device) cublaslt()->destroy(handle);
  handles().by_device.clear();
}

cublasLtHandle_t handle_of(int device) {
  on_release(drop);
  devices().use(device);
  const std::lock_guard<std::mutex> lock(handles().mutex);
  cublasLtHandle_t& handle = handles().by_device[device];
  if (handle == nullptr) check(cublaslt()->create(&handle), "cublasLtCreate");
  return handle;
}

template <class T>
void set_operation(cublasLtMatmulDesc_t to, cublasLtMatmulDescAttributes_t name, const T& value) {
  check(cublaslt()->set_matmul(to, name, &value, sizeof(value)), "cublasLtMatmulDescSetAttribute");
}
template <class T>
void set_layout(cublasLtMatrixLayout_t to, cublasLtMatrixLayoutAttribute_t name, const T& value) {
  check(cublaslt()->set_layout(to, name, &value, sizeof(value)),
        "cublasLtMatrixLayoutSetAttribute");
}
template <class T>
void set_preference(cublasLtMatmulPreference_t to, cublasLtMatmulPreferenceAttributes_t name,
                    const T& value) {
  check(cublaslt()->set_preference(to, name, &value, sizeof(value)),
        "cublasLtMatmulPreferenceSetAttribute");
}

/// A row-major rows x cols matrix, as cuBLASLt sees it: columns first.
Owned<cublasLtMatrixLayout_t> layout(cudaDataType_t type, std::int64_t rows, std::int64_t cols,
                                     std::int64_t ld, std::int64_t batch, std::int64_t stride) {
  cublasLtMatrixLayout_t raw = nullptr;
  check(cublaslt()->create_layout(&raw, type, static_cast<std::uint64_t>(cols),
                                  static_cast<std::uint64_t>(rows), ld),
        "cublasLtMatrixLayoutCreate");
  Owned<cublasLtMatrixLayout_t> owned(raw, cublaslt()->destroy_layout);
  if (batch > 1) {
    set_layout(raw, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<std::int32_t>(batch));
    set_layout(raw, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, stride);
  }
  return owned;
}

Owned<cublasLtMatmulDesc_t> operation(const GemmArgs& g) {
  // f32 products are exact to f32 unless TF32 is asked for; bf16 products are exact in any case.
  const auto compute = tf32() ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  cublasLtMatmulDesc_t raw = nullptr;
  check(cublaslt()->create_matmul(&raw, compute, CUDA_R_32F), "cublasLtMatmulDescCreate");
  Owned<cublasLtMatmulDesc_t> owned(raw, cublaslt()->destroy_matmul);
  const auto op = [](bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  set_operation(raw, CUBLASLT_MATMUL_DESC_TRANSA, op(g.trans_b));
  set_operation(raw, CUBLASLT_MATMUL_DESC_TRANSB, op(g.trans_a));
  const auto epilogue = g.bias != nullptr && g.relu ? CUBLASLT_EPILOGUE_RELU_BIAS
                        : g.bias != nullptr         ? CUBLASLT_EPILOGUE_BIAS
                        : g.relu                    ? CUBLASLT_EPILOGUE_RELU
                                                    : CUBLASLT_EPILOGUE_DEFAULT;
  set_operation(raw, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  if (g.bias != nullptr) set_operation(raw, CUBLASLT_MATMUL_DESC_BIAS_POINTER, g.bias);
  return owned;
}

std::uint32_t divides(const void* pointer) {
  return static_cast<std::uint32_t>(alignment_of(pointer));
}

/// The best algorithm whose sums come out the same every time: all that one fixed algorithm with
/// its own workspace does. (Split sums that meet "in place" take turns by counters in the
/// workspace.)
void choose(Product& p, const GemmArgs& g, cublasLtHandle_t handle) {
  cublasLtMatmulPreference_t raw = nullptr;
  check(cublaslt()->create_preference(&raw), "cublasLtMatmulPreferenceCreate");
  const Owned<cublasLtMatmulPreference_t> preference(raw, cublaslt()->destroy_preference);
  set_preference(raw, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{kMostWorkspace});
  set_preference(raw, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, divides(g.b));
  set_preference(raw, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, divides(g.a));
  set_preference(raw, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, divides(g.c));
  set_preference(raw, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, divides(g.c));
  cublasLtMatmulHeuristicResult_t results[kAlgorithms] = {};
  int count = 0;
  check(cublaslt()->heuristic(handle, p.operation.get(), p.a.get(), p.b.get(), p.c.get(), p.c.get(),
                              raw, kAlgorithms, results, &count),
        "cublasLtMatmulAlgoGetHeuristic");
  for (int i = 0; i < count; ++i) {
    if (results[i].state != CUBLAS_STATUS_SUCCESS) continue;
    p.algorithm = results[i].algo;
    p.workspace = results[i].workspaceSize;
    return;
  }
  fail<DeviceError>("cuBLASLt has no algorithm");
}

std::shared_ptr<const Product> make(const GemmArgs& g, bool bf16, cublasLtHandle_t handle) {
  auto p = std::make_shared<Product>();
  const auto type = bf16 ? CUDA_R_16BF : CUDA_R_32F;
  try {
    p->operation = operation(g);
    p->a = layout(type, g.trans_b ? g.n : g.k, g.trans_b ? g.k : g.n, g.ldb, g.batch, g.stride_b);
    p->b = layout(type, g.trans_a ? g.k : g.m, g.trans_a ? g.m : g.k, g.lda, g.batch, g.stride_a);
    p->c = layout(type, g.m, g.n, g.ldc, g.batch, g.stride_c);
    choose(*p, g, handle);
  } catch (const DeviceError& e) {
    p->reason = lasting(e.what());
  }
  return p;
}

/// A product is kept for one bias: the descriptor holds its address.
std::shared_ptr<const Product> product_of(const GemmArgs& g, bool bf16, int device) {
  const Key key{bf16,         device,
                tf32(),       g.m,
                g.n,          g.k,
                g.trans_a,    g.trans_b,
                g.relu,       g.lda,
                g.ldb,        g.ldc,
                g.batch,      g.stride_a,
                g.stride_b,   g.stride_c,
                divides(g.a), divides(g.b),
                divides(g.c), static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(g.bias))};
  const cublasLtHandle_t handle = handle_of(device);  // where it fails, nothing is kept
  return products().get(key, [&] { return make(g, bf16, handle); });
}

template <bool Bf16>
struct Gemm {
  static const char* declines(const GemmArgs& g) {
    if (const char* reason = unusable(cublaslt_absence(), Bf16)) return reason;
    if (g.m < 1 || g.n < 1 || g.k < 1 || g.batch < 1) return "an empty matrix";
    if (g.batch > INT32_MAX) return "more than 2^31 products";
    if (Bf16 && g.bias != nullptr) return "a bias of f32 beside bf16";
    try {
      return product_of(g, Bf16, devices().current())->reason;
    } catch (const DeviceError& e) {  // no handle, for now
      return lasting(e.what());
    }
  }
  static std::size_t scratch(const GemmArgs& g, int) {
    return product_of(g, Bf16, devices().current())->workspace;
  }
  static void run(const GemmArgs& g, const Exec& exec) {
    const auto p = product_of(g, Bf16, exec.device);
    if (p->reason != nullptr) fail<DeviceError>(p->reason);
    const float alpha = 1, beta = g.accumulate ? 1.0f : 0.0f;
    check(
        cublaslt()->matmul(handle_of(exec.device), p->operation.get(), &alpha, g.b, p->a.get(), g.a,
                           p->b.get(), &beta, g.c, p->c.get(), g.c, p->c.get(), &p->algorithm,
                           exec.scratch, p->workspace, static_cast<cudaStream_t>(exec.stream)),
        "cublasLtMatmul");
  }
  static const Row<GemmArgs>& row() {
    static const Row<GemmArgs> it{"gemm/cublaslt", Needs::baseline, true, declines, scratch, run};
    return it;
  }
};

}  // namespace
}  // namespace taxon::kernels::cuda::vendor

namespace taxon::kernels::cuda {

const Row<GemmArgs>& gemm_cublaslt(Type type) {
  return type == Type::bf16 ? vendor::Gemm<true>::row() : vendor::Gemm<false>::row();
}

}  // namespace taxon::kernels::cuda
