// Recipes: the options that train well without being asked for, and why.
#pragma once

#include <taxon/base/cpu.h>
#include <taxon/data/sources.h>
#include <taxon/data/transforms.h>
#include <taxon/train/options.h>

#include <string>
#include <vector>

namespace taxon {

/// One decision: the option's name (with _), its value as text, and the reason.
struct Choice {
  std::string option, value, why;
};
struct Recipe {
  TrainOptions options;
  std::vector<Choice> choices;  ///< in the order of the options' table
};

/// Options for this data and model (`model` empty: the recipe's own; a model file: fine-tuning).
/// Fields that a recipe does not decide keep the values of `base`.
Recipe recipe(const Splits& data, const std::string& model, const TrainOptions& base);

/// How images of other sizes are fitted to a new model's input: options.resize, "auto": squash.
ResizeMode resize_for_new_model(const TrainOptions& options);

/// What --precision auto becomes, and why: the faster of f32 and bf16 that trains this architecture
/// equally well on the device; on the CPU, by its level of instruction sets.
struct AutoPrecision {
  std::string precision, why;
};
AutoPrecision auto_precision(Isa isa, const std::string& model);
AutoPrecision gpu_precision(bool has_bf16, const std::string& model);

/// What train_run() would use with these settings; those given say "given". Reads the data set's
/// facts, trains nothing. Throws as train_run().
Recipe explain_run(const std::vector<TrainSetting>& settings);

}  // namespace taxon
