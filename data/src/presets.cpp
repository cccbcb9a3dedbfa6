// Augment: its presets and limits.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/data/transforms.h>

#include <algorithm>

namespace taxon {
namespace {

void check(std::string_view field, double value, double low, double high) {
  if (!(value >= low && value <= high)) {
    fail<OptionError>("augmentation: ", field, " is ", value, ", expected ", low, " to ", high);
  }
}

}  // namespace

void Augment::validate(std::int64_t height, std::int64_t width) const {
  const auto side = static_cast<double>(std::min(height, width));
  if (!(min_area > 0 && min_area <= 1)) {
    fail<OptionError>("augmentation: min_area is ", min_area, ", expected above 0 and up to 1");
  }
  check("pad", static_cast<double>(pad), 0, side);
  check("brightness", brightness, 0, 10);
  check("contrast", contrast, 0, 10);
  check("saturation", saturation, 0, 10);
  check("hue", hue, 0, 0.5);
  check("rand_ops", static_cast<double>(rand_ops), 1, 14);
  check("rand_magnitude", static_cast<double>(rand_magnitude), 0, 30);
  check("cutout", static_cast<double>(cutout), 0, 2 * side);
  check("erase", erase, 0, 1);
}

std::vector<std::string> Augment::names() {
  return {"none", "light", "standard", "trivial"};
}

Augment Augment::preset(std::string_view name, std::int64_t height, std::int64_t width, bool flip) {
  const std::int64_t side = std::min(height, width);
  Augment a;
  if (name == "none") {
    return a;
  }
  if (name == "light") {
    a.pad = std::max<std::int64_t>(1, side / 16);
    a.pad_mode = PadMode::reflect;
    a.flip_alternate = flip;
  } else if (name == "standard" || name == "trivial") {
    a.flip = flip;
    if (side <= 64) {
      a.pad = std::max<std::int64_t>(1, side / 8);
    } else {
      a.min_area = 0.35;
    }
    a.policy = name == "trivial" ? Policy::trivial : Policy::none;
  } else {
    fail<OptionError>("augmentation '", name, "' is unknown", did_you_mean(name, names()),
                      ", expected one of: ", join(names(), ", "));
  }
  return a;
}

}  // namespace taxon
