// Sums over the devices of several processes.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

/// All members of a group make the same calls in the same order, each with its own device. All but
/// absence and leave throw DeviceError with the call that failed, its code and text.
struct Collectives {
  static constexpr size_t id_bytes = 128;

  /// nullptr: they can be used; else why not ("libnccl.so.2 not found: ..."). Never throws.
  const char* (*absence)();
  /// Names a new group: one member calls it, and tells the others.
  void (*make_id)(unsigned char* id);
  /// Waits until all `size` members have joined.
  void* (*join)(int device, const unsigned char* id, int rank, int size);
  void (*leave)(void* member);  ///< never throws
  /// Replaces values [count] (f32, f64 or i64) by their sums over the members, beside what `stream`
  /// does next: begins when the stream has come to here, and until wait() nothing else may touch
  /// them.
  void (*start_sum)(void* member, void* values, size_t count, Type type, void* stream);
  /// What is given to the stream from now on begins when all sums are there. The host goes on.
  void (*wait)(void* member, void* stream);
};

}  // namespace taxon::kernels
