// Samples of a batch (see assemble.h). The cache holds fitted images or, where parts of images are
// drawn, whole images shrunken as far as some part allowed: at most one for each of 1, 2, 4 and 8.
// A part is cut from these or, where they have no room, decoded alone, with the same pixels.
#include "assemble.h"

#include <taxon/base/error.h>

#include <algorithm>

namespace taxon {
namespace {

std::uint64_t key_of(std::int64_t index, int shrink) {
  return static_cast<std::uint64_t>(index) * 16 + static_cast<std::uint64_t>(shrink);
}

Image cut(const Image& image, const image_ops::Box& b) {
  return crop(image, b.top, b.left, b.height, b.width);
}

}  // namespace

bool already_fits(const Dataset& data, const Preprocess& p) {
  const Shape shape = data.image_shape();
  return shape == Shape{p.height, p.width, p.channels} &&
         (p.resize != ResizeMode::crop || p.crop_pct == 1.0);
}

Assembler::Assembler(DatasetPtr data, const LoaderOptions& options)
    : data_(std::move(data)),
      rows_(options.rows),
      preprocess_(options.preprocess),
      augment_(options.augment),
      seed_(options.seed),
      direct_(rows_.defined() || (already_fits(*data_, preprocess_) && augment_.min_area >= 1.0)),
      parts_(augment_.min_area < 1.0),
      cache_(options.cache_bytes) {
  if (parts_) {
    sizes_.resize(2 * static_cast<std::size_t>(data_->size()));
  }
}

// use(pixels): of the model's size.
template <class Use>
void Assembler::with_fitted(std::int64_t epoch, std::int64_t index, const Use& use) {
  if (direct_) {
    use(data_->pixels(index));
  } else if (parts_) {
    use(random_part(epoch, index).data());
  } else {
    use(fitted(index)->data());
  }
}

// use(pixels): the same after augmentation.
template <class Use>
void Assembler::with_augmented(std::int64_t epoch, std::int64_t index, const Use& use) {
  const std::int64_t h = preprocess_.height, w = preprocess_.width, c = preprocess_.channels;
  with_fitted(epoch, index, [&](const std::uint8_t* pixels) {
    if (!augment_.shifts() && !augment_.varies()) return use(pixels);
    thread_local Image changed;
    if (changed.height() != h || changed.width() != w || changed.channels() != c) {
      changed = Image(h, w, c);
    }
    apply_shift(pixels, h, w, c, draw_shift(augment_, seed_, epoch, index), augment_.pad_mode,
                changed.data());
    vary(changed, preprocess_, augment_, seed_, epoch, index);
    use(changed.data());
  });
}

void Assembler::sample(std::int64_t epoch, std::int64_t index, float* out) {
  if (rows_.defined()) {
    const auto size = static_cast<std::size_t>(rows_.numel() / rows_.dim(0));
    const auto row = rows_.view<float>().subspan(static_cast<std::size_t>(index) * size, size);
    std::copy(row.begin(), row.end(), out);
    return;
  }
  with_augmented(epoch, index, [&](const std::uint8_t* pixels) {
    preprocess_.normalize(pixels, preprocess_.height * preprocess_.width, out);
  });
}

void Assembler::pixels(std::int64_t epoch, std::int64_t index, std::uint8_t* out) {
  with_augmented(epoch, index, [&](const std::uint8_t* from) {
    std::copy_n(from, preprocess_.height * preprocess_.width * preprocess_.channels, out);
  });
}

std::shared_ptr<const Image> Assembler::fitted(std::int64_t index) {
  const std::uint64_t key = key_of(index, 0);
  if (auto image = cache_.find(key)) {
    return image;
  }
  auto image = std::make_shared<const Image>(preprocess_.fit(data_->image(index)));
  if (cache_.reserve(image->bytes())) {
    cache_.put(key, image);
  }
  return image;
}

Image Assembler::random_part(std::int64_t epoch, std::int64_t index) {
  const auto draw = [&](const Extents& size) {
    return draw_part(size, preprocess_, augment_, seed_, epoch, index);
  };
  if (const Extents size = size_of(index); size.height > 0) {
    const Part part = draw(size);
    if (const auto image = cache_.find(key_of(index, part.shrink))) {
      return fit_part(cut(*image, part.box()), part, preprocess_);
    }
  }
  const std::vector<std::uint8_t> bytes = data_->encoded(index);
  if (bytes.empty()) {  // in memory
    const Image image = data_->image(index);
    const Part part = draw({image.height(), image.width()});
    return fit_part(shrink_part(image, part.shrink, part.box()), part, preprocess_);
  }
  const std::string path = data_->path(index);
  const EncodedImage image(bytes, path);
  remember_size(index, image.size());
  const Part part = draw(image.size());
  return fit_part(decode_part(index, part, image), part, preprocess_);
}

Image Assembler::decode_part(std::int64_t index, const Part& part, const EncodedImage& image) {
  const Extents whole = shrunken(image.size(), part.shrink);
  const auto bytes = static_cast<std::size_t>(whole.height * whole.width * image.channels());
  if (!cache_.reserve(bytes)) {
    return image.decode(part.shrink, part.box());
  }
  try {
    auto decoded = std::make_shared<const Image>(image.decode(part.shrink));
    cache_.put(key_of(index, part.shrink), decoded);
    return cut(*decoded, part.box());
  } catch (...) {
    cache_.release(bytes);
    throw;
  }
}

Extents Assembler::size_of(std::int64_t index) const {
  const auto i = 2 * static_cast<std::size_t>(index);
  const std::lock_guard lock(mutex_);
  return {sizes_[i], sizes_[i + 1]};
}

void Assembler::remember_size(std::int64_t index, const Extents& size) {
  const auto i = 2 * static_cast<std::size_t>(index);
  const std::lock_guard lock(mutex_);
  sizes_[i] = static_cast<std::int32_t>(size.height);
  sizes_[i + 1] = static_cast<std::int32_t>(size.width);
}

}  // namespace taxon
