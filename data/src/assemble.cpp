// Samples of a batch (see assemble.h).
#include "assemble.h"

#include <algorithm>

#include "augment.h"

namespace taxon {
namespace {

bool already_fits(const Dataset& data, const Preprocess& p) {
  const Shape shape = data.image_shape();
  return shape == Shape{p.height, p.width, p.channels} &&
         (p.resize != ResizeMode::crop || p.crop_pct == 1.0);
}

}  // namespace

Assembler::Assembler(DatasetPtr data, const LoaderOptions& options)
    : data_(std::move(data)),
      rows_(options.rows),
      preprocess_(options.preprocess),
      augment_(options.augment),
      seed_(options.seed),
      direct_(rows_.defined() || (already_fits(*data_, preprocess_) && augment_.min_area >= 1.0)),
      cache_left_(options.cache_bytes) {
  if (!direct_ && cache_left_ > 0) {
    cache_.resize(static_cast<std::size_t>(data_->size()));
  }
}

void Assembler::sample(std::int64_t epoch, std::int64_t index, float* out) {
  if (rows_.defined()) {
    const auto size = static_cast<std::size_t>(rows_.numel() / rows_.dim(0));
    const auto row = rows_.view<float>().subspan(static_cast<std::size_t>(index) * size, size);
    std::copy(row.begin(), row.end(), out);
    return;
  }
  if (direct_) {
    from_pixels(data_->pixels(index), epoch, index, out);
    return;
  }
  const auto image = working(index);
  if (augment_.min_area < 1.0) {
    const Image changed = augment_working(*image, preprocess_, augment_, seed_, epoch, index);
    preprocess_.normalize(changed.data(), preprocess_.height * preprocess_.width, out);
  } else {
    from_pixels(image->data(), epoch, index, out);
  }
}

void Assembler::from_pixels(const std::uint8_t* pixels, std::int64_t epoch, std::int64_t index,
                            float* out) {
  const std::int64_t h = preprocess_.height, w = preprocess_.width, c = preprocess_.channels;
  if (augment_.enabled()) {
    thread_local Image changed;
    if (changed.height() != h || changed.width() != w || changed.channels() != c) {
      changed = Image(h, w, c);
    }
    apply_shift(pixels, h, w, c, draw_shift(augment_, seed_, epoch, index), augment_.pad_mode,
                changed.data());
    vary(changed, preprocess_, augment_, seed_, epoch, index);
    pixels = changed.data();
  }
  preprocess_.normalize(pixels, h * w, out);
}

std::shared_ptr<const Image> Assembler::working(std::int64_t index) {
  const auto i = static_cast<std::size_t>(index);
  if (!cache_.empty()) {
    const std::lock_guard lock(mutex_);
    if (cache_[i]) {
      return cache_[i];
    }
  }
  auto image =
      std::make_shared<const Image>(working_image(data_->image(index), preprocess_, augment_));
  if (!cache_.empty()) {
    const std::lock_guard lock(mutex_);
    if (!cache_[i] && image->bytes() <= cache_left_) {
      cache_left_ -= image->bytes();
      cache_[i] = image;
    }
  }
  return image;
}

}  // namespace taxon
