// From samples to the rows of a batch: decoding, augmenting, normalising.
#pragma once

#include <taxon/data/loader.h>

#include <memory>
#include <mutex>

#include "augment.h"
#include "image_cache.h"

namespace taxon {

/// Whether the samples are pixels in memory that already have the model's size.
bool already_fits(const Dataset& data, const Preprocess& preprocess);

/// Writes single samples into a batch. Thread-safe; the result depends only on (options, epoch,
/// index), not on what is in the cache.
class Assembler {
 public:
  Assembler(DatasetPtr data, const LoaderOptions& options);
  /// f32 [height, width, channels] of sample `index`, or its row, into `out`.
  void sample(std::int64_t epoch, std::int64_t index, float* out);
  /// The same before it is normalised: u8. Not for rows.
  void pixels(std::int64_t epoch, std::int64_t index, std::uint8_t* out);
  /// Whether samples are cheap: rows, or pixels in memory that already have the model's size.
  bool direct() const { return direct_; }

 private:
  template <class Use>
  void with_fitted(std::int64_t epoch, std::int64_t index, const Use& use);
  template <class Use>
  void with_augmented(std::int64_t epoch, std::int64_t index, const Use& use);
  std::shared_ptr<const Image> fitted(std::int64_t index);
  Image random_part(std::int64_t epoch, std::int64_t index);
  Image decode_part(std::int64_t index, const Part& part, const EncodedImage& image);
  Extents size_of(std::int64_t index) const;
  void remember_size(std::int64_t index, const Extents& size);

  DatasetPtr data_;
  Tensor rows_;
  Preprocess preprocess_;
  Augment augment_;
  std::uint64_t seed_;
  bool direct_, parts_;
  ImageCache cache_;
  mutable std::mutex mutex_;         // of the sizes
  std::vector<std::int32_t> sizes_;  // height and width of each image, 0 until it was seen
};

}  // namespace taxon
