// From samples to the rows of a batch: decoding, augmenting, normalising; and the cache of decoded
// images.
#pragma once

#include <taxon/data/loader.h>

#include <memory>
#include <mutex>

namespace taxon {

/// Writes single samples into a batch. Thread-safe; the result depends only on (options, epoch,
/// index).
class Assembler {
 public:
  Assembler(DatasetPtr data, const LoaderOptions& options);
  /// f32 [height, width, channels] of sample `index`, or its row, into `out`.
  void sample(std::int64_t epoch, std::int64_t index, float* out);
  /// Whether samples are cheap: rows, or pixels in memory that already have the model's size.
  bool direct() const { return direct_; }

 private:
  void from_pixels(const std::uint8_t* pixels, std::int64_t epoch, std::int64_t index, float* out);
  std::shared_ptr<const Image> working(std::int64_t index);

  DatasetPtr data_;
  Tensor rows_;
  Preprocess preprocess_;
  Augment augment_;
  std::uint64_t seed_;
  bool direct_;
  std::mutex mutex_;  // of the cache
  std::vector<std::shared_ptr<const Image>> cache_;
  std::size_t cache_left_;
};

}  // namespace taxon
