// Recipes: the options that train well without being asked for.
#pragma once

#include <taxon/data/sources.h>
#include <taxon/train/options.h>

#include <string>

namespace taxon {

/// Options for this data and model (`model` empty: the recipe's own; a model file: fine-tuning).
/// Fields that a recipe does not decide keep the values of `base`.
TrainOptions recipe(const Splits& data, const std::string& model, const TrainOptions& base);

}  // namespace taxon
