// The real cuDNN, where it can be loaded, without a GPU: it plans for devices described by their
// properties. All our graphs are finalised for sm_80 and sm_90; convolutions of f32, which have
// engines that need no compiler, become plans. Engines that are compiled at run time are offered
// only where there is a driver, so other rows may decline for want of one, but not for a bad graph.
#include <taxon/base/error.h>

#include <cstdio>

#include <dlfcn.h>

#include "ops.h"
#include "test_vendor.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;
using vendor::Convolution;
using vendor::ConvolutionKind;

namespace {

/// What cuDNN asks of a device: an A100 or an H100.
std::string properties(bool hopper) {
  const auto field = [](const char* name, long long value) {
    return "\"" + std::string(name) + "\":" + std::to_string(value) + ",";
  };
  return "{" + field("deviceVer", hopper ? 900 : 800) + field("driverVer", 13000) +
         field("cudaDeviceId", 0) + field("totalGlobalMem", 80LL << 30) +
         "\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64]," +
         field("regsPerBlock", 65536) + field("multiProcessorCount", hopper ? 132 : 108) +
         field("warpSize", 32) + field("maxSharedMemoryPerBlock", 49152) +
         field("maxSharedMemoryPerBlockOptin", hopper ? 232448 : 166912) +
         field("reservedSharedMemoryPerBlock", 1024) + field("maxRegistersPerSM", 65536) +
         field("maxCtasPerSM", 32) + field("maxThreadsPerBlock", 1024) +
         field("maxThreadsPerSM", 2048) + field("pciDeviceId", 0) + field("isTccDriver", 0) +
         field("supportCoopLaunch", 1) + field("smClockRateKHz", 1400000) +
         field("memClockRateKHz", 1600000) + field("l2CacheSize", 40LL << 20) +
         "\"deviceName\":\"NVIDIA " + (hopper ? "H100" : "A100") + "\"}";
}

/// The real library in use; false, with a line that says why, where it does not serve.
class Real {
 public:
  explicit Real(bool hopper) {
    const char* reason = begin(hopper);
    there_ = reason == nullptr;
    if (!there_) std::printf("SKIPPED: real cuDNN: %s\n", reason);
  }
  ~Real() {
    vendor::plan_for_absent_device(nullptr);
    vendor::use_cudnn(nullptr);
  }
  Real(const Real&) = delete;
  Real& operator=(const Real&) = delete;
  explicit operator bool() const { return there_; }

 private:
  /// Why it does not serve; nullptr: it does.
  static const char* begin(bool hopper) {
#ifdef TAXON_CUDNN_LIBRARY
    const char* const names[] = {"libcudnn.so.9", TAXON_CUDNN_LIBRARY};
#else
    const char* const names[] = {"libcudnn.so.9"};
#endif
    static vendor::Cudnn functions;
    const vendor::Loaded loaded = vendor::load_cudnn(names, std::size(names), &functions);
    if (!loaded.there) return loaded.absence;
    vendor::set_devices({[] { return 0; }, [](int) {}, [](int) { return 80; }});
    vendor::use_cudnn(&functions);
    try {
      vendor::plan_for_absent_device(properties(hopper).c_str());
      return nullptr;
    } catch (const DeviceError& e) {
      return vendor::lasting(e.what());
    }
  }
  bool there_ = false;
};

alignas(256) float memory[64];

Conv2dArgs convolution(std::int64_t groups) {
  Conv2dArgs a;
  a.n = 2;
  a.h = a.w = a.oh = a.ow = 16;
  a.c = a.k = 64;
  a.r = a.s = 3;
  a.pad_h = a.pad_w = 1;
  a.groups = groups;
  a.x = a.weight = a.y = memory;
  return a;
}

/// An engine, or none; but no graph that is refused as such.
template <class Args>
void check_graphs(const Row<Args>& row, const Args& args) {
  const char* reason = row.declines(args);
  INFO(row.name << ": " << (reason == nullptr ? "planned" : reason));
  CHECK((reason == nullptr || std::string(reason).find("cuDNN has no engine") == 0));
}
template <class Args>
void check_planned(const Row<Args>& row, const Args& args) {
  const char* reason = row.declines(args);
  INFO(row.name << ": " << (reason == nullptr ? "planned" : reason));
  CHECK(reason == nullptr);
}

template <class Args>
Args pool() {
  Args a;
  a.n = 2;
  a.h = a.w = 16;
  a.oh = a.ow = 8;
  a.c = 64;
  a.r = a.s = 3;
  a.stride_h = a.stride_w = 2;
  a.pad_h = a.pad_w = 1;
  return a;
}

void check_norm(Type type) {
  BatchNormArgs a;
  a.rows = 512;
  a.channels = 64;
  a.x = a.weight = a.bias = a.y = a.mean = a.var = memory;
  for (int bits = 0; bits < 8; ++bits) {
    a.training = (bits & 1) != 0;
    a.relu = (bits & 2) != 0;
    a.residual = (bits & 4) != 0 ? memory : nullptr;
    check_graphs(cuda::batch_norm_cudnn(type), a);
  }
  BatchNormGradArgs g;
  g.rows = 512;
  g.channels = 64;
  g.x = g.weight = g.bias = g.dy = g.mean = g.var = memory;
  g.dx = g.dweight = g.dbias = memory;
  check_graphs(cuda::batch_norm_grad_cudnn(type), g);
  g.relu = true;
  check_graphs(cuda::batch_norm_grad_cudnn(type), g);
  g.y = memory;
  check_graphs(cuda::batch_norm_grad_cudnn(type), g);
}

void check_pool(Type type) {
  auto a = pool<PoolArgs>();
  a.x = a.y = memory;
  check_graphs(cuda::max_pool_cudnn(type), a);
  check_graphs(cuda::avg_pool_cudnn(type), a);
  a.code = reinterpret_cast<std::uint8_t*>(memory);
  check_graphs(cuda::max_pool_cudnn(type), a);
  auto g = pool<PoolGradArgs>();
  g.dy = g.dx = memory;
  check_graphs(cuda::avg_pool_grad_cudnn(type), g);
}

/// A product of bf16 without what comes before and after it.
vendor::Graph narrow_product(ConvolutionKind kind) {
  vendor::Pointers p{};
  p[1] = p[2] = p[3] = memory;
  return {{vendor::image(1, 2, 16, 16, 64, CUDNN_DATA_BFLOAT16, p),
           vendor::image(2, 64, 3, 3, 64, CUDNN_DATA_BFLOAT16, p),
           vendor::image(3, 2, 16, 16, 64, CUDNN_DATA_BFLOAT16, p)},
          {Convolution{kind, 1, 2, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}}}};
}

/// Where there is a driver, engines compile their kernels when a plan is made: minutes for all of
/// these. There the tests on the GPU itself have them.
bool has_driver() {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
  if (driver != nullptr) std::printf("real cuDNN: there is a driver; compiled kernels only\n");
  return driver != nullptr;
}

void check_compiled(const vendor::Descriptor& device) {
  Conv2dArgs a = convolution(1);
  check_planned(cuda::conv2d_forward_cudnn(Type::f32), a);
  check_planned(cuda::conv2d_backward_data_cudnn(Type::f32), a);
  check_planned(cuda::conv2d_backward_weight_cudnn(Type::f32), a);
  a.relu = true;
  a.bias = memory;
  a.residual = memory;
  check_planned(cuda::conv2d_forward_cudnn(Type::f32), a);
  for (const auto kind : {ConvolutionKind::forward, ConvolutionKind::backward_data,
                          ConvolutionKind::backward_weight}) {
    const vendor::Plan plan(narrow_product(kind), {nullptr, &device}, {});
    CHECK(plan.workspace() >= 0);
  }
}

void check_the_rest() {
  for (const std::int64_t groups : {1, 4}) {
    Conv2dArgs a = convolution(groups);
    a.bias = memory;
    check_graphs(cuda::conv2d_backward_weight_cudnn(Type::f32), a);
    check_graphs(cuda::conv2d_forward_cudnn(Type::bf16), a);
    check_graphs(cuda::conv2d_backward_data_cudnn(Type::bf16), a);
    check_graphs(cuda::conv2d_backward_weight_cudnn(Type::bf16), a);
    a.relu = true;
    a.bias = nullptr;
    check_graphs(cuda::conv2d_forward_cudnn(Type::f32), a);
  }
  for (const Type type : {Type::f32, Type::bf16}) {
    check_norm(type);
    check_pool(type);
  }
}

}  // namespace

TEST_CASE("real cuDNN: our graphs are finalised for sm_80 and sm_90 without a GPU", "[.real]") {
  const bool driver = has_driver();
  for (const bool hopper : {false, true}) {
    const Real real(hopper);
    if (!real) return;
    check_compiled(vendor::device_properties(properties(hopper).c_str()));
    if (!driver) check_the_rest();
  }
}

TEST_CASE("real cuBLASLt: all functions are there", "[.real]") {
#ifdef TAXON_CUBLASLT_LIBRARY
  const char* const names[] = {"libcublasLt.so.13", TAXON_CUBLASLT_LIBRARY};
#else
  const char* const names[] = {"libcublasLt.so.13"};
#endif
  vendor::CublasLt functions;
  const vendor::Loaded loaded = vendor::load_cublaslt(names, std::size(names), &functions);
  if (!loaded.there) {
    std::printf("SKIPPED: real cuBLASLt: %s\n", loaded.absence);
    return;
  }
  CHECK(std::string(functions.status_name(CUBLAS_STATUS_SUCCESS)) == "CUBLAS_STATUS_SUCCESS");
}
