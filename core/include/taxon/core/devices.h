// The devices of this machine, and copies between their memories.
#pragma once

#include <taxon/base/device.h>

#include <cstddef>
#include <string>
#include <vector>

namespace taxon {

namespace kernels {
struct Backend;
}

/// Whether this build has the CUDA backend.
bool has_cuda();
/// The CPU, then "cuda:0", "cuda:1", ... where this build and this machine have them.
std::vector<Device> available_devices();
/// Whether tensors can be made there; if not, `why` (unless null) says what is missing: "this build
/// has the cpu only", "no CUDA device", ...
bool is_available(Device device, std::string* why = nullptr);
/// Throws DeviceError, with what is missing, unless is_available.
void check_available(Device device);
/// "NVIDIA H100 80GB HBM3", or what the processor calls itself.
std::string device_name(Device device);
/// Whether its arithmetic is made for bf16: false for GPUs before sm_80. Throws as check_available.
bool has_bf16(Device device);

/// Bytes of a GPU's memory that nothing uses. Throws DeviceError, for the CPU too.
std::size_t free_bytes(Device device);

/// Whether GPUs may use algorithms whose results differ between two runs, and round the factors of
/// f32 products to TF32 (10 bits). Off at first; without effect on the CPU.
void set_fast(bool on);
bool fast();

/// Waits until all work given to the device is done; nothing to do on the CPU.
void synchronize(Device device);

/// Copies bytes between any two devices; back on the host, they are there when it returns.
void copy_bytes(void* to, Device to_device, const void* from, Device from_device,
                std::size_t bytes);
/// Sets bytes to zero.
void zero_bytes(void* to, Device device, std::size_t bytes);

/// For tests: the backend that stands for "cuda" from now on. Throws Error if a tensor was made on
/// the one before.
void replace_cuda_backend(const kernels::Backend* backend);

}  // namespace taxon
