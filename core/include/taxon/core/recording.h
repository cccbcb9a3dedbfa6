// Work for a GPU, recorded once and repeated with one call of its driver, where giving it one
// kernel after the other would keep the host busier than the GPU.
#pragma once

#include <taxon/base/callback.h>
#include <taxon/base/device.h>

#include <memory>
#include <string_view>

namespace taxon {

/// Kernels and copies, with the memory they work on. What was on the device before may be read and
/// written: a repetition takes what it holds then. Tensors that the work makes live in memory of
/// the recording's own, hold the last repetition's results, and keep their place for as long as
/// they or the recording live.
class Recording {
 public:
  /// Whether this device can record: a GPU can, the CPU not.
  static bool possible(Device device);

  /// Records what `work` gives to the device from this thread; none of it is done. Kernels must
  /// have run before (libraries choose their plans when they are first used). Throws what `work`
  /// throws, and DeviceError where a part of it cannot be repeated: what the host reads from the
  /// device, brings to it or draws, and what the driver refuses.
  Recording(Device device, const Callback<void()>& work);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// Gives the work to the device, after all that it was given before.
  void repeat();

 private:
  struct Recorded;
  std::unique_ptr<Recorded> recorded_;
};

/// Throws DeviceError if the calling thread records on this device: `what` differs from one
/// repetition to the next, or needs the host.
void refuse_recording(Device device, std::string_view what);

}  // namespace taxon
