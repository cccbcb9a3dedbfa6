// From options to what a trainer works with.
#pragma once

#include <taxon/data/sources.h>
#include <taxon/models/model_file.h>
#include <taxon/train/options.h>
#include <taxon/train/recipe.h>
#include <taxon/train/trainer.h>

#include <memory>
#include <string>
#include <vector>

namespace taxon {

class Group;

/// Data, model and the rest of a run.
struct Setup {
  TrainOptions options;
  Splits data;
  std::shared_ptr<Model> model;
  ModelMeta meta;
  Augment augment;               ///< of the training split
  DatasetPtr watch;              ///< evaluated each epoch: val, else test, else null
  bool select = false;           ///< watch is val: it may decide
  std::string tuned_from;        ///< the model file whose weights are a start, or ""
  std::int64_t old_classes = 0;  ///< of a model whose head was replaced, else 0
  Group* group = nullptr;        ///< the processes that train together, or null
  std::shared_ptr<Group> gpus;   ///< holds `group` where it is one of GPUs
};

/// The model file that --model means: a path, or the best model of a run's folder; "" for the name
/// of an architecture.
std::string model_file(const std::string& model);
/// The architecture that --model means, by its name or by a model file.
std::string architecture(const std::string& model);
Splits open_data(const TrainOptions& options);
/// Options as used: defaults, then the recipe for the data and model, then the settings.
/// `choices`: what decided each option that is not left at its default, or null.
TrainOptions resolve_options(const std::vector<TrainSetting>& settings, Splits& data,
                             std::vector<Choice>* choices = nullptr);
/// `source`: a model file to take architecture, classes and weights from in place of options.model
/// (resuming), or "". Of a group of processes each has its own device, and no memory of another's.
Setup make_setup(const TrainOptions& options, Splits data, const std::string& source,
                 Group* group = nullptr);
/// What args.toml in a run's folder says, under settings that change no result. Throws IoError
/// where there is none, OptionError for other settings.
TrainOptions options_of_run(const std::string& folder, const std::vector<TrainSetting>& settings);
TrainerParts make_parts(const Setup& setup);
/// Makes all that training needs once, so that what is wrong is found before a folder is made.
void check_run(const Setup& setup);
/// The same with a model of its own that holds the same values.
Setup with_copied_model(const Setup& setup);
TrainerOptions make_trainer_options(const Setup& setup, std::int64_t batches);

}  // namespace taxon
