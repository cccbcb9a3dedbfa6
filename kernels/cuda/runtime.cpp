// The CUDA runtime behind the functions of a device. It is linked statically and finds the driver
// when it is first called, so that a program with CUDA runs where there is none.
#include "cuda/runtime.h"

#include <cuda_runtime.h>
#include <taxon/base/error.h>

#include <array>
#include <mutex>
#include <string>
#include <vector>

namespace taxon::kernels::cuda {
namespace {

/// What there is on this machine; asked for once.
struct Machine {
  int count = 0;
  std::string absence;
  std::vector<std::string> names;
};

std::string version_text(int version) {
  return text(version / 1000, ".", version % 1000 / 10);
}

/// Why cudaGetDeviceCount found nothing, in the user's terms.
std::string reason_of(cudaError_t code) {
  int driver = 0, built = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&built);
  switch (code) {
    case cudaSuccess:
    case cudaErrorNoDevice:
      return "no CUDA device";
    case cudaErrorInsufficientDriver:
      if (driver == 0) return "no CUDA device (there is no NVIDIA driver)";
      return text("the NVIDIA driver is too old: it knows CUDA ", version_text(driver),
                  ", this program needs ", version_text(built));
    default:
      return text("CUDA cannot be used: ", cudaGetErrorString(code));
  }
}

Machine look() {
  Machine m;
  const cudaError_t code = cudaGetDeviceCount(&m.count);
  if (code != cudaSuccess) {
    m.count = 0;
    cudaGetLastError();  // clears it
  }
  if (m.count == 0) m.absence = reason_of(code);
  for (int i = 0; i < m.count; ++i) {
    cudaDeviceProp properties{};
    const bool known = cudaGetDeviceProperties(&properties, i) == cudaSuccess;
    m.names.emplace_back(known ? properties.name : "CUDA device");
  }
  return m;
}

const Machine& machine() {
  static const Machine m = look();
  return m;
}

/// One stream a device, for computing, uploads or recording; never destroyed, since tensors may
/// live as long as the program, and a library's handle remembers the last stream it was given.
struct Streams {
  std::mutex mutex;
  std::vector<cudaStream_t> of_device;
};
Streams& computing() {
  static auto* const all = new Streams;
  return *all;
}
Streams& uploading() {
  static auto* const all = new Streams;
  return *all;
}

Streams& capturing() {
  static auto* const all = new Streams;
  return *all;
}

cudaStream_t stream_in(Streams& all, int device) {
  use_device(device);
  const auto i = static_cast<size_t>(device);
  const std::lock_guard lock(all.mutex);
  if (i >= all.of_device.size()) all.of_device.resize(i + 1);
  cudaStream_t& its = all.of_device[i];
  if (its == nullptr) its = static_cast<cudaStream_t>(new_stream());
  return its;
}

cudaStream_t stream_of(void* stream) {
  return static_cast<cudaStream_t>(stream);
}

}  // namespace

void check(int code, const char* call) {
  if (code == cudaSuccess) return;
  const auto error = static_cast<cudaError_t>(code);
  cudaGetLastError();  // an error that can be survived is not met again by the next call
  fail<DeviceError>(call, ": ", cudaGetErrorName(error), " (", code,
                    "): ", cudaGetErrorString(error));
}

void check_launch(const char* kernel) {
  const cudaError_t code = cudaGetLastError();
  if (code != cudaSuccess) check(code, text("launch of ", kernel).c_str());
}

void use_device(int device) {
  static thread_local int current = -1;
  if (device == current) return;
  check(cudaSetDevice(device), "cudaSetDevice");
  current = device;
}

int current_device() {
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  return device;
}

int capability(int device) {
  int major = 0, minor = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
        "cudaDeviceGetAttribute");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device),
        "cudaDeviceGetAttribute");
  return 10 * major + minor;
}

bool has_bf16(int device) {
  return capability(device) >= 80;
}

int device_count() {
  return machine().count;
}
const char* absence() {
  return machine().absence.c_str();
}
const char* device_name(int device) {
  const auto& names = machine().names;
  const auto i = static_cast<size_t>(device);
  if (device < 0 || i >= names.size()) {
    fail<DeviceError>("device_name: there is no CUDA device ", device, " among ", names.size());
  }
  return names[i].c_str();
}

void* allocate(int device, size_t bytes) {
  use_device(device);
  void* memory = nullptr;
  const cudaError_t code = cudaMalloc(&memory, bytes > 0 ? bytes : 1);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(code, "cudaMalloc");
  return memory;
}

void release(int device, void* memory) {
  if (memory == nullptr) return;
  try {
    use_device(device);
  } catch (const DeviceError&) {
    return;  // at the program's end the device may be gone already
  }
  if (cudaFree(memory) != cudaSuccess) cudaGetLastError();
}

void memory(int device, size_t* free, size_t* total) {
  use_device(device);
  check(cudaMemGetInfo(free, total), "cudaMemGetInfo");
}

void* stream(int device) {
  return stream_in(computing(), device);
}

void to_device(int device, void* to, const void* from, size_t bytes, void* stream) {
  if (bytes == 0) return;
  use_device(device);
  // From pageable memory the call returns when the source has been read.
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_of(stream)),
        "cudaMemcpyAsync to the device");
}

void to_host(int device, void* to, const void* from, size_t bytes, void* stream) {
  use_device(device);
  if (bytes > 0) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_of(stream)),
          "cudaMemcpyAsync to the host");
  }
  synchronize(device, stream);
}

void copy(int device, void* to, const void* from, size_t bytes, void* stream) {
  if (bytes == 0) return;
  use_device(device);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_of(stream)),
        "cudaMemcpyAsync on the device");
}

void zero(int device, void* to, size_t bytes, void* stream) {
  if (bytes == 0) return;
  use_device(device);
  check(cudaMemsetAsync(to, 0, bytes, stream_of(stream)), "cudaMemsetAsync");
}

void synchronize(int device, void* stream) {
  use_device(device);
  check(cudaStreamSynchronize(stream_of(stream)), "cudaStreamSynchronize");
}

void* new_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  return stream;
}
void* new_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  return event;
}
void record_event(void* event, void* stream) {
  check(cudaEventRecord(static_cast<cudaEvent_t>(event), stream_of(stream)), "cudaEventRecord");
}
void wait_for(void* stream, void* event) {
  check(cudaStreamWaitEvent(stream_of(stream), static_cast<cudaEvent_t>(event), 0),
        "cudaStreamWaitEvent");
}
void free_stream(void* stream) {
  if (cudaStreamDestroy(stream_of(stream)) != cudaSuccess) cudaGetLastError();
}
void free_event(void* event) {
  if (cudaEventDestroy(static_cast<cudaEvent_t>(event)) != cudaSuccess) cudaGetLastError();
}

// CUDA Graphs. The stream is not the device's, so that what other threads give to that meanwhile is
// done as ever; "relaxed" lets this thread allocate memory.
void* start_recording(int device) {
  cudaStream_t own = stream_in(capturing(), device);
  check(cudaStreamBeginCapture(own, cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
  return own;
}
void* end_recording(int device, void* recording_stream) {
  use_device(device);
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(stream_of(recording_stream), &graph), "cudaStreamEndCapture");
  cudaGraphExec_t executable = nullptr;
  const cudaError_t made = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  check(made, "cudaGraphInstantiate");
  return executable;
}
void repeat(int device, void* recorded, void* stream) {
  use_device(device);
  check(cudaGraphLaunch(static_cast<cudaGraphExec_t>(recorded), stream_of(stream)),
        "cudaGraphLaunch");
}
void free_recording(void* recorded) {
  const auto graph = static_cast<cudaGraphExec_t>(recorded);
  if (graph != nullptr && cudaGraphExecDestroy(graph) != cudaSuccess) cudaGetLastError();
}

// The event first says when the stream has come to here, then when the copy is done.
void* start_upload(int device, void* to, const void* pinned, size_t bytes) {
  cudaStream_t beside = stream_in(uploading(), device);
  void* event = new_event();
  try {
    record_event(event, stream(device));
    wait_for(beside, event);
    check(cudaMemcpyAsync(to, pinned, bytes, cudaMemcpyHostToDevice, beside),
          "cudaMemcpyAsync to the device");
    record_event(event, beside);
  } catch (...) {
    free_event(event);
    throw;
  }
  return event;
}
void await_upload(int device, void* upload) {
  wait_for(stream(device), upload);
}
void end_upload(int, void* upload) {
  if (cudaEventSynchronize(static_cast<cudaEvent_t>(upload)) != cudaSuccess) cudaGetLastError();
  free_event(upload);
}

void* allocate_pinned(size_t bytes) {
  void* memory = nullptr;
  if (device_count() == 0) return nullptr;
  if (cudaHostAlloc(&memory, bytes > 0 ? bytes : 1, cudaHostAllocPortable) == cudaSuccess) {
    return memory;
  }
  cudaGetLastError();
  return nullptr;
}

void release_pinned(void* memory) {
  if (memory != nullptr && cudaFreeHost(memory) != cudaSuccess) cudaGetLastError();
}

}  // namespace taxon::kernels::cuda
