// Batches that are finished on a GPU: normalised there and, where the pixels of the data set lie in
// its memory, augmented there too.
#pragma once

#include <taxon/data/loader.h>
#include <taxon/kernels/images.h>

#include <array>
#include <memory>

namespace taxon {

/// f32 [n, height, width, channels] from u8 pixels of that shape, both on the same GPU.
Tensor normalized(const Tensor& pixels, const Preprocess& preprocess);

/// Makes the same batches as an Assembler does on the CPU (up to the rounding of one product).
/// Thread-safe.
class Resident {
 public:
  /// nullptr where batches are not for a GPU or not made of pixels in memory that have the model's
  /// size by shifts, mirroring and cutout alone, or where they would take more than a quarter of
  /// the device's free memory.
  static std::unique_ptr<Resident> of(const Dataset& data, const LoaderOptions& options);

  /// What becomes of a sample in an epoch.
  kernels::ImagePlan plan(std::int64_t epoch, std::int64_t index) const;
  /// f32 [n, height, width, channels] on the device, by the plans of n samples: [n, kPlan] of
  /// ImagePlan's numbers, there too.
  Tensor batch(const Tensor& plans) const;
  static constexpr std::int64_t kPlan = 8;  ///< i32 numbers of an ImagePlan

 private:
  Resident(const Dataset& data, const LoaderOptions& options);

  Preprocess preprocess_;
  Augment augment_;
  std::uint64_t seed_;
  std::array<std::uint8_t, 3> fill_;
  Tensor pixels_;  // u8 [samples, height, width, channels]
};

}  // namespace taxon
