// A device that is host memory. Everything happens at once, in the order of the calls, but for what
// is recorded.
#include "cuda/runtime.h"

#include <taxon/base/error.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <new>

#include "cuda/shim/recording.h"
#include "cuda/shim/settings.h"

namespace taxon::kernels::cuda {
namespace {

constexpr size_t zone = 256;  // before and after each piece
constexpr unsigned char zone_byte = 0xA5, fresh_byte = 0xFF;
constexpr size_t total_bytes = size_t{1} << 34;  // what the device says it has

struct Pieces {
  std::mutex mutex;
  std::map<void*, size_t> sizes;
  size_t used = 0;
};
Pieces& pieces() {
  static Pieces p;
  return p;
}
std::atomic<int> overruns{0};

bool untouched(const unsigned char* from, size_t count) {
  return std::all_of(from, from + count, [](unsigned char b) { return b == zone_byte; });
}

void check_device(int device, const char* call) {
  if (device < 0 || device >= device_count()) {
    fail<DeviceError>(call, ": there is no device ", device, " among ", device_count());
  }
}

/// Fails unless [p, p + bytes) lies in one piece of device memory.
void check_piece(const void* p, size_t bytes, const char* call) {
  Pieces& all = pieces();
  const std::lock_guard lock(all.mutex);
  auto after = all.sizes.upper_bound(const_cast<void*>(p));
  if (after != all.sizes.begin()) {
    const auto& [start, size] = *std::prev(after);
    const auto offset = static_cast<size_t>(static_cast<const unsigned char*>(p) -
                                            static_cast<const unsigned char*>(start));
    if (offset + bytes <= size) return;
  }
  fail<DeviceError>(call, ": ", bytes, " bytes that are not all in one piece of device memory");
}

/// As CUDA: what a recording cannot hold.
void refuse_recorded(void* stream, const char* call) {
  if (shim::recorded_at(stream) != nullptr)
    fail<DeviceError>(call, ": operation not permitted when stream is capturing");
}

}  // namespace

void check(int code, const char* call) {
  if (code != 0) fail<DeviceError>(call, ": code ", code);
}
void check_launch(const char*) {}
void use_device(int device) {
  check_device(device, "use_device");
}

int device_count() {
  return 2;  // so that mixing up two devices shows
}
const char* absence() {
  return "";
}
const char* device_name(int device) {
  check_device(device, "device_name");
  return "CUDA on the CPU";
}

void* start_upload(int device, void* to, const void* pinned, size_t bytes) {
  to_device(device, to, pinned, bytes, stream(device));
  return new char;
}
void await_upload(int device, void*) {
  check_device(device, "await_upload");
}
void end_upload(int, void* upload) {
  delete static_cast<char*>(upload);
}

bool has_bf16(int device) {
  check_device(device, "has_bf16");
  return true;
}

void* allocate(int device, size_t bytes) {
  check_device(device, "allocate");
  Pieces& all = pieces();
  const std::lock_guard lock(all.mutex);
  if (bytes > total_bytes - all.used) return nullptr;
  void* memory = ::operator new(bytes + 2 * zone, std::align_val_t(256), std::nothrow);
  if (memory == nullptr) return nullptr;
  auto* start = static_cast<unsigned char*>(memory) + zone;
  std::memset(start - zone, zone_byte, zone);
  std::memset(start, fresh_byte, bytes);
  std::memset(start + bytes, zone_byte, zone);
  all.sizes.emplace(start, bytes);
  all.used += bytes;
  return start;
}

void release(int, void* memory) {
  if (memory == nullptr) return;
  Pieces& all = pieces();
  const std::lock_guard lock(all.mutex);
  const auto at = all.sizes.find(memory);
  if (at == all.sizes.end()) {
    ++overruns;
    return;
  }
  const auto* start = static_cast<const unsigned char*>(memory);
  if (!untouched(start - zone, zone) || !untouched(start + at->second, zone)) ++overruns;
  all.used -= at->second;
  all.sizes.erase(at);
  ::operator delete(static_cast<unsigned char*>(memory) - zone, std::align_val_t(256));
}

void memory(int device, size_t* free, size_t* total) {
  check_device(device, "memory");
  Pieces& all = pieces();
  const std::lock_guard lock(all.mutex);
  *total = total_bytes;
  *free = total_bytes - all.used;
}

void* stream(int device) {
  static thread_local char streams[16];
  check_device(device, "stream");
  return &streams[device];
}

void to_device(int device, void* to, const void* from, size_t bytes, void* stream) {
  check_device(device, "to_device");
  refuse_recorded(stream, "to_device");
  if (bytes == 0) return;
  check_piece(to, bytes, "to_device");
  std::memcpy(to, from, bytes);
}
void to_host(int device, void* to, const void* from, size_t bytes, void* stream) {
  check_device(device, "to_host");
  refuse_recorded(stream, "to_host");
  if (bytes == 0) return;
  check_piece(from, bytes, "to_host");
  std::memcpy(to, from, bytes);
}
void copy(int device, void* to, const void* from, size_t bytes, void* stream) {
  check_device(device, "copy");
  if (bytes == 0) return;
  shim::give(stream, [=] {
    check_piece(from, bytes, "copy");
    check_piece(to, bytes, "copy");
    std::memmove(to, from, bytes);
  });
}
void zero(int device, void* to, size_t bytes, void* stream) {
  check_device(device, "zero");
  if (bytes == 0) return;
  shim::give(stream, [=] {
    check_piece(to, bytes, "zero");
    std::memset(to, 0, bytes);
  });
}
void synchronize(int device, void* stream) {
  check_device(device, "synchronize");
  refuse_recorded(stream, "synchronize");
}

void* allocate_pinned(size_t bytes) {
  return ::operator new(bytes > 0 ? bytes : 1, std::nothrow);
}
void release_pinned(void* memory) {
  ::operator delete(memory);
}

}  // namespace taxon::kernels::cuda

namespace taxon::shim {

int overruns() {
  return kernels::cuda::overruns;
}

}  // namespace taxon::shim
