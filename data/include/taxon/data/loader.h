// Loader: batches of tensors, prepared by background threads while the model computes.
#pragma once

#include <taxon/core/tensor.h>
#include <taxon/data/dataset.h>
#include <taxon/data/transforms.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace taxon {

struct Batch {
  Tensor x;                           ///< f32 [n, height, width, channels]
  Tensor y;                           ///< i64 [n] (single) or f32 [n, classes] (multi, or mixed)
  std::vector<std::int64_t> indices;  ///< of the samples in the data set
  std::int64_t number = 0;            ///< of the batch in its epoch
  std::int64_t size() const { return static_cast<std::int64_t>(indices.size()); }
};

/// A quarter of the memory that is free now, or $TAXON_CACHE_MB.
std::size_t default_cache_bytes();

struct LoaderOptions {
  std::int64_t batch = 128;
  bool shuffle = false;  ///< a permutation from (seed, epoch)
  /// With shuffle, not empty: one weight a sample; an epoch draws as many samples as there are,
  /// each by its weight and with replacement. One drawn again is augmented as in another epoch.
  std::vector<double> weights;
  bool drop_last = false;  ///< leave out a last batch that is not full
  std::uint64_t seed = 0;  ///< of the order and of the augmentation
  Preprocess preprocess;
  Augment augment;
  /// Above 0: the samples of a batch are mixed in pairs, the share from Beta(x, x): values blended
  /// (mixup) or a box exchanged (CutMix); with both, each batch takes one. Targets are then shares
  /// of classes, f32 [n, classes].
  double mixup = 0, cutmix = 0;
  /// Of each batch, the samples of this part alone (see Group); batch is that of all parts
  /// together, and samples() counts those of all.
  int part = 0, parts = 1;
  int prefetch = 3;     ///< batches prepared ahead
  Device device = cpu;  ///< where the tensors of batches are
  /// f32 [samples, ...]: x of every sample, ready, in place of its image; or undefined. Goes with
  /// no augmentation and no mixing.
  Tensor rows;
  /// Decoded images are kept in memory up to this many bytes; the others are read from their files
  /// and decoded again in each epoch. Changes no result.
  std::size_t cache_bytes = default_cache_bytes();
};

/// Weights with which each class is drawn equally often in expectation: 1 / (samples of the class);
/// with several labels, those of the sample's rarest label, and samples without a label count as a
/// class of their own.
std::vector<double> balanced_sampling(const Dataset& data);
/// Each sample's weight is that of its class; with several labels, the greatest of its labels', and
/// 1 without a label. `weights` has one a class.
std::vector<double> class_sampling(const Dataset& data, const std::vector<double>& weights);

/// Batches of one data set, epoch after epoch. They depend on (options, epoch) only: not on
/// threads, the cache, or where in the epoch one starts. Use by one thread at a time.
///
///     loader.start(epoch);
///     for (Batch b; loader.next(b);) { ... }
class Loader {
 public:
  Loader(DatasetPtr data, LoaderOptions options);
  ~Loader();
  Loader(Loader&&) noexcept;
  Loader& operator=(Loader&&) noexcept;

  const Dataset& dataset() const;
  const LoaderOptions& options() const;
  std::int64_t batches() const;  ///< in an epoch
  std::int64_t samples() const;  ///< in an epoch: less than size() with drop_last
  /// Begins an epoch at its batch number `first_batch` (> 0: going on where a run was interrupted).
  /// What was prepared of an unfinished epoch is thrown away.
  void start(std::int64_t epoch, std::int64_t first_batch = 0);
  /// The next batch, or false at the end of the epoch. An error while preparing it (a corrupt file)
  /// is thrown here, at its batch.
  bool next(Batch& batch);
  /// Seconds that next() has waited for data since the last start().
  double waited() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace taxon
