// Data sets: images with labels, in memory or in files that are decoded when they are needed.
#pragma once

#include <taxon/core/tensor.h>
#include <taxon/data/image.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

enum class Task : std::uint8_t {
  single,  ///< exactly one class a sample
  multi    ///< any number of labels a sample
};
std::string_view name_of(Task task);
Task parse_task(std::string_view name);  ///< "single" or "multi"; throws OptionError

/// The labels of a data set's samples, in order.
struct Labels {
  Task task = Task::single;
  std::vector<std::string> class_names;
  std::vector<std::int64_t> index;  ///< single: [n], each in [0, classes)
  std::vector<std::uint8_t> hot;    ///< multi: [n, classes], 0 or 1
};

/// Images with labels. Thread-safe to read.
class Dataset {
 public:
  /// Throws FormatError naming `name` for a label out of range.
  Dataset(std::string name, Labels labels);
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  const std::string& name() const { return name_; }
  std::int64_t size() const { return size_; }
  Task task() const { return labels_.task; }
  const std::vector<std::string>& class_names() const { return labels_.class_names; }
  std::int64_t classes() const { return static_cast<std::int64_t>(labels_.class_names.size()); }

  /// Task single: the class of sample i.
  std::int64_t label(std::int64_t i) const;
  /// Task multi: [classes], 0 or 1.
  std::span<const std::uint8_t> labels(std::int64_t i) const;
  /// What a loss takes: i64 [n] (single) or f32 [n, classes] (multi) for the given samples.
  Tensor targets(std::span<const std::int64_t> indices) const;
  /// Samples that carry each class.
  std::vector<std::int64_t> class_counts() const;

  /// The decoded image of sample i. A file that cannot be read or decoded throws IoError or
  /// FormatError naming its path.
  virtual Image image(std::int64_t i) const = 0;
  /// For samples that are files, the file of sample i as image() decodes it, else empty: loaders
  /// decode what they need of it. Throws as image() does.
  virtual std::vector<std::uint8_t> encoded(std::int64_t i) const;
  /// For data in memory, the pixels of sample i (image_shape() elements), else nullptr.
  virtual const std::uint8_t* pixels(std::int64_t i) const;
  /// [height, width, channels] if all samples have it and are in memory, else rank 0.
  virtual Shape image_shape() const;
  /// A name of sample i that is unique in the data set and the same in every run: the path relative
  /// to the data set, or "test/17".
  virtual std::string id(std::int64_t i) const = 0;
  /// The file of sample i, or "" where samples are not files of their own.
  virtual std::string path(std::int64_t i) const;

  /// A 64-bit hash of ids, labels, class names and, for data in memory, pixels: for the records of
  /// a run. The same data give the same number on every machine.
  std::uint64_t fingerprint() const;

 protected:
  std::int64_t check(std::int64_t i) const;  ///< i; throws OptionError outside [0, size)

 private:
  std::string name_;
  Labels labels_;
  std::int64_t size_ = 0;
};
using DatasetPtr = std::shared_ptr<const Dataset>;

/// u8 pixels [n, height, width, channels] in memory. Throws ShapeError if their number does not
/// fit.
DatasetPtr memory_dataset(std::string name, std::vector<std::uint8_t> pixels,
                          const Shape& image_shape, Labels labels);
/// images u8 [n, h, w, c]; labels i64 [n] (single) or f32/u8 [n, classes] of 0 and 1 (multi).
DatasetPtr tensor_dataset(const Tensor& images, const Tensor& labels,
                          std::vector<std::string> class_names, std::string name = "tensors");
/// Files, decoded at each access. `ids`, one a path, are what id() answers.
DatasetPtr file_dataset(std::string name, std::vector<std::string> paths,
                        std::vector<std::string> ids, Labels labels);
/// The given samples of `data`, in that order. Throws OptionError for an index outside.
DatasetPtr subset(const DatasetPtr& data, std::vector<std::int64_t> indices);
/// The same samples with classes numbered as in `class_names`, matched by name (a model's classes).
/// Throws FormatError naming a class of `data` that is not among them, if any sample carries it.
DatasetPtr with_classes(const DatasetPtr& data, const std::vector<std::string>& class_names);

/// Mean and standard deviation of each channel of pixels scaled to [0, 1], over at most
/// `max_images` samples drawn by `seed`, each converted to `channels`.
struct ChannelStats {
  std::vector<float> mean, std;
};
ChannelStats channel_stats(const Dataset& data, std::int64_t channels,
                           std::int64_t max_images = 1000, std::uint64_t seed = 0);

}  // namespace taxon
