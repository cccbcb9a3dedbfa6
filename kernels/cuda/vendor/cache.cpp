// See cache.h and vendor.h: the devices, and what is dropped at release().
#include "cache.h"

#include <algorithm>

namespace taxon::kernels::cuda::vendor {
namespace {

std::mutex g_mutex;
Devices g_devices = {nullptr, nullptr, nullptr};
ColumnSums g_column_sums = {nullptr, nullptr};

std::vector<void (*)()>& drops() {
  static std::vector<void (*)()> list;
  return list;
}

}  // namespace

void set_devices(const Devices& devices) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  g_devices = devices;
}
const Devices& devices() {
  return g_devices;
}
void set_column_sums(const ColumnSums& sums) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  g_column_sums = sums;
}
const ColumnSums& column_sums() {
  return g_column_sums;
}

void on_release(void (*drop)()) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  if (std::find(drops().begin(), drops().end(), drop) == drops().end()) drops().push_back(drop);
}
void release() {
  std::vector<void (*)()> all;
  {
    const std::lock_guard<std::mutex> lock(g_mutex);
    all = drops();
  }
  for (const auto drop : all) drop();
}

const char* unusable(const char* absence, bool bf16) {
  if (absence != nullptr) return absence;
  if (devices().current == nullptr) return "no CUDA runtime was set";
  if (bf16 && devices().capability(devices().current()) < 80) return "bf16 needs sm_80 or newer";
  return nullptr;
}

}  // namespace taxon::kernels::cuda::vendor
