// See library.h and vendor.h: loading, the switches, and the texts of errors.
#include "library.h"

#include <taxon/base/error.h>

#include <atomic>
#include <set>

#include "cache.h"
#include "loading.h"
#include "vendor.h"

namespace taxon::kernels::cuda::vendor {
namespace {

constexpr const char* kCudnnNames[] = {"libcudnn.so.9", "libcudnn.so"};
constexpr const char* kCublasLtNames[] = {"libcublasLt.so.13", "libcublasLt.so.12",
                                          "libcublasLt.so"};

/// The least versions that have all that is called: graphs as of cuDNN 9, cuBLASLt as of CUDA 12.
constexpr std::size_t kCudnnLeast = 90000, kCublasLtLeast = 120000;

Loading<Cudnn>& cudnn_loading() {
  static Loading<Cudnn> loading;
  return loading;
}
Loading<CublasLt>& cublaslt_loading() {
  static Loading<CublasLt> loading;
  return loading;
}

std::atomic<bool> g_fast{false}, g_tf32{false};

}  // namespace

Loaded load_cudnn(const char* const* names, int count, Cudnn* to) {
  return load("cuDNN 9", kCudnnLeast, names, count, to,
              [](void* library, Cudnn& f, std::string& missing) {
#define TAXON_FIND(member, function) find(library, #function, f.member, missing);
                TAXON_CUDNN_FUNCTIONS(TAXON_FIND)
              });
}
Loaded load_cublaslt(const char* const* names, int count, CublasLt* to) {
  return load("cuBLASLt", kCublasLtLeast, names, count, to,
              [](void* library, CublasLt& f, std::string& missing) {
                TAXON_CUBLASLT_FUNCTIONS(TAXON_FIND)
              });
}
#undef TAXON_FIND

const Cudnn* cudnn() {
  return in_use(cudnn_loading(),
                [](Cudnn* to) { return load_cudnn(kCudnnNames, std::size(kCudnnNames), to); });
}
const CublasLt* cublaslt() {
  return in_use(cublaslt_loading(), [](CublasLt* to) {
    return load_cublaslt(kCublasLtNames, std::size(kCublasLtNames), to);
  });
}
const char* cudnn_absence() {
  cudnn();
  return cudnn_loading().absence;
}
const char* cublaslt_absence() {
  cublaslt();
  return cublaslt_loading().absence;
}
void use_cudnn(const Cudnn* functions, const char* absence) {
  release();
  put(cudnn_loading(), functions, absence);
}
void use_cublaslt(const CublasLt* functions, const char* absence) {
  release();
  put(cublaslt_loading(), functions, absence);
}

void set_fast(bool on) {
  g_fast = on;
}
bool fast() {
  return g_fast;
}
void set_tf32(bool on) {
  g_tf32 = on;
}
bool tf32() {
  return g_tf32;
}

const char* lasting(const char* text) {
  static std::mutex mutex;
  static std::set<std::string> texts;
  const std::lock_guard<std::mutex> lock(mutex);
  return texts.insert(text).first->c_str();
}

void fail_call(const char* call, cudnnStatus_t status) {
  char last[512] = "";
  const char* name = "unknown status";
  if (const Cudnn* c = cudnn()) {
    name = c->error_string(status);
    c->last_error(last, sizeof(last));
  }
  fail<DeviceError>(call, ": ", name, " (", static_cast<int>(status), ")",
                    last[0] != '\0' ? ": " : "", static_cast<const char*>(last));
}
void fail_call(const char* call, cublasStatus_t status) {
  const CublasLt* c = cublaslt();
  fail<DeviceError>(call, ": ", c != nullptr ? c->status_name(status) : "unknown status", " (",
                    static_cast<int>(status), ")", c != nullptr ? ": " : "",
                    c != nullptr ? c->status_string(status) : "");
}

}  // namespace taxon::kernels::cuda::vendor
