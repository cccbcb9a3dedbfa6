// The stand-in for cuBLASLt: descriptors, heuristics, and products from what the descriptors say,
// column by column as cuBLASLt counts.
#include <taxon/base/dtype.h>

#include <algorithm>
#include <cstring>

#include "standin/fake.h"

namespace taxon::kernels::cuda::vendor::standin {
namespace {

enum class Kind { handle, matmul, layout, preference };

/// Any descriptor: its attributes by number.
struct Plain {
  Kind kind;
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  cudaDataType_t type = CUDA_R_32F;
  std::map<int, std::vector<unsigned char>> values;

  template <class T>
  T get(int name, T otherwise) const {
    const auto at = values.find(name);
    if (at == values.end()) return otherwise;
    T value;
    std::memcpy(&value, at->second.data(), sizeof(T));
    return value;
  }
};
std::map<const void*, std::unique_ptr<Plain>>& all() {
  static std::map<const void*, std::unique_ptr<Plain>> plains;
  return plains;
}
Plain& found(const void* p, Kind kind) {
  const auto at = all().find(p);
  demand(at != all().end() && at->second->kind == kind, CUBLAS_STATUS_INVALID_VALUE,
         "no descriptor, a destroyed one, or one of another kind");
  return *at->second;
}

template <class T>
void make(State& s, T* to, Kind kind) {
  auto made = std::make_unique<Plain>();
  made->kind = kind;
  *to = reinterpret_cast<T>(made.get());
  all()[made.get()] = std::move(made);
  ++s.record.live;
}
template <class T>
cublasStatus_t end(const char* function, T p, Kind kind) {
  return guarded<cublasStatus_t>(function, [&](State& s) {
    found(p, kind);
    all().erase(p);
    --s.record.live;
  });
}
struct Size {
  int name;
  std::size_t bytes;
};
cublasStatus_t put(const char* function, const void* p, Kind kind, int name, const void* value,
                   std::size_t bytes, std::initializer_list<Size> sizes) {
  return guarded<cublasStatus_t>(function, [&](State&) {
    Plain& d = found(p, kind);
    const auto size =
        std::find_if(sizes.begin(), sizes.end(), [&](const Size& s) { return s.name == name; });
    demand(size != sizes.end(), CUBLAS_STATUS_NOT_SUPPORTED, "an attribute that is not known here");
    demand(value != nullptr && bytes == size->bytes, CUBLAS_STATUS_INVALID_VALUE,
           "an attribute of another size");
    const auto* first = static_cast<const unsigned char*>(value);
    d.values[name].assign(first, first + bytes);
  });
}

std::size_t version() {
  return 130000;
}
const char* status_name(cublasStatus_t status) {
  return status == CUBLAS_STATUS_NOT_SUPPORTED   ? "CUBLAS_STATUS_NOT_SUPPORTED"
         : status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE"
                                                 : "CUBLAS_STATUS_OTHER";
}
const char* status_string(cublasStatus_t) {
  return state().last_error.c_str();
}

cublasStatus_t create(cublasLtHandle_t* handle) {
  return guarded<cublasStatus_t>("cublasLtCreate", [&](State& s) {
    make(s, handle, Kind::handle);
    ++s.record.handles;
  });
}
cublasStatus_t destroy(cublasLtHandle_t handle) {
  return end("cublasLtDestroy", handle, Kind::handle);
}
cublasStatus_t create_matmul(cublasLtMatmulDesc_t* p, cublasComputeType_t compute,
                             cudaDataType_t scale) {
  return guarded<cublasStatus_t>("cublasLtMatmulDescCreate", [&](State& s) {
    demand(scale == CUDA_R_32F, CUBLAS_STATUS_NOT_SUPPORTED, "another scale");
    make(s, p, Kind::matmul);
    found(*p, Kind::matmul).compute = compute;
  });
}
cublasStatus_t destroy_matmul(cublasLtMatmulDesc_t p) {
  return end("cublasLtMatmulDescDestroy", p, Kind::matmul);
}
cublasStatus_t set_matmul(cublasLtMatmulDesc_t p, cublasLtMatmulDescAttributes_t name,
                          const void* value, std::size_t bytes) {
  return put("cublasLtMatmulDescSetAttribute", p, Kind::matmul, name, value, bytes,
             {{CUBLASLT_MATMUL_DESC_TRANSA, 4},
              {CUBLASLT_MATMUL_DESC_TRANSB, 4},
              {CUBLASLT_MATMUL_DESC_EPILOGUE, 4},
              {CUBLASLT_MATMUL_DESC_BIAS_POINTER, 8}});
}
cublasStatus_t create_layout(cublasLtMatrixLayout_t* p, cudaDataType_t type, std::uint64_t rows,
                             std::uint64_t cols, std::int64_t ld) {
  return guarded<cublasStatus_t>("cublasLtMatrixLayoutCreate", [&](State& s) {
    demand(ld >= static_cast<std::int64_t>(rows), CUBLAS_STATUS_INVALID_VALUE, "columns overlap");
    make(s, p, Kind::layout);
    Plain& d = found(*p, Kind::layout);
    d.type = type;
    const auto keep = [&](int name, auto value) {
      const auto* first = reinterpret_cast<const unsigned char*>(&value);
      d.values[name].assign(first, first + sizeof(value));
    };
    keep(CUBLASLT_MATRIX_LAYOUT_ROWS, rows);
    keep(CUBLASLT_MATRIX_LAYOUT_COLS, cols);
    keep(CUBLASLT_MATRIX_LAYOUT_LD, ld);
  });
}
cublasStatus_t destroy_layout(cublasLtMatrixLayout_t p) {
  return end("cublasLtMatrixLayoutDestroy", p, Kind::layout);
}
cublasStatus_t set_layout(cublasLtMatrixLayout_t p, cublasLtMatrixLayoutAttribute_t name,
                          const void* value, std::size_t bytes) {
  return put(
      "cublasLtMatrixLayoutSetAttribute", p, Kind::layout, name, value, bytes,
      {{CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, 4}, {CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, 8}});
}
cublasStatus_t create_preference(cublasLtMatmulPreference_t* p) {
  return guarded<cublasStatus_t>("cublasLtMatmulPreferenceCreate",
                                 [&](State& s) { make(s, p, Kind::preference); });
}
cublasStatus_t destroy_preference(cublasLtMatmulPreference_t p) {
  return end("cublasLtMatmulPreferenceDestroy", p, Kind::preference);
}
cublasStatus_t set_preference(cublasLtMatmulPreference_t p,
                              cublasLtMatmulPreferenceAttributes_t name, const void* value,
                              std::size_t bytes) {
  return put("cublasLtMatmulPreferenceSetAttribute", p, Kind::preference, name, value, bytes,
             {{CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, 8},
              {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 4},
              {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, 4},
              {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, 4},
              {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, 4}});
}

/// A matrix, its columns first, `batch` of them.
struct Matrix {
  Matrix(const Plain& d, const void* memory, bool transposed)
      : type(d.type),
        rows(static_cast<std::int64_t>(d.get<std::uint64_t>(CUBLASLT_MATRIX_LAYOUT_ROWS, 0))),
        cols(static_cast<std::int64_t>(d.get<std::uint64_t>(CUBLASLT_MATRIX_LAYOUT_COLS, 0))),
        batch(d.get<std::int32_t>(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, 1)),
        stride(d.get<std::int64_t>(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, 0)),
        row_step(1),
        col_step(d.get<std::int64_t>(CUBLASLT_MATRIX_LAYOUT_LD, 0)),
        data(const_cast<unsigned char*>(static_cast<const unsigned char*>(memory))) {
    if (!transposed) return;
    std::swap(rows, cols);
    std::swap(row_step, col_step);
  }
  double get(std::int64_t b, std::int64_t i, std::int64_t j) const {
    const auto at = static_cast<std::size_t>(b * stride + i * row_step + j * col_step);
    if (type == CUDA_R_16BF) {
      bf16 value;
      std::memcpy(&value, data + at * sizeof(value), sizeof(value));
      return static_cast<float>(value);
    }
    float value;
    std::memcpy(&value, data + at * sizeof(value), sizeof(value));
    return value;
  }
  void set(std::int64_t b, std::int64_t i, std::int64_t j, double value) const {
    const auto at = static_cast<std::size_t>(b * stride + i * row_step + j * col_step);
    const auto f = static_cast<float>(value);
    const bf16 narrow(f);
    if (type == CUDA_R_16BF) {
      std::memcpy(data + at * sizeof(narrow), &narrow, sizeof(narrow));
    } else {
      std::memcpy(data + at * sizeof(f), &f, sizeof(f));
    }
  }
  cudaDataType_t type;
  std::int64_t rows, cols, batch, stride, row_step, col_step;
  unsigned char* data;
};

/// What the heuristic wrote into an algorithm, so that the product can check it.
struct Algorithm {
  std::uint64_t workspace, alignment[3];
};

bool transposed(const Plain& d, cublasLtMatmulDescAttributes_t name) {
  return d.get<std::int32_t>(name, CUBLAS_OP_N) == CUBLAS_OP_T;
}
void check_sizes(const Matrix& a, const Matrix& b, const Matrix& d) {
  demand(a.rows == d.rows && b.cols == d.cols && a.cols == b.rows, CUBLAS_STATUS_INVALID_VALUE,
         "the sizes of a product");
  demand(a.batch == d.batch && b.batch == d.batch, CUBLAS_STATUS_INVALID_VALUE, "batches differ");
  demand(a.type == b.type, CUBLAS_STATUS_NOT_SUPPORTED, "factors of different types");
}

cublasStatus_t heuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                         cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                         cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                         cublasLtMatmulPreference_t preference, int most,
                         cublasLtMatmulHeuristicResult_t* results, int* count) {
  return guarded<cublasStatus_t>("cublasLtMatmulAlgoGetHeuristic", [&](State& s) {
    found(handle, Kind::handle);
    found(c, Kind::layout);
    const Plain& op = found(operation, Kind::matmul);
    const Plain& p = found(preference, Kind::preference);
    check_sizes(
        Matrix(found(a, Kind::layout), nullptr, transposed(op, CUBLASLT_MATMUL_DESC_TRANSA)),
        Matrix(found(b, Kind::layout), nullptr, transposed(op, CUBLASLT_MATMUL_DESC_TRANSB)),
        Matrix(found(d, Kind::layout), nullptr, false));
    ++s.record.heuristics;
    const auto room = p.get<std::uint64_t>(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, 0);
    const auto wanted = static_cast<std::uint64_t>(s.workspace);
    const bool refused = s.refused && s.refused("matmul");
    *count = 0;
    if (refused || room < wanted || most < 2) return;
    const auto aligned = [&](int name) { return std::uint64_t{p.get<std::uint32_t>(name, 256)}; };
    const Algorithm algorithm{wanted,
                              {aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES),
                               aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES),
                               aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES)}};
    results[0].state = CUBLAS_STATUS_NOT_SUPPORTED;  // the caller looks at the state
    results[1].state = CUBLAS_STATUS_SUCCESS;
    results[1].workspaceSize = wanted;
    static_assert(sizeof(algorithm) <= sizeof(results[1].algo));
    std::memcpy(&results[1].algo, &algorithm, sizeof(algorithm));
    *count = 2;
    ++s.record.plans;
  });
}

void multiply(const Plain& op, const Matrix& a, const Matrix& b, const Matrix& c, const Matrix& d,
              double alpha, double beta) {
  const auto epilogue = op.get<std::uint32_t>(CUBLASLT_MATMUL_DESC_EPILOGUE, 1);
  const auto* bias = op.get<const float*>(CUBLASLT_MATMUL_DESC_BIAS_POINTER, nullptr);
  const bool with_bias = (epilogue & CUBLASLT_EPILOGUE_BIAS) != 0;
  demand(!with_bias || bias != nullptr, CUBLAS_STATUS_INVALID_VALUE, "no bias");
  for (std::int64_t n = 0; n < d.batch; ++n) {
    for (std::int64_t j = 0; j < d.cols; ++j) {
      for (std::int64_t i = 0; i < d.rows; ++i) {
        double sum = 0;
        for (std::int64_t p = 0; p < a.cols; ++p) sum += a.get(n, i, p) * b.get(n, p, j);
        sum *= alpha;
        if (beta != 0) sum += beta * c.get(n, i, j);
        if (with_bias) sum += static_cast<double>(bias[i]);
        d.set(n, i, j, (epilogue & CUBLASLT_EPILOGUE_RELU) != 0 && sum < 0 ? 0 : sum);
      }
    }
  }
}

cublasStatus_t matmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, const void* alpha,
                      const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                      cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                      cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                      const cublasLtMatmulAlgo_t* chosen, void* workspace, std::size_t bytes,
                      cudaStream_t stream) {
  return guarded<cublasStatus_t>("cublasLtMatmul", [&](State& s) {
    found(handle, Kind::handle);
    const Plain& op = found(operation, Kind::matmul);
    const Matrix am(found(a_layout, Kind::layout), a, transposed(op, CUBLASLT_MATMUL_DESC_TRANSA)),
        bm(found(b_layout, Kind::layout), b, transposed(op, CUBLASLT_MATMUL_DESC_TRANSB)),
        cm(found(c_layout, Kind::layout), c, false), dm(found(d_layout, Kind::layout), d, false);
    check_sizes(am, bm, dm);
    Algorithm algorithm;
    demand(chosen != nullptr, CUBLAS_STATUS_INVALID_VALUE, "no algorithm");
    std::memcpy(&algorithm, chosen, sizeof(algorithm));
    demand(bytes >= algorithm.workspace, CUBLAS_STATUS_INVALID_VALUE, "too little workspace");
    const void* pointers[] = {a, b, d};
    for (std::size_t i = 0; i < 3; ++i) {
      demand(reinterpret_cast<std::uintptr_t>(pointers[i]) % algorithm.alignment[i] == 0,
             CUBLAS_STATUS_INVALID_VALUE, "less aligned than was preferred");
    }
    if (algorithm.workspace > 0) {
      demand(workspace != nullptr, CUBLAS_STATUS_INVALID_VALUE, "no workspace");
      std::memset(workspace, 0xA5, algorithm.workspace);
    }
    multiply(op, am, bm, cm, dm, *static_cast<const float*>(alpha),
             *static_cast<const float*>(beta));
    const auto epilogue = op.get<std::uint32_t>(CUBLASLT_MATMUL_DESC_EPILOGUE, 1);
    std::string name = op.compute == CUBLAS_COMPUTE_32F_FAST_TF32 ? "matmul_tf32" : "matmul";
    if ((epilogue & CUBLASLT_EPILOGUE_BIAS) != 0) name += "+bias";
    if ((epilogue & CUBLASLT_EPILOGUE_RELU) != 0) name += "+relu";
    s.record.executed.push_back(name);
    s.record.streams.push_back(stream);
  });
}

}  // namespace

#define TAXON_STANDIN(member, function) .member = member,
const CublasLt cublaslt_functions = {TAXON_CUBLASLT_FUNCTIONS(TAXON_STANDIN)};
#undef TAXON_STANDIN

}  // namespace taxon::kernels::cuda::vendor::standin
