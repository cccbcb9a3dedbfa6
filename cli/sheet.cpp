// Samples as a model will see them (see sheet.h).
#include "sheet.h"

#include <taxon/base/random.h>
#include <taxon/data/contact_sheet.h>
#include <taxon/train/augment_file.h>
#include <taxon/train/recipe.h>

#include <algorithm>
#include <vector>

namespace taxon::cli {

Sheet write_sheet(const Splits& data, const SheetRequest& request) {
  TrainOptions usual = recipe(data, "", TrainOptions{}).options;
  if (!request.resize.empty()) usual.resize = request.resize;
  const Preprocess p = default_preprocess(data.facts, request.size > 0 ? request.size : usual.size,
                                          resize_for_new_model(usual));
  const Augment augment = augment_for(request.augment, {p.height, p.width, data.facts.flips});
  augment.validate(p.height, p.width);
  Sheet sheet;
  sheet.split = data.train ? "train" : data.val ? "val" : "test";
  sheet.augment = to_toml(augment);
  const DatasetPtr split = data.split(sheet.split);
  ContactSheet layout;
  sheet.samples = std::min(request.count, split->size());
  sheet.epochs = layout.columns - 1;
  const auto order = permutation(split->size(), request.seed, 0x5eed);
  std::vector<Image> images;
  for (std::int64_t i = 0; i < sheet.samples; ++i) {
    const std::int64_t index = order[static_cast<std::size_t>(i)];
    const Image image = split->image(index);
    images.push_back(p.fit(image));
    for (std::int64_t epoch = 0; epoch < sheet.epochs; ++epoch) {
      images.push_back(augmented(image, p, augment, request.seed, epoch, index));
    }
  }
  save_png(contact_sheet(images, layout), request.out);
  return sheet;
}

}  // namespace taxon::cli
