// A stand-in for a GPU: memory of the host that only this file's functions reach by right, and the
// kernels of the CPU. What runs on it is everything between a tensor's device and its kernels.
#include <taxon/base/error.h>
#include <taxon/core/devices.h>
#include <taxon/kernels/backend.h>

#include "host_backend.h"

#include <cstdlib>
#include <cstring>

namespace taxon {

namespace test {
bool host_has_bf16 = true, host_is_fast = false;
std::size_t host_most_bytes = std::size_t{4} << 30;
}  // namespace test

namespace {

constexpr std::size_t kTotal = std::size_t{4} << 30;

struct Uploading {
  void* to;
  const void* from;
  std::size_t bytes;
  void copy() {
    std::memcpy(to, from, bytes);
    bytes = 0;
  }
};

kernels::Backend make_backend() {
  kernels::Backend b{};
  b.name = "cuda";
  b.device_count = [] { return 1; };
  b.absence = [] { return ""; };
  b.device_name = [](int) { return "host memory"; };
  b.has_bf16 = [](int) { return test::host_has_bf16; };
  b.use = [](int) {};
  b.allocate = [](int, std::size_t bytes) -> void* {
    if (bytes > test::host_most_bytes) return nullptr;
    void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    if (memory != nullptr) std::memset(memory, 0xFF, bytes);  // NaN
    return memory;
  };
  b.release = [](int, void* memory) { std::free(memory); };
  b.memory = [](int, std::size_t* free, std::size_t* total) { *free = *total = kTotal; };
  b.stream = [](int) -> void* { return nullptr; };
  const auto copy = [](int, void* to, const void* from, std::size_t bytes, void*) {
    std::memcpy(to, from, bytes);
  };
  b.to_device = copy;
  b.to_host = copy;
  b.copy = copy;
  b.zero = [](int, void* to, std::size_t bytes, void*) { std::memset(to, 0, bytes); };
  b.synchronize = [](int, void*) {};
  // As late as allowed: who does not wait finds NaNs, or what the memory held before.
  b.start_upload = [](int, void* to, const void* from, std::size_t bytes) -> void* {
    return new Uploading{to, from, bytes};
  };
  b.await_upload = [](int, void* upload) { static_cast<Uploading*>(upload)->copy(); };
  b.end_upload = [](int, void* upload) {
    static_cast<Uploading*>(upload)->copy();
    delete static_cast<Uploading*>(upload);
  };
  b.allocate_pinned = [](std::size_t bytes) { return std::malloc(bytes); };
  b.release_pinned = [](void* memory) { std::free(memory); };
  b.set_fast = [](bool on) { test::host_is_fast = on; };
  b.collectives = test::host_collectives;
  b.tables = kernels::cpu_tables;
  b.tables.conv_pool = nullptr;  // CUDA has none: ops must do without
  b.tables.conv_pool_backward_weight = nullptr;
  b.tables.conv_pool_spread = nullptr;
  return b;
}

const kernels::Backend backend = make_backend();

// Before main(), and before any tensor.
const bool installed = [] {
  replace_cuda_backend(&backend);
  return true;
}();

}  // namespace
}  // namespace taxon
