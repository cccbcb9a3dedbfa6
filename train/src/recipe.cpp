// The table of recipes.
#include <taxon/base/text.h>
#include <taxon/models/model.h>
#include <taxon/train/recipe.h>

#include "setup.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace taxon {
namespace {

struct Row {
  std::string_view data;   // a name, "*": any
  std::string_view model;  // a prefix; the first row of a data set names its default model
  std::string_view default_model;
  std::int64_t epochs, batch;
  double lr, weight_decay;
  std::string_view schedule, augment;
  double label_smoothing;
  std::string_view tta = "none";
};

// What each reaches, over several seeds: docs/recipes.md. SGD with Nesterov momentum 0.9 (airnet:
// 0.85) throughout. See few_samples for small data sets.
constexpr Row recipes[] = {
    {"fashion-mnist", "airnet-small", "airnet-small", 12, 256, 0.6, 1.33e-3, "triangle", "light",
     0.2},
    {"fashion-mnist", "cnn", "", 2, 64, 0.04, 5e-4, "onecycle", "none", 0},
    {"mnist", "airnet-small", "airnet-small", 6, 256, 0.6, 1.33e-3, "triangle", "light", 0.2},
    {"mnist", "cnn", "", 2, 64, 0.04, 5e-4, "onecycle", "light", 0},
    {"cifar10", "airnet", "airnet", 10, 1024, 1.5, 1.33e-3, "triangle", "light", 0.2},
    {"*", "mlp", "", 10, 128, 0.05, 5e-4, "onecycle", "none", 0},
    {"*", "lenet", "", 10, 128, 0.05, 5e-4, "onecycle", "light", 0},
    {"*", "cnn", "", 6, 128, 0.08, 5e-4, "onecycle", "light", 0},
    {"*", "airnet", "", 10, 1024, 1.5, 1.33e-3, "triangle", "light", 0.2},
    {"cifar10", "resnet20", "", 40, 128, 0.2, 5e-4, "onecycle", "standard", 0, "flip"},
    {"cifar10", "resnet", "", 10, 128, 0.2, 5e-4, "onecycle", "standard", 0},
    {"cifar100", "resnet", "resnet20", 20, 128, 0.2, 5e-4, "onecycle", "standard", 0},
    {"*", "resnet", "resnet18", 20, 128, 0.1, 5e-4, "onecycle", "standard", 0},
    {"*", "", "resnet18", 20, 128, 0.1, 5e-4, "onecycle", "standard", 0},
};

bool starts_with(std::string_view s, std::string_view prefix) {
  return s.substr(0, prefix.size()) == prefix;
}

// The table's for data with a name; else by the size and the colours of the images.
std::string default_model(const Splits& data) {
  for (const Row& r : recipes) {
    if (r.data == data.name && data.known && !r.default_model.empty()) {
      return std::string(r.default_model);
    }
  }
  const DataFacts& f = data.facts;
  const bool tiny = f.fixed_size && f.channels == 1 && std::max(f.height, f.width) <= 32;
  if (tiny) return "cnn";
  const bool small = f.fixed_size && std::max(f.height, f.width) <= 64;
  return small ? "resnet20" : "resnet18";
}

std::string why_model(const Splits& data) {
  const DataFacts& f = data.facts;
  if (data.known) return text("what trains best on ", data.name);
  if (!f.fixed_size) return "photos of many sizes";
  return text("images of ", f.height, "x", f.width, "x", f.channels);
}

const Row& find(const Splits& data, const std::string& model) {
  for (const Row& r : recipes) {
    const bool fits = r.data == "*" || (data.known && r.data == data.name);
    if (fits && starts_with(model, r.model)) return r;
  }
  return recipes[std::size(recipes) - 1];
}

// The input of a network whose images vary in size: CIFAR's ResNets and smaller ones are made for
// small images, the others halve the resolution five times.
std::int64_t default_size(const Splits& data, const std::string& model) {
  if (data.facts.fixed_size) return 0;
  for (const ModelInfo& info : model_table()) {
    if (info.name == model)
      return info.height <= 32 && model != "resnet18" && model != "resnet34" ? 64 : 128;
  }
  return 128;
}

// Sets options and keeps why.
class Chooser {
 public:
  explicit Chooser(const TrainOptions& base) { recipe_.options = base; }

  const TrainOptions& options() const { return recipe_.options; }
  template <class Value>
  void set(const char* option, const Value& value, const std::string& why) {
    set_option(recipe_.options, option, text(value));
    reasons_[option] = why;
  }
  Recipe done() {
    for (const TrainOptionRow& row : train_option_table()) {
      const auto at = reasons_.find(row.name);
      if (at == reasons_.end()) continue;
      recipe_.choices.push_back(
          {std::string(row.name), get_option(recipe_.options, row), at->second});
    }
    return std::move(recipe_);
  }

 private:
  Recipe recipe_;
  std::map<std::string, std::string, std::less<>> reasons_;
};

void from_row(const Row& r, Chooser& c) {
  const std::string of = text(r.data == "*" ? "any data" : std::string(r.data), ", ",
                              r.model.empty() ? "any model" : std::string(r.model) + " models");
  const std::string why = text("recipe for ", of);
  c.set("epochs", r.epochs, why);
  c.set("batch", r.batch, why);
  c.set("lr", r.lr, why);
  c.set("weight_decay", r.weight_decay, why);
  c.set("schedule", r.schedule, why);
  c.set("augment", r.augment, why);
  c.set("label_smoothing", r.label_smoothing, why);
  c.set("tta", r.tta, why);
}

// A few hundred or thousand images make too few steps of 128.
void few_samples(const Splits& data, Chooser& c) {
  if (data.known || !data.train || data.train->size() >= 5000) return;
  const std::string why = text(data.train->size(), " training images make few steps an epoch");
  c.set("lr", c.options().lr * std::min(1.0, 64.0 / static_cast<double>(c.options().batch)), why);
  c.set("batch", 32, why);
  c.set("epochs", 30, why);
}

// Jordan 2024, table 1 and listing 4: there the loss is a sum over the batch and the rate that of a
// step's sum of gradients, 11.5 / (1024 (1 + 1 / (1 - momentum))).
void airnet_choices(const Splits& data, Chooser& c) {
  const std::string why = "airnet's published recipe";
  c.set("momentum", 0.85, why);
  c.set("norm_bias_lr", 64, why);
  c.set("lookahead", 5, why);
  if (data.facts.flips) {
    c.set("tta", "flip-shift", why);
  } else {
    c.set("tta", "shift", why + ", without mirrored views: a mirrored image is another class");
  }
}

// The smoothing above is cross-entropy's.
void losses(const Splits& data, const TrainOptions& given, Chooser& c) {
  if (data.task == Task::multi) {
    c.set("loss", "bce", "several labels an image");
    c.set("label_smoothing", 0, "several labels an image");
  } else if (given.loss == "focal") {
    c.set("label_smoothing", 0, "the focal loss takes none");
  } else if (given.loss == "asl") {
    c.set("label_smoothing", 0.1, "as published for the asymmetric loss");
  }
}

// The rates above are SGD's.
void optimizers(const TrainOptions& given, Chooser& c) {
  if (given.optimizer == "sgd") return;
  const std::string why = "for " + given.optimizer;
  c.set("lr", 1e-3, why);
  c.set("norm_bias_lr", 1, why);
  if (given.optimizer == "muon") c.set("momentum", 0.95, why);
}

}  // namespace

ResizeMode resize_for_new_model(const TrainOptions& options) {
  return options.resize == "auto" ? ResizeMode::squash : parse_resize_mode(options.resize);
}

Recipe recipe(const Splits& data, const std::string& model, const TrainOptions& base) {
  Chooser c(base);
  const std::string file = model_file(model);
  const std::string name = model.empty() ? default_model(data) : architecture(model);
  c.set("model", file.empty() ? name : model, model.empty() ? why_model(data) : "given");
  from_row(find(data, name), c);
  if (const std::int64_t size = default_size(data, name); size > 0) {
    c.set("size", size, "the images differ in size");
  } else {
    c.set("size", 0, "the images' own size");
  }
  if (starts_with(name, "airnet")) airnet_choices(data, c);
  few_samples(data, c);
  losses(data, base, c);
  optimizers(base, c);
  if (!file.empty()) {
    c.set("size", 0, "the model file's own size");
    c.set("lr", c.options().lr / 10, "fine-tuning starts from good weights");
  }
  return c.done();
}

Recipe explain_run(const std::vector<TrainSetting>& settings) {
  Splits data;
  Recipe r;
  r.options = resolve_options(settings, data, &r.choices);
  return r;
}

}  // namespace taxon
