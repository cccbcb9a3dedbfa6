// Data sets in memory and in files, and views of them.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/random.h>
#include <taxon/data/dataset.h>
#include <taxon/data/transforms.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace taxon {
namespace {

class MemoryDataset final : public Dataset {
 public:
  MemoryDataset(std::string name, std::vector<std::uint8_t> pixels, const Shape& image_shape,
                Labels labels)
      : Dataset(std::move(name), std::move(labels)),
        pixels_(std::move(pixels)),
        shape_(image_shape),
        prefix_(this->name().substr(this->name().rfind('/') + 1)) {
    if (shape_.rank() != 3 ||
        static_cast<std::int64_t>(pixels_.size()) != size() * shape_.numel()) {
      fail<ShapeError>(this->name(), ": ", pixels_.size(), " bytes of pixels, expected ", size(),
                       " images of ", shape_, " (height, width, channels)");
    }
  }
  Image image(std::int64_t i) const override {
    return Image::copy_of(pixels(i), shape_[0], shape_[1], shape_[2]);
  }
  const std::uint8_t* pixels(std::int64_t i) const override {
    return pixels_.data() + check(i) * shape_.numel();
  }
  Shape image_shape() const override { return shape_; }
  std::string id(std::int64_t i) const override { return text(prefix_, '/', check(i)); }

 private:
  std::vector<std::uint8_t> pixels_;
  Shape shape_;
  std::string prefix_;
};

class FileDataset final : public Dataset {
 public:
  FileDataset(std::string name, std::vector<std::string> paths, std::vector<std::string> ids,
              Labels labels)
      : Dataset(std::move(name), std::move(labels)),
        paths_(std::move(paths)),
        ids_(std::move(ids)) {
    if (static_cast<std::int64_t>(paths_.size()) != size() || ids_.size() != paths_.size()) {
      fail<OptionError>(this->name(), ": ", paths_.size(), " paths, ", ids_.size(), " ids and ",
                        size(), " labels, expected equal numbers");
    }
  }
  Image image(std::int64_t i) const override { return load_image(path(i)); }
  std::vector<std::uint8_t> encoded(std::int64_t i) const override {
    const std::string file = path(i);
    std::vector<std::uint8_t> bytes = read_file(file);
    if (bytes.empty()) {
      decode_image(bytes, file);  // says what is wrong
    }
    return bytes;
  }
  std::string id(std::int64_t i) const override { return ids_[static_cast<std::size_t>(check(i))]; }
  std::string path(std::int64_t i) const override {
    return paths_[static_cast<std::size_t>(check(i))];
  }

 private:
  std::vector<std::string> paths_, ids_;
};

class View final : public Dataset {
 public:
  View(DatasetPtr base, std::vector<std::int64_t> indices, Labels labels)
      : Dataset(base->name(), std::move(labels)), base_(std::move(base)), at_(std::move(indices)) {}
  Image image(std::int64_t i) const override { return base_->image(at(i)); }
  std::vector<std::uint8_t> encoded(std::int64_t i) const override { return base_->encoded(at(i)); }
  const std::uint8_t* pixels(std::int64_t i) const override { return base_->pixels(at(i)); }
  Shape image_shape() const override { return base_->image_shape(); }
  std::string id(std::int64_t i) const override { return base_->id(at(i)); }
  std::string path(std::int64_t i) const override { return base_->path(at(i)); }

 private:
  std::int64_t at(std::int64_t i) const { return at_[static_cast<std::size_t>(check(i))]; }
  DatasetPtr base_;
  std::vector<std::int64_t> at_;
};

// Labels from a tensor of 0 and 1, [n, classes].
template <class T>
std::vector<std::uint8_t> hot_values(const Tensor& labels, const std::string& name) {
  std::vector<std::uint8_t> hot;
  for (const T v : labels.view<T>()) {
    if (v != T{0} && v != T{1}) {
      fail<FormatError>(name, ": multi-label value ", static_cast<double>(v), ", expected 0 or 1");
    }
    hot.push_back(v == T{1});
  }
  return hot;
}

// A running hash: order matters, and every machine computes the same.
class Hash {
 public:
  void add(std::uint64_t v) { state_ = mix(state_, v); }
  void add(const std::uint8_t* bytes, std::size_t n) {
    add(n);
    for (std::size_t i = 0; i < n; i += 8) {
      std::uint64_t word = 0;
      for (std::size_t k = 0; k < std::min<std::size_t>(8, n - i); ++k) {
        word |= std::uint64_t{bytes[i + k]} << (8 * k);
      }
      add(word);
    }
  }
  void add(const std::string& s) { add(reinterpret_cast<const std::uint8_t*>(s.data()), s.size()); }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0x7461786f6eULL;
};

}  // namespace

std::string_view name_of(Task task) {
  return task == Task::single ? "single" : "multi";
}

Task parse_task(std::string_view name) {
  if (name == "single") {
    return Task::single;
  }
  if (name == "multi") {
    return Task::multi;
  }
  fail<OptionError>("task '", name, "' is unknown, expected single or multi");
}

Dataset::Dataset(std::string name, Labels labels)
    : name_(std::move(name)), labels_(std::move(labels)) {
  const auto n = static_cast<std::int64_t>(labels_.class_names.size());
  if (n == 0) {
    fail<FormatError>(name_, ": no classes, expected at least one");
  }
  if (labels_.task == Task::single) {
    size_ = static_cast<std::int64_t>(labels_.index.size());
    for (std::int64_t i = 0; i < size_; ++i) {
      const std::int64_t label = labels_.index[static_cast<std::size_t>(i)];
      if (label < 0 || label >= n) {
        fail<FormatError>(name_, ": sample ", i, " has label ", label, ", expected 0 to ", n - 1);
      }
    }
    return;
  }
  size_ = static_cast<std::int64_t>(labels_.hot.size()) / n;
  if (size_ * n != static_cast<std::int64_t>(labels_.hot.size())) {
    fail<FormatError>(name_, ": ", labels_.hot.size(), " label values, expected a multiple of ", n);
  }
}

std::int64_t Dataset::check(std::int64_t i) const {
  if (i < 0 || i >= size_) {
    fail<OptionError>(name_, ": sample ", i, ", expected 0 to ", size_ - 1);
  }
  return i;
}

std::vector<std::uint8_t> Dataset::encoded(std::int64_t) const {
  return {};
}
const std::uint8_t* Dataset::pixels(std::int64_t) const {
  return nullptr;
}
Shape Dataset::image_shape() const {
  return {};
}
std::string Dataset::path(std::int64_t) const {
  return {};
}

std::int64_t Dataset::label(std::int64_t i) const {
  if (task() != Task::single) {
    fail<OptionError>(name_, ": label() of a multi-label data set, expected labels()");
  }
  return labels_.index[static_cast<std::size_t>(check(i))];
}

std::span<const std::uint8_t> Dataset::labels(std::int64_t i) const {
  if (task() != Task::multi) {
    fail<OptionError>(name_, ": labels() of a single-label data set, expected label()");
  }
  const std::size_t n = labels_.class_names.size();
  return {labels_.hot.data() + static_cast<std::size_t>(check(i)) * n, n};
}

Tensor Dataset::targets(std::span<const std::int64_t> indices) const {
  const auto n = static_cast<std::int64_t>(indices.size());
  if (task() == Task::single) {
    Tensor y = Tensor::empty({n}, DType::i64);
    auto out = y.mutable_view<std::int64_t>();
    std::transform(indices.begin(), indices.end(), out.begin(),
                   [this](std::int64_t i) { return label(i); });
    return y;
  }
  Tensor y = Tensor::empty({n, classes()});
  auto* out = y.mutable_view<float>().data();
  for (const std::int64_t i : indices) {
    out = std::copy(labels(i).begin(), labels(i).end(), out);
  }
  return y;
}

std::vector<std::int64_t> Dataset::class_counts() const {
  std::vector<std::int64_t> counts(labels_.class_names.size(), 0);
  for (const std::int64_t label : labels_.index) {
    ++counts[static_cast<std::size_t>(label)];
  }
  for (std::size_t i = 0; i < labels_.hot.size(); ++i) {
    counts[i % counts.size()] += labels_.hot[i];
  }
  return counts;
}

std::uint64_t Dataset::fingerprint() const {
  Hash hash;
  hash.add(static_cast<std::uint64_t>(task()));
  for (const std::string& name : class_names()) {
    hash.add(name);
  }
  const auto image_bytes = static_cast<std::size_t>(image_shape().numel());
  for (std::int64_t i = 0; i < size_; ++i) {
    hash.add(id(i));
    if (const std::uint8_t* p = pixels(i)) {
      hash.add(p, image_bytes);
    }
    if (task() == Task::single) {
      hash.add(static_cast<std::uint64_t>(label(i)));
    } else {
      hash.add(labels(i).data(), labels(i).size());
    }
  }
  return hash.value();
}

DatasetPtr memory_dataset(std::string name, std::vector<std::uint8_t> pixels,
                          const Shape& image_shape, Labels labels) {
  return std::make_shared<MemoryDataset>(std::move(name), std::move(pixels), image_shape,
                                         std::move(labels));
}

DatasetPtr tensor_dataset(const Tensor& images, const Tensor& labels,
                          std::vector<std::string> class_names, std::string name) {
  const auto classes = static_cast<std::int64_t>(class_names.size());
  const bool single = labels.dtype() == DType::i64;
  if (images.rank() != 4 || labels.rank() != (single ? 1 : 2) || labels.dim(0) != images.dim(0) ||
      (!single && labels.dim(1) != classes)) {
    fail<ShapeError>(name, ": images ", images, ", labels ", labels, ", ", classes,
                     " class names; expected u8 [n, h, w, c] and i64 [n] or f32 [n, classes]");
  }
  Labels l{single ? Task::single : Task::multi, std::move(class_names), {}, {}};
  if (single) {
    l.index = labels.to_vector<std::int64_t>();
  } else {
    l.hot = labels.dtype() == DType::u8 ? hot_values<std::uint8_t>(labels, name)
                                        : hot_values<float>(labels, name);
  }
  return memory_dataset(std::move(name), images.to_vector<std::uint8_t>(),
                        Shape{images.dim(1), images.dim(2), images.dim(3)}, std::move(l));
}

DatasetPtr file_dataset(std::string name, std::vector<std::string> paths,
                        std::vector<std::string> ids, Labels labels) {
  return std::make_shared<FileDataset>(std::move(name), std::move(paths), std::move(ids),
                                       std::move(labels));
}

DatasetPtr subset(const DatasetPtr& data, std::vector<std::int64_t> indices) {
  Labels labels{data->task(), data->class_names(), {}, {}};
  for (const std::int64_t i : indices) {
    if (data->task() == Task::single) {
      labels.index.push_back(data->label(i));
    } else {
      labels.hot.insert(labels.hot.end(), data->labels(i).begin(), data->labels(i).end());
    }
  }
  return std::make_shared<View>(data, std::move(indices), std::move(labels));
}

DatasetPtr with_classes(const DatasetPtr& data, const std::vector<std::string>& class_names) {
  if (data->class_names() == class_names) {
    return data;
  }
  const std::vector<std::int64_t> counts = data->class_counts();
  std::vector<std::int64_t> to(counts.size(), -1);
  for (std::size_t c = 0; c < to.size(); ++c) {
    const std::string& name = data->class_names()[c];
    const auto hit = std::find(class_names.begin(), class_names.end(), name);
    if (hit != class_names.end()) {
      to[c] = hit - class_names.begin();
    } else if (counts[c] > 0) {
      fail<FormatError>(data->name(), ": class '", name, "' (", counts[c],
                        " samples) is not among the ", class_names.size(), " classes expected");
    }
  }
  Labels labels{data->task(), class_names, {}, {}};
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < data->size(); ++i) {
    all.push_back(i);
    if (data->task() == Task::single) {
      labels.index.push_back(to[static_cast<std::size_t>(data->label(i))]);
      continue;
    }
    const std::size_t row = labels.hot.size();
    labels.hot.resize(row + class_names.size());
    const auto hot = data->labels(i);
    for (std::size_t c = 0; c < hot.size(); ++c) {
      if (hot[c] != 0) {
        labels.hot[row + static_cast<std::size_t>(to[c])] = 1;
      }
    }
  }
  return std::make_shared<View>(data, std::move(all), std::move(labels));
}

ChannelStats channel_stats(const Dataset& data, std::int64_t channels, std::int64_t max_images,
                           std::uint64_t seed) {
  const std::int64_t n = std::min(data.size(), max_images);
  if (n < 1) {
    fail<OptionError>(data.name(), ": statistics of ", n, " images, expected one or more");
  }
  const auto order = permutation(data.size(), seed, 0);
  const auto c = static_cast<std::size_t>(channels);
  std::vector<double> sum(c), squares(c);
  double pixels = 0;
  for (std::int64_t k = 0; k < n; ++k) {
    const Image image = convert_channels(data.image(order[static_cast<std::size_t>(k)]), channels);
    for (std::size_t i = 0; i < image.bytes(); ++i) {
      const double v = image.data()[i] / 255.0;
      sum[i % c] += v;
      squares[i % c] += v * v;
    }
    pixels += static_cast<double>(image.height() * image.width());
  }
  ChannelStats stats;
  for (std::size_t i = 0; i < c; ++i) {
    const double mean = sum[i] / pixels;
    stats.mean.push_back(static_cast<float>(mean));
    // A constant channel (all black) must not divide by zero.
    stats.std.push_back(
        static_cast<float>(std::max(1.0 / 255, std::sqrt(squares[i] / pixels - mean * mean))));
  }
  return stats;
}

}  // namespace taxon
