// Devices, their memory and streams: what kernels::Backend promises, by the CUDA runtime
// (runtime.cpp) or on host memory (shim/runtime.cpp). Calls that fail throw DeviceError.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace taxon::kernels::cuda {

int device_count();
const char* absence();
const char* device_name(int device);

void* allocate(int device, size_t bytes);
void release(int device, void* memory);
void memory(int device, size_t* free, size_t* total);

void* stream(int device);
void to_device(int device, void* to, const void* from, size_t bytes, void* stream);
void to_host(int device, void* to, const void* from, size_t bytes, void* stream);
void copy(int device, void* to, const void* from, size_t bytes, void* stream);
void zero(int device, void* to, size_t bytes, void* stream);
void synchronize(int device, void* stream);

void* start_recording(int device);
void* end_recording(int device, void* recording_stream);
void repeat(int device, void* recorded, void* stream);
void free_recording(void* recorded);

void* start_upload(int device, void* to, const void* pinned, size_t bytes);
void await_upload(int device, void* upload);
void end_upload(int device, void* upload);

/// Streams besides a device's own, and events, of the calling thread's device; freeing never
/// throws.
void* new_stream();
void* new_event();
void record_event(void* event, void* stream);
void wait_for(void* stream, void* event);  ///< what is given to the stream later waits for it
void free_stream(void* stream);            ///< once it is done
void free_event(void* event);

void* allocate_pinned(size_t bytes);
void release_pinned(void* memory);

/// The calling thread's device, and 10 * major + minor of a device's compute capability.
int current_device();
int capability(int device);
/// Whether its tensor cores take bf16: sm_80 and newer.
bool has_bf16(int device);
/// Makes the device current for the calling thread, as launches and libraries need it.
void use_device(int device);
/// Throws if the launch of the kernel, or what ran before it, failed.
void check_launch(const char* kernel);
/// Throws DeviceError unless `code`, a cudaError_t, is success.
void check(int code, const char* call);

}  // namespace taxon::kernels::cuda
