// The functions of cuDNN and cuBLASLt that the rows call, found at run time: a program linked with
// this starts on a machine that has neither. Tests put the stand-in's functions in their place.
#pragma once

#include <cublasLt.h>
#include <cudnn.h>

namespace taxon::kernels::cuda::vendor {

/// X(member, function): one list a library, so that the table and its loading cannot differ.
#define TAXON_CUDNN_FUNCTIONS(X)                       \
  X(version, cudnnGetVersion)                          \
  X(error_string, cudnnGetErrorString)                 \
  X(last_error, cudnnGetLastErrorString)               \
  X(create, cudnnCreate)                               \
  X(destroy, cudnnDestroy)                             \
  X(set_stream, cudnnSetStream)                        \
  X(create_descriptor, cudnnBackendCreateDescriptor)   \
  X(destroy_descriptor, cudnnBackendDestroyDescriptor) \
  X(set_attribute, cudnnBackendSetAttribute)           \
  X(get_attribute, cudnnBackendGetAttribute)           \
  X(finalize, cudnnBackendFinalize)                    \
  X(execute, cudnnBackendExecute)                      \
  X(create_tensor, cudnnCreateTensorDescriptor)        \
  X(set_tensor, cudnnSetTensor4dDescriptorEx)          \
  X(destroy_tensor, cudnnDestroyTensorDescriptor)      \
  X(softmax_forward, cudnnSoftmaxForward)              \
  X(softmax_backward, cudnnSoftmaxBackward)

#define TAXON_CUBLASLT_FUNCTIONS(X)                       \
  X(version, cublasLtGetVersion)                          \
  X(status_name, cublasLtGetStatusName)                   \
  X(status_string, cublasLtGetStatusString)               \
  X(create, cublasLtCreate)                               \
  X(destroy, cublasLtDestroy)                             \
  X(create_matmul, cublasLtMatmulDescCreate)              \
  X(destroy_matmul, cublasLtMatmulDescDestroy)            \
  X(set_matmul, cublasLtMatmulDescSetAttribute)           \
  X(create_layout, cublasLtMatrixLayoutCreate)            \
  X(destroy_layout, cublasLtMatrixLayoutDestroy)          \
  X(set_layout, cublasLtMatrixLayoutSetAttribute)         \
  X(create_preference, cublasLtMatmulPreferenceCreate)    \
  X(destroy_preference, cublasLtMatmulPreferenceDestroy)  \
  X(set_preference, cublasLtMatmulPreferenceSetAttribute) \
  X(heuristic, cublasLtMatmulAlgoGetHeuristic)            \
  X(matmul, cublasLtMatmul)

#define TAXON_MEMBER(member, function) decltype(&::function) member = nullptr;
struct Cudnn {
  TAXON_CUDNN_FUNCTIONS(TAXON_MEMBER)
};
struct CublasLt {
  TAXON_CUBLASLT_FUNCTIONS(TAXON_MEMBER)
};
#undef TAXON_MEMBER

/// The functions of the library; nullptr where it is absent (vendor.h says why).
const Cudnn* cudnn();
const CublasLt* cublaslt();

/// For tests: these functions (or the absence of any, for this reason) from now on. Plans and
/// handles made so far are destroyed by the functions that made them.
void use_cudnn(const Cudnn* functions, const char* absence = "absent in this test");
void use_cublaslt(const CublasLt* functions, const char* absence = "absent in this test");

/// For tests: what loading gives, from the first of these names that works.
struct Loaded {
  bool there = false;
  const char* absence = nullptr;  ///< nullptr: it is there; lives for ever
};
Loaded load_cudnn(const char* const* names, int count, Cudnn* to);
Loaded load_cublaslt(const char* const* names, int count, CublasLt* to);

/// Texts that live for ever: reasons of rows to decline.
const char* lasting(const char* text);

/// The text of the error in a status, with the library's last message where it has one.
[[noreturn]] void fail_call(const char* call, cudnnStatus_t status);
[[noreturn]] void fail_call(const char* call, cublasStatus_t status);
inline void check(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS) fail_call(call, status);
}
inline void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) fail_call(call, status);
}

}  // namespace taxon::kernels::cuda::vendor
