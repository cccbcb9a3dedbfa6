// Test-time augmentation: the logits of several views of an image, averaged.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/core/ops.h>
#include <taxon/models/model_file.h>

#include <algorithm>
#include <array>

namespace taxon {
namespace {

constexpr std::array<std::string_view, 4> names = {"none", "flip", "shift", "flip-shift"};

Tensor index_of(const Tensor& x, int axis, std::int64_t step, std::int64_t shift) {
  const std::int64_t n = x.dim(axis);
  std::vector<std::int64_t> index;
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t from = step > 0 ? i + shift : n - 1 - i;
    if (from < 0) from = std::min<std::int64_t>(-from, n - 1);  // reflected at the edge
    if (from >= n) from = std::max<std::int64_t>(2 * (n - 1) - from, 0);
    index.push_back(from);
  }
  return Tensor::from(index, Shape{n}).to(x.device());
}

Tensor mirrored(const Tensor& x) {
  return gather(x, index_of(x, 2, -1, 0), 2);
}

// out(y, x) = in(y + shift, x + shift), reflected at the edges.
Tensor shifted(const Tensor& x, std::int64_t shift) {
  return gather(gather(x, index_of(x, 1, 1, shift), 1), index_of(x, 2, 1, shift), 2);
}

}  // namespace

std::string_view name_of(Tta tta) {
  return names[static_cast<std::size_t>(tta)];
}

Tta parse_tta(std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) {
    fail<OptionError>("test-time augmentation is '", name,
                      "', expected none, flip, shift or flip-shift");
  }
  return static_cast<Tta>(at - names.begin());
}

Tensor logits_of(Model& model, const Tensor& images, Tta tta) {
  const Tensor x = images.to(model.device());
  const bool flips = tta == Tta::flip || tta == Tta::flip_shift;
  const auto answer = [&](const Tensor& view) {
    return flips ? (model(view) + model(mirrored(view))) * 0.5 : model(view);
  };
  if (tta == Tta::none || tta == Tta::flip) return answer(x);
  return answer(x) * 0.5 + (answer(shifted(x, -1)) + answer(shifted(x, 1))) * 0.25;
}

}  // namespace taxon
