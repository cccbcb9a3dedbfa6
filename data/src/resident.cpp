// See resident.h.
#include "resident.h"

#include <taxon/core/devices.h>
#include <taxon/core/dispatch.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "assemble.h"

namespace taxon {
namespace {

static_assert(sizeof(kernels::ImagePlan) == Resident::kPlan * sizeof(std::int32_t));

bool has_room(const Shape& image, std::int64_t samples, Device device) {
  const auto bytes = static_cast<std::size_t>(image.numel() * samples);
  return bytes <= free_bytes(device) / 4;
}

// All pixels, one sample after the other, on the CPU.
Tensor pixels_of(const Dataset& data) {
  const Shape image = data.image_shape();
  Tensor out = Tensor::empty({data.size(), image[0], image[1], image[2]}, DType::u8);
  auto* to = static_cast<std::uint8_t*>(out.mutable_raw());
  const auto bytes = static_cast<std::size_t>(image.numel());
  for (std::int64_t i = 0; i < data.size(); ++i)
    std::memcpy(to + static_cast<std::size_t>(i) * bytes, data.pixels(i), bytes);
  return out;
}

// n images of pixels on a device; `args` says what is left open.
Tensor images(const Tensor& pixels, std::int64_t n, const Preprocess& p, kernels::ImagesArgs args) {
  const Device device = pixels.device();
  Tensor x = Tensor::empty({n, p.height, p.width, p.channels}, DType::f32, device);
  args.n = n;
  args.height = p.height;
  args.width = p.width;
  args.channels = p.channels;
  args.pixels = static_cast<const unsigned char*>(pixels.raw());
  for (std::int64_t c = 0; c < p.channels; ++c) {
    const Preprocess::Affine affine = p.affine(c);
    args.scale[c] = affine.scale;
    args.shift[c] = affine.shift;
  }
  args.x = static_cast<float*>(x.mutable_raw());
  run_kernel<&kernels::Tables::images>(device, kernels::Type::f32, args);
  return x;
}

}  // namespace

std::unique_ptr<Resident> Resident::of(const Dataset& data, const LoaderOptions& o) {
  const Augment& a = o.augment;
  const bool simple = a.min_area >= 1.0 && !a.jitters() && a.policy == Policy::none && a.erase == 0;
  if (o.device == cpu || o.rows.defined() || o.mixup > 0 || o.cutmix > 0 || !simple ||
      !already_fits(data, o.preprocess) || !has_room(data.image_shape(), data.size(), o.device)) {
    return nullptr;
  }
  return std::unique_ptr<Resident>(new Resident(data, o));
}

Resident::Resident(const Dataset& data, const LoaderOptions& o)
    : preprocess_(o.preprocess),
      augment_(o.augment),
      seed_(o.seed),
      fill_(mean_colour(o.preprocess)),
      pixels_(pixels_of(data).to(o.device)) {}

kernels::ImagePlan Resident::plan(std::int64_t epoch, std::int64_t index) const {
  const auto narrow = [](std::int64_t v) { return static_cast<std::int32_t>(v); };
  kernels::ImagePlan p;
  p.index = narrow(index);
  if (augment_.shifts()) {
    const Shift shift = draw_shift(augment_, seed_, epoch, index);
    p.dy = narrow(shift.dy);
    p.dx = narrow(shift.dx);
    p.mirror = shift.flip ? 1 : 0;
  }
  if (augment_.cutout > 0) {
    const image_ops::Box box = draw_cutout(preprocess_, augment_, seed_, epoch, index);
    p.top = narrow(box.top);
    p.left = narrow(box.left);
    p.bottom = narrow(box.top + box.height);
    p.right = narrow(box.left + box.width);
  }
  return p;
}

Tensor Resident::batch(const Tensor& plans) const {
  kernels::ImagesArgs args;
  args.plan = static_cast<const kernels::ImagePlan*>(plans.raw());
  args.reflect = augment_.pad_mode == PadMode::reflect;
  std::copy(fill_.begin(), fill_.end(), args.fill);
  return images(pixels_, plans.dim(0), preprocess_, args);
}

Tensor normalized(const Tensor& pixels, const Preprocess& preprocess) {
  return images(pixels, pixels.dim(0), preprocess, {});
}

}  // namespace taxon
