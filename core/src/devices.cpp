// From a Device to what serves it: its backend, its allocator, its kernels, its scratch memory.
#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/base/memory.h>
#include <taxon/core/devices.h>
#include <taxon/core/dispatch.h>
#include <taxon/core/recording.h>

#include "recorder.h"

#include <array>
#include <atomic>
#include <cstring>
#include <mutex>

namespace taxon {
namespace {

std::atomic<const kernels::Backend*> replaced{nullptr};

const kernels::Backend* cuda() {
  const kernels::Backend* stand_in = replaced.load(std::memory_order_acquire);
  return stand_in != nullptr ? stand_in : kernels::cuda_backend();
}

// For a device that is_available: of these, tensors exist.
class CpuSource final : public MemorySource {
 public:
  void* allocate(std::size_t bytes) const override { return allocate_memory(bytes); }
  void release(void* memory, std::size_t bytes) const noexcept override {
    free_memory(memory, bytes);
  }
  void discard(void* memory, std::size_t bytes) const noexcept override {
    discard_memory(memory, bytes);
  }
  std::string name() const override { return cpu.str(); }
};

class BackendSource final : public MemorySource {
 public:
  BackendSource(const kernels::Backend& backend, Device device)
      : backend_(backend), device_(device) {}
  void* allocate(std::size_t bytes) const override {
    return backend_.allocate(device_.index, bytes);
  }
  void release(void* memory, std::size_t) const noexcept override {
    backend_.release(device_.index, memory);
  }
  std::string name() const override { return device_.str(); }
  std::string room() const override {
    std::size_t free = 0, total = 0;
    backend_.memory(device_.index, &free, &total);
    return text("; ", free, " of its ", total, " bytes are free");
  }

 private:
  const kernels::Backend& backend_;
  Device device_;
};

std::atomic<bool> is_fast{false};

constexpr std::size_t kMaxDevices = 128;  // what Device::index can say

struct Allocators {
  std::mutex mutex;
  std::array<CachingAllocator*, kMaxDevices> cuda{};
};
// Never destroyed: tensors in static variables may outlive every other static.
Allocators& allocators() {
  static auto* const instance = new Allocators;
  return *instance;
}

// Scratch memory of the calling thread on a device; grows, and lives as long as the thread, or as
// what it records.
void* device_scratch(Device device, std::size_t bytes) {
  thread_local std::array<std::unique_ptr<Storage>, kMaxDevices> held;
  Recorder* const records = recorder_of(device);
  std::unique_ptr<Storage>& own =
      records != nullptr ? records->scratch : held[static_cast<std::size_t>(device.index)];
  if (own == nullptr || own->bytes() < bytes) {
    own.reset();
    own = std::make_unique<Storage>(bytes, device);
  }
  return own->data();
}

// Where the calling thread's work on a device goes.
void* stream_of(Device device) {
  const Recorder* const records = recorder_of(device);
  return records != nullptr ? records->stream : backend_of(device).stream(device.index);
}

}  // namespace

const kernels::Backend& backend_of(Device device) {
  check_available(device);
  return *cuda();
}

bool has_cuda() {
  return cuda() != nullptr;
}

std::vector<Device> available_devices() {
  std::vector<Device> out{cpu};
  const int count = cuda() == nullptr ? 0 : cuda()->device_count();
  for (int i = 0; i < count; ++i) out.push_back({DeviceType::cuda, static_cast<std::int8_t>(i)});
  return out;
}

bool is_available(Device device, std::string* why) {
  const auto missing = [&](const std::string& reason) {
    if (why != nullptr) *why = reason;
    return false;
  };
  if (device.type == DeviceType::cpu) return true;
  if (cuda() == nullptr) return missing("this build has the cpu only");
  const int count = cuda()->device_count();
  if (count == 0) return missing(cuda()->absence());
  if (device.index < count) return true;
  return missing(count == 1 ? "this machine has cuda:0 alone"
                            : text("this machine has cuda:0 to cuda:", count - 1));
}

void check_available(Device device) {
  std::string why;
  if (!is_available(device, &why)) fail<DeviceError>("device ", device, " is not available: ", why);
}

std::string device_name(Device device) {
  if (device == cpu) return cpu_model();
  return backend_of(device).device_name(device.index);
}

bool has_bf16(Device device) {
  return device.type == DeviceType::cpu || backend_of(device).has_bf16(device.index);
}

std::size_t free_bytes(Device device) {
  if (device.type == DeviceType::cpu) fail<DeviceError>("free_bytes: ", device, " is no GPU");
  std::size_t free = 0, total = 0;
  backend_of(device).memory(device.index, &free, &total);
  return free;
}

void set_fast(bool on) {
  is_fast.store(on, std::memory_order_relaxed);
  if (cuda() != nullptr && cuda()->set_fast != nullptr) cuda()->set_fast(on);
}
bool fast() {
  return is_fast.load(std::memory_order_relaxed);
}

std::unique_ptr<MemorySource> memory_source(Device device) {
  if (device.type == DeviceType::cpu) return std::make_unique<CpuSource>();
  return std::make_unique<BackendSource>(backend_of(device), device);
}

CachingAllocator& allocator_of(Device device) {
  if (device.type == DeviceType::cpu) {
    static auto* const instance = new CachingAllocator(memory_source(cpu));
    return *instance;
  }
  Allocators& all = allocators();
  const auto at = static_cast<std::size_t>(device.index);
  const std::lock_guard lock(all.mutex);
  if (all.cuda[at] == nullptr) {
    all.cuda[at] = new CachingAllocator(memory_source(device));
  }
  return *all.cuda[at];
}

void replace_cuda_backend(const kernels::Backend* backend) {
  Allocators& all = allocators();
  const std::lock_guard lock(all.mutex);
  for (const CachingAllocator* used : all.cuda) {
    if (used != nullptr) fail<Error>("replace_cuda_backend: tensors were made on the one in force");
  }
  replaced.store(backend, std::memory_order_release);
}

const kernels::Tables& tables_of(Device device) {
  if (device.type == DeviceType::cpu) return kernels::cpu_tables;
  const kernels::Backend& backend = backend_of(device);
  backend.use(device.index);  // rows of libraries ask which one is current
  return backend.tables;
}

kernels::Exec make_exec(Device device, std::size_t scratch_bytes) {
  kernels::Exec exec;
  exec.threads = num_threads();
  if (device.type != DeviceType::cpu) {
    exec.device = device.index;
    exec.stream = stream_of(device);
    exec.scratch = scratch_bytes == 0 ? nullptr : device_scratch(device, scratch_bytes);
    return exec;
  }
  exec.scratch = scratch_bytes == 0 ? nullptr : scratch(scratch_bytes);
  exec.run = [](std::int64_t chunks, void (*body)(void*, std::int64_t, int), void* arg) {
    parallel_chunks(chunks, body, arg);
  };
  return exec;
}

void synchronize(Device device) {
  if (device.type == DeviceType::cpu) return;
  refuse_recording(device, "the host waits for the device");
  const kernels::Backend& b = backend_of(device);
  b.synchronize(device.index, b.stream(device.index));
}

void copy_bytes(void* to, Device to_device, const void* from, Device from_device,
                std::size_t bytes) {
  if (bytes == 0 || to == from) return;
  if (to_device == cpu && from_device == cpu) {
    std::memcpy(to, from, bytes);
  } else if (from_device == cpu) {
    refuse_recording(to_device, "a tensor comes from the host");
    const kernels::Backend& b = backend_of(to_device);
    b.to_device(to_device.index, to, from, bytes, b.stream(to_device.index));
  } else if (to_device == cpu) {
    refuse_recording(from_device, "the host reads a tensor");
    const kernels::Backend& b = backend_of(from_device);
    b.to_host(from_device.index, to, from, bytes, b.stream(from_device.index));
  } else if (to_device == from_device) {
    const kernels::Backend& b = backend_of(to_device);
    b.copy(to_device.index, to, from, bytes, stream_of(to_device));
  } else {  // two GPUs: through the host, which both reach
    const std::unique_ptr<char[]> between(new char[bytes]);
    copy_bytes(between.get(), cpu, from, from_device, bytes);
    copy_bytes(to, to_device, between.get(), cpu, bytes);
  }
}

void zero_bytes(void* to, Device device, std::size_t bytes) {
  if (bytes == 0) return;
  if (device == cpu) {
    std::memset(to, 0, bytes);
    return;
  }
  const kernels::Backend& b = backend_of(device);
  b.zero(device.index, to, bytes, stream_of(device));
}

}  // namespace taxon
