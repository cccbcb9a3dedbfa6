// Building a run's data, model, loss, optimizer and loaders from its options.
#include "setup.h"

#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/base/utf8.h>
#include <taxon/core/devices.h>
#include <taxon/core/group.h>
#include <taxon/layers/norm.h>
#include <taxon/metrics/thresholds.h>
#include <taxon/train/augment_file.h>

#include "device_group.h"
#include "frozen.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace taxon {
namespace {

ModelSpec spec_for(const TrainOptions& o, const Splits& data, const Preprocess& p) {
  ModelSpec spec;
  spec.name = o.model;
  spec.height = p.height;
  spec.width = p.width;
  spec.channels = p.channels;
  spec.classes = static_cast<std::int64_t>(data.class_names.size());
  spec.task = data.task;
  spec.shortcut = parse_shortcut(o.shortcut);
  spec.stem = parse_stem(o.stem);
  return spec;
}

// A model file's weights under a head for this data's classes.
void fine_tune(Setup& s, const std::string& path) {
  LoadedModel loaded = load_model(path);
  s.model = loaded.model;
  s.meta.preprocess = loaded.meta.preprocess;
  if (s.options.size > 0) s.meta.preprocess.height = s.meta.preprocess.width = s.options.size;
  if (s.options.resize != "auto") s.meta.preprocess.resize = parse_resize_mode(s.options.resize);
  if (loaded.meta.classes != s.data.class_names || loaded.meta.spec.task != s.data.task) {
    Init init;
    init.seed = static_cast<std::uint64_t>(s.options.seed);
    s.old_classes = static_cast<std::int64_t>(loaded.meta.classes.size());
    s.model->replace_head(static_cast<std::int64_t>(s.data.class_names.size()), init);
  }
  s.model->adapt(s.data.task, s.meta.preprocess.height, s.meta.preprocess.width);
  s.meta.spec = s.model->spec();
}

std::vector<double> balanced_weights(const Dataset& train) {
  const auto counts = train.class_counts();
  const auto n = static_cast<double>(train.size());
  std::vector<double> out;
  for (const std::int64_t count : counts) {
    const auto c = static_cast<double>(count);
    if (count == 0) {
      out.push_back(1);
    } else if (train.task() == Task::multi) {
      out.push_back((n - c) / c);  // torch's pos_weight: negatives a positive
    } else {
      out.push_back(n / (static_cast<double>(counts.size()) * c));  // scikit-learn's "balanced"
    }
  }
  return out;
}

// Lines `class,weight`; classes that are not named weigh 1.
std::vector<double> weights_from_file(const std::string& path,
                                      const std::vector<std::string>& classes) {
  std::vector<double> out(classes.size(), 1.0);
  int line_number = 0;
  for (const std::string& line : split(read_text(path), '\n')) {
    ++line_number;
    const std::string row(trim(line));
    if (row.empty() || row == "class,weight") continue;
    const std::size_t comma = row.rfind(',');
    const std::string name(trim(row.substr(0, comma)));
    const auto at = std::find(classes.begin(), classes.end(), name);
    if (comma == std::string::npos || at == classes.end()) {
      fail<FormatError>(path, ", line ", line_number, ": '", row, "' names no class",
                        did_you_mean(name, classes), ", expected class,weight");
    }
    const std::string what = text(path, ", line ", line_number, ": weight of ", name);
    const double weight = parse_number(trim(row.substr(comma + 1)), what);
    if (!(weight >= 0) || !std::isfinite(weight))
      fail<FormatError>(what, " is ", weight, ", expected >= 0");
    out[static_cast<std::size_t>(at - classes.begin())] = weight;
  }
  return out;
}

// Empty: each sample once an epoch.
std::vector<double> sampling_weights(const Setup& s, const Dataset& data) {
  const std::string& how = s.options.sampling;
  if (how == "shuffle") return {};
  if (how == "balanced") return balanced_sampling(data);
  std::vector<double> out = class_sampling(data, weights_from_file(how, s.data.class_names));
  if (std::ranges::count(out, 0.0) == data.size()) {
    fail<FormatError>(how, ": no training sample has a class whose weight is above 0");
  }
  return out;
}

Tensor class_weight(const Setup& s) {
  const std::string& how = s.options.class_weights;
  if (how == "none") return {};
  const std::vector<std::string> words = {"none", "balanced"};
  const std::string meant = how == "balanced" ? "" : did_you_mean(how, words);
  if (!meant.empty() && !file_exists(how))
    fail<OptionError>("--class-weights: '", how, "' is no file", meant);
  const std::vector<double> w = how == "balanced" ? balanced_weights(*s.data.train)
                                                  : weights_from_file(how, s.data.class_names);
  std::vector<float> values;
  for (const double v : w) values.push_back(static_cast<float>(v));
  return Tensor::from(values, Shape{static_cast<std::int64_t>(values.size())})
      .to(s.model->device());
}

// The biases of batch norms learn at their own rate; their decay stays as it was.
void scale_norm_biases(std::vector<ParamGroup>& groups, Module& model, double factor) {
  std::set<std::string> biases;
  model.visit([&](const std::string& name, Module& module) {
    if (dynamic_cast<BatchNorm2d*>(&module) != nullptr) biases.insert(name + ".bias");
  });
  std::vector<ParamGroup> out;
  for (ParamGroup& group : groups) {
    const auto norm =
        std::stable_partition(group.params.begin(), group.params.end(),
                              [&](const NamedTensor& p) { return biases.count(p.name) == 0; });
    ParamGroup faster;
    faster.params.assign(norm, group.params.end());
    faster.weight_decay = factor > 0 ? group.weight_decay / factor : 0;
    faster.lr_scale = group.lr_scale * factor;
    group.params.erase(norm, group.params.end());
    out.push_back(std::move(group));
    if (!faster.params.empty()) out.push_back(std::move(faster));
  }
  groups = std::move(out);
}

std::unique_ptr<Optimizer> make_optimizer(const Setup& s) {
  const TrainOptions& o = s.options;
  auto groups = param_groups(*s.model, o.weight_decay, o.no_norm_decay);
  if (o.layer_decay < 1) decay_layers(groups, *s.model, o.layer_decay);
  if (o.norm_bias_lr != 1) scale_norm_biases(groups, *s.model, o.norm_bias_lr);
  if (o.optimizer == "adamw") return std::make_unique<AdamW>(std::move(groups), o.lr);
  if (o.optimizer == "muon") {
    MuonOptions muon;
    muon.momentum = o.momentum;
    return std::make_unique<Muon>(std::move(groups), o.lr, muon);
  }
  SgdOptions sgd;
  sgd.momentum = o.momentum;
  sgd.nesterov = o.momentum > 0;
  return std::make_unique<Sgd>(std::move(groups), o.lr, sgd);
}

// Some losses are defined for class indices, or for labels that are 0 or 1, alone.
void check_mixing(const TrainOptions& o, bool multi) {
  if (o.mixup == 0 && o.cutmix == 0) return;
  std::vector<std::string> fitting;
  for (const std::string& name : loss_names()) {
    const bool for_task = name != "ce" || !multi;
    if (for_task && make_loss(name, multi)->takes_mixed_targets()) fitting.push_back(name);
  }
  if (std::find(fitting.begin(), fitting.end(), o.loss) != fitting.end()) return;
  fail<OptionError>(o.mixup > 0 ? "--mixup" : "--cutmix", " makes targets that are shares of ",
                    multi ? "labels" : "classes", ", which --loss ", o.loss,
                    " does not take; expected --loss ", join(fitting, " or "));
}

void check_averages(const TrainOptions& o) {
  if (o.swa == 0) return;
  if (o.ema > 0) {
    fail<OptionError>("--swa ", o.swa, " and --ema ", o.ema,
                      " both average the weights; expected one of them");
  }
  if (o.swa > o.epochs) {
    fail<OptionError>("--swa is ", o.swa, ", expected an epoch from 1 to --epochs ", o.epochs);
  }
}

// Of the same architecture and precision.
std::shared_ptr<Model> same_model(const Setup& s) {
  auto out = build_model(s.meta.spec, static_cast<std::uint64_t>(s.options.seed));
  out->set_precision(s.model->precision());
  out->to(s.model->device());
  return out;
}

// Names of classes are stored in model files, as UTF-8.
void check_names(const Splits& data) {
  for (const std::string& name : data.class_names) {
    if (is_utf8(name)) continue;
    std::string shown = name;
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return (c & 0x80) != 0; }, '?');
    fail<FormatError>(data.where, ": the name of a class is '", shown, "', expected UTF-8");
  }
}

// What decides by val needs one.
void check_selection(const Setup& s) {
  const TrainOptions& o = s.options;
  const Task task = s.data.task;
  const bool chosen = parse_best(o.best, task) != parse_best("auto", task);
  if (s.select || (o.patience == 0 && o.target == 0 && !chosen && o.thresholds.empty())) return;
  fail<OptionError>(o.patience > 0 ? "--patience"
                    : o.target > 0 ? "--target"
                    : chosen       ? "--best " + o.best
                                   : "--thresholds " + o.thresholds,
                    " needs a val split, which ", s.data.name,
                    " lacks: hold out a part of train with --val-fraction 0.1");
}

std::unique_ptr<Loader> make_loader(const Setup& s, const DatasetPtr& data, bool training) {
  LoaderOptions l;
  l.batch = s.options.batch;
  l.preprocess = s.meta.preprocess;
  l.seed = static_cast<std::uint64_t>(s.options.seed);
  l.device = s.model->device();
  if (s.group != nullptr) {
    l.part = s.group->rank();
    l.parts = s.group->size();
  }
  if (training) {
    l.shuffle = true;
    l.weights = sampling_weights(s, *data);
    l.drop_last = data->size() >= s.options.batch;  // no step on a handful of samples
    l.augment = s.augment;
    l.mixup = s.options.mixup;
    l.cutmix = s.options.cutmix;
  }
  return std::make_unique<Loader>(data, l);
}

// Shows a model that asks for them images of the training split, drawn by the seed.
void fit_to_data(const Setup& s) {
  const std::int64_t wanted = s.model->images_wanted();
  if (wanted == 0) return;
  LoaderOptions l;
  l.batch = std::min(wanted, s.data.train->size());
  l.preprocess = s.meta.preprocess;
  l.shuffle = true;
  l.seed = static_cast<std::uint64_t>(s.options.seed);
  l.cache_bytes = 0;  // each sample is seen once
  Loader loader(s.data.train, l);
  loader.start(0);
  Batch batch;
  if (loader.next(batch)) s.model->fit_to_data(batch.x);
}

}  // namespace

std::string architecture(const std::string& model) {
  const std::string file = model_file(model);
  return file.empty() ? model : load_model_meta(file).spec.name;
}

std::string model_file(const std::string& model) {
  const std::vector<std::string> names = model_names();
  if (std::find(names.begin(), names.end(), model) != names.end()) return "";
  const std::string best = model + "/best.safetensors";
  if (file_exists(best)) return best;
  return file_exists(model) ? model : "";
}

Splits open_data(const TrainOptions& options) {
  DataOptions d;
  d.data_dir = options.data_dir;
  d.label_sep = options.label_sep;
  d.seed = static_cast<std::uint64_t>(options.seed);
  if (options.val_fraction > 0) d.val_fraction = options.val_fraction;
  if (options.task != "auto") d.task = parse_task(options.task);
  if (options.data.empty())
    fail<OptionError>("DATA is missing: a name, a folder or a .csv manifest");
  if (options.folds == 0) {
    if (options.fold > 0) fail<OptionError>("--fold goes with --folds");
    return open_dataset(options.data, d);
  }
  if (options.folds == 1) fail<OptionError>("--folds is 1, expected 2 or more");
  if (options.val_fraction > 0) {
    fail<OptionError>("--folds and --val-fraction exclude each other: each fold is val once");
  }
  d.folds = options.folds;
  d.fold = std::max<std::int64_t>(options.fold, 1);  // all of them are much alike
  Splits splits = open_dataset(options.data, d);
  splits.test = nullptr;  // the figures of a fold's run are those of its part
  return splits;
}

namespace {

AutoPrecision precision_for(Device device, const std::string& model) {
  if (device.type == DeviceType::cpu) return auto_precision(active_isa(), model);
  return gpu_precision(has_bf16(device), model);
}

void check_precision(const TrainOptions& options) {
  const Device device = Device::parse(options.device);
  if (options.precision != "bf16" || has_bf16(device)) return;
  fail<DeviceError>("--precision bf16 on ", device, " (", device_name(device),
                    "): expected a GPU of sm_80 or newer, whose tensor cores take bf16");
}

}  // namespace

TrainOptions resolve_options(const std::vector<TrainSetting>& settings, Splits& data,
                             std::vector<Choice>* choices) {
  TrainOptions given;
  for (const auto& [name, value] : settings) set_option(given, name, value);
  check_available(Device::parse(given.device));
  data = open_data(given);
  Recipe chosen = recipe(data, given.model, given);
  TrainOptions& used = chosen.options;
  const std::string model = used.model;
  for (const auto& [name, value] : settings) set_option(used, name, value);
  if (used.model.empty()) used.model = model;
  const bool automatic = used.precision == "auto";
  const AutoPrecision chosen_precision =
      precision_for(Device::parse(used.device), architecture(used.model));
  if (automatic) used.precision = chosen_precision.precision;
  check_precision(used);
  if (used.fast && Device::parse(used.device) == cpu)
    fail<OptionError>("--fast is for GPUs, expected --device cuda with it");
  used.best = name_of(parse_best(used.best, data.task));
  if (choices == nullptr) return used;
  for (const TrainOptionRow& row : train_option_table()) {
    const auto is_it = [&](const auto& entry) { return entry.first == row.name; };
    const auto chosen_by = [&](const Choice& c) { return c.option == row.name; };
    if (std::any_of(settings.begin(), settings.end(), is_it)) {
      choices->push_back({std::string(row.name), get_option(used, row), "given"});
    } else if (const auto at =
                   std::find_if(chosen.choices.begin(), chosen.choices.end(), chosen_by);
               at != chosen.choices.end()) {
      choices->push_back(*at);
    } else if (row.name == "precision" && automatic) {
      choices->push_back({"precision", used.precision, chosen_precision.why});
    }
  }
  return used;
}

Setup make_setup(const TrainOptions& options, Splits data, const std::string& source,
                 Group* group) {
  Setup s;
  s.options = options;
  s.group = group;
  s.data = std::move(data);
  s.meta.classes = s.data.class_names;
  check_averages(options);
  check_names(s.data);
  check_mixing(options, s.data.task == Task::multi);
  const std::string file = source.empty() ? model_file(options.model) : source;
  if (!file.empty()) {
    if (source.empty() && (options.stem != "auto" || options.shortcut != "auto")) {
      fail<OptionError>(options.stem != "auto" ? "--stem" : "--shortcut", " is for new models; ",
                        file, " has its own");
    }
    fine_tune(s, file);
    if (source.empty()) s.tuned_from = file;
  } else {
    s.meta.preprocess =
        default_preprocess(s.data.facts, options.size, resize_for_new_model(options));
    s.model = build_model(spec_for(options, s.data, s.meta.preprocess),
                          static_cast<std::uint64_t>(options.seed));
    s.meta.spec = s.model->spec();
    fit_to_data(s);
  }
  s.augment = augment_for(options.augment,
                          {s.meta.preprocess.height, s.meta.preprocess.width, s.data.facts.flips});
  s.meta.tta = parse_tta(options.tta);
  s.model->set_precision(parse_precision(options.precision));
  const Device device = Device::parse(options.device);
  s.model->to(group == nullptr || device == cpu ? device : own_device(*group, device));
  s.meta.notes["data"] = s.data.name;
  s.meta.notes["seed"] = std::to_string(options.seed);  // draws the splits of data without any
  if (options.val_fraction > 0) {                       // so that evaluation divides the data alike
    s.meta.notes["val_fraction"] = shortest(options.val_fraction);
  }
  // So that it can tell whether they are the same.
  if (s.data.divided || options.val_fraction > 0) {
    s.meta.notes["data_fingerprint"] = std::to_string(s.data.fingerprint());
  }
  if (options.fold > 0) {
    s.meta.notes["folds"] = std::to_string(options.folds);
    s.meta.notes["fold"] = std::to_string(options.fold);
  }
  s.select = s.data.val != nullptr;
  s.watch = s.select ? s.data.val : s.data.test;
  check_selection(s);
  return s;
}

void check_run(const Setup& s) {
  if (!s.options.thresholds.empty()) parse_aim(s.options.thresholds);
  for (const std::string& name :
       s.data.class_names) {  // told now, not when predictions are written
    if (s.data.task != Task::multi || name.find(s.options.label_sep) == std::string::npos) continue;
    fail<OptionError>("the label '", name, "' holds '", s.options.label_sep,
                      "', which separates labels in predictions.csv; expected another --label-sep");
  }
  const TrainerParts parts = make_parts(s);
  make_trainer_options(s, parts.train->batches());
}

Setup with_copied_model(const Setup& s) {
  Setup out = s;
  out.model = same_model(s);
  out.model->load_state(s.model->state());
  return out;
}

namespace {

// Several processes: each needs enough of a batch, and with --sync-norm they share statistics.
void share_norms(const Setup& s, const TrainerParts& parts) {
  if (s.group == nullptr) return;
  const std::int64_t smallest = std::min(s.options.batch, s.data.train->size());
  if (smallest < 2 * s.group->size()) {
    fail<OptionError>(s.group->size(), " processes for batches of ", smallest,
                      " samples, expected at least two samples each: fewer processes or a larger "
                      "--batch");
  }
  if (!s.options.sync_norm) return;
  for (const auto& module : {parts.model, parts.average}) {
    if (!module) continue;
    module->visit([&](const std::string&, Module& m) {
      if (auto* norm = dynamic_cast<BatchNorm2d*>(&m)) norm->synchronize(s.group);
    });
  }
}

}  // namespace

TrainerParts make_parts(const Setup& s) {
  TrainerParts parts;
  parts.model = s.model;
  freeze(s, parts);
  if (s.options.ema > 0 || s.options.swa > 0) parts.average = same_model(s);
  const bool multi = s.data.task == Task::multi;
  LossOptions loss;
  loss.label_smoothing = 0;
  parts.watch_loss = make_loss(s.options.loss, multi, loss);
  loss.label_smoothing = s.options.label_smoothing;
  loss.class_weight = class_weight(s);
  parts.loss = make_loss(s.options.loss, multi, loss);
  parts.optimizer = make_optimizer(s);
  parts.train = make_loader(s, s.data.train, true);
  if (s.watch) parts.watch = make_loader(s, s.watch, false);
  share_norms(s, parts);
  return parts;
}

TrainerOptions make_trainer_options(const Setup& s, std::int64_t batches) {
  const TrainOptions& o = s.options;
  TrainerOptions t;
  t.epochs = o.epochs;
  t.ema = o.ema;
  t.lookahead = o.lookahead;
  t.swa = o.swa;
  t.clip_norm = o.clip_norm;
  t.accumulate = o.accumulate;
  t.patience = o.patience;
  t.target = o.target;
  t.unfreeze = o.unfreeze;
  t.best = parse_best(o.best, s.data.task);
  t.select = s.select;
  t.group = s.group;
  t.schedule.kind = parse_schedule(o.schedule);
  t.schedule.lr = o.lr;
  const std::int64_t updates = (batches + o.accumulate - 1) / o.accumulate;
  t.schedule.total_steps = o.epochs * updates;
  t.schedule.warmup_steps =
      static_cast<std::int64_t>(std::llround(o.warmup * static_cast<double>(updates)));
  if (t.schedule.warmup_steps >= t.schedule.total_steps) {
    fail<OptionError>("--warmup is ", o.warmup, " epochs, expected less than --epochs ", o.epochs);
  }
  return t;
}

}  // namespace taxon
