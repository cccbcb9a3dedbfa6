// The table of options, and their setting by name.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/train/options.h>

#include <algorithm>
#include <array>

namespace taxon {
namespace {

using O = TrainOptions;
constexpr double big = 1e9;

constexpr std::array rows = {
    TrainOptionRow{"data", &O::data, "Data", "DATA", "a name, a folder or a .csv manifest", 0, 0,
                   ""},
    TrainOptionRow{"data_dir", &O::data_dir, "Data", "DIR", "where named data sets lie", 0, 0, ""},
    TrainOptionRow{"task", &O::task, "Data", "T", "single or multi label", 0, 0,
                   "auto|single|multi"},
    TrainOptionRow{"label_sep", &O::label_sep, "Data", "S", "separates labels in a manifest", 0, 0,
                   ""},
    TrainOptionRow{"val_fraction", &O::val_fraction, "Data", "X", "share of train kept as val", 0,
                   0.9, ""},
    TrainOptionRow{"folds", &O::folds, "Data", "K", "cross-validation: K parts, val in turn", 0,
                   1e6, ""},
    TrainOptionRow{"fold", &O::fold, "Data", "N", "of the folds, this one alone", 0, 1e6, ""},
    TrainOptionRow{"augment", &O::augment, "Data", "A", "none, light, standard, trivial or a file",
                   0, 0, "none|light|standard|trivial|FILE.toml"},
    TrainOptionRow{"mixup", &O::mixup, "Data", "X", "samples blended, shares from Beta(X, X)", 0,
                   100, ""},
    TrainOptionRow{"cutmix", &O::cutmix, "Data", "X", "boxes exchanged, shares from Beta(X, X)", 0,
                   100, ""},
    TrainOptionRow{"sampling", &O::sampling, "Data", "S",
                   "shuffle, balanced (each class equally often) or a file", 0, 0,
                   "shuffle|balanced|FILE.csv"},
    TrainOptionRow{"size", &O::size, "Data", "N", "side of the input in pixels", 0, 4096, ""},
    TrainOptionRow{"resize", &O::resize, "Data", "R",
                   "crop, squash or letterbox; auto: squash, or as the model file has it", 0, 0,
                   "auto|crop|squash|letterbox"},
    TrainOptionRow{"model", &O::model, "Model", "NAME", "see below, or a model file to fine-tune",
                   0, 0, ""},
    TrainOptionRow{"shortcut", &O::shortcut, "Model", "S", "CIFAR ResNets: A or B", 0, 0,
                   "auto|A|B"},
    TrainOptionRow{"stem", &O::stem, "Model", "S", "resnet18 and up: imagenet or small", 0, 0,
                   "auto|imagenet|small"},
    TrainOptionRow{"freeze", &O::freeze, "Model", "F", "first N parts, or backbone", 0, 0, ""},
    TrainOptionRow{"unfreeze", &O::unfreeze, "Model", "N",
                   "epochs until frozen parts train too, 0: never", 0, 1e6, ""},
    TrainOptionRow{"ema", &O::ema, "Model", "X", "decay of averaged weights", 0, 0.999999, ""},
    TrainOptionRow{"swa", &O::swa, "Model", "N", "first epoch of averaged weights, 0: none", 0, 1e6,
                   ""},
    TrainOptionRow{"tta", &O::tta, "Model", "T",
                   "views an answer averages: none (one), flip, shift (three), flip-shift (six)", 0,
                   0, "none|flip|shift|flip-shift"},
    TrainOptionRow{"epochs", &O::epochs, "Training", "N", "passes over the data", 1, 1e6, ""},
    TrainOptionRow{"batch", &O::batch, "Training", "N", "images a step", 1, 1e6, ""},
    TrainOptionRow{"lr", &O::lr, "Training", "X", "learning rate (onecycle: the highest), or auto",
                   0, big, "auto"},
    TrainOptionRow{"optimizer", &O::optimizer, "Training", "O", "sgd (Nesterov), adamw or muon", 0,
                   0, "sgd|adamw|muon"},
    TrainOptionRow{"momentum", &O::momentum, "Training", "X", "of sgd and muon", 0, 0.9999, ""},
    TrainOptionRow{"weight_decay", &O::weight_decay, "Training", "X", "", 0, 10, ""},
    TrainOptionRow{"no_norm_decay", &O::no_norm_decay, "Training", "",
                   "no decay of biases and norms", 0, 1, ""},
    TrainOptionRow{"schedule", &O::schedule, "Training", "S",
                   "cosine, onecycle, step, linear, triangle, constant", 0, 0,
                   "cosine|onecycle|step|linear|triangle|constant"},
    TrainOptionRow{"norm_bias_lr", &O::norm_bias_lr, "Training", "X",
                   "factor on the rate of norms' biases", 0, 1e6, ""},
    TrainOptionRow{"layer_decay", &O::layer_decay, "Training", "X",
                   "factor on the rate for each layer below the head", 0.01, 1, ""},
    TrainOptionRow{"clip_norm", &O::clip_norm, "Training", "X", "longest gradient, 0: any", 0, big,
                   ""},
    TrainOptionRow{"accumulate", &O::accumulate, "Training", "N", "batches an update", 1, 1e6, ""},
    TrainOptionRow{"lookahead", &O::lookahead, "Training", "N",
                   "steps between pulls to slow weights", 0, 1e6, ""},
    TrainOptionRow{"warmup", &O::warmup, "Training", "N", "epochs of rising rate", 0, 1e6, ""},
    TrainOptionRow{"loss", &O::loss, "Training", "L", "ce, focal, bce, asl", 0, 0,
                   "ce|focal|bce|asl"},
    TrainOptionRow{"class_weights", &O::class_weights, "Training", "W", "none, balanced or a file",
                   0, 0, ""},
    TrainOptionRow{"label_smoothing", &O::label_smoothing, "Training", "X", "", 0, 0.99, ""},
    TrainOptionRow{"patience", &O::patience, "Training", "N", "stop after N epochs without gain", 0,
                   1e6, ""},
    TrainOptionRow{"target", &O::target, "Training", "ACC", "stop once validation reaches it", 0, 1,
                   ""},
    TrainOptionRow{"best", &O::best, "Training", "M", "figure on val that decides best", 0, 0,
                   "auto|accuracy|balanced_accuracy|macro_f1|mean_ap|f1_micro|f1_macro"},
    TrainOptionRow{"thresholds", &O::thresholds, "Training", "T",
                   "f1, precision=X or recall=X on val; empty: f1 of several labels", 0, 0, ""},
    TrainOptionRow{"no_calibrate", &O::no_calibrate, "Training", "",
                   "leave confidences as they are", 0, 1, ""},
    TrainOptionRow{"tensorboard", &O::tensorboard, "Run", "", "an event file in the run's folder",
                   0, 1, ""},
    TrainOptionRow{"seed", &O::seed, "Run", "N", "", 0, 9e15, ""},
    TrainOptionRow{"threads", &O::threads, "Run", "N", "0: all processors", 0, 1024, ""},
    TrainOptionRow{"exact_conv", &O::exact_conv, "Run", "",
                   "convolutions as sums of products only (no Winograd)", 0, 0, ""},
    TrainOptionRow{"fast", &O::fast, "Run", "",
                   "GPUs: TF32, and algorithms that differ between runs", 0, 1, ""},
    TrainOptionRow{"precision", &O::precision, "Run", "P", "auto, f32 or bf16", 0, 0,
                   "auto|f32|bf16"},
    TrainOptionRow{"sync_norm", &O::sync_norm, "Run", "",
                   "with mpirun: batch norm over the parts of all processes", 0, 1, ""},
    TrainOptionRow{"device", &O::device, "Run", "D", "cpu, cuda or cuda:N", 0, 0, ""},
    TrainOptionRow{"out", &O::out, "Run", "DIR", "the run's folder (never overwritten)", 0, 0, ""},
};

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const TrainOptionRow& row : rows) out.emplace_back(row.name);
  return out;
}

const TrainOptionRow& find_row(std::string_view name) {
  for (const TrainOptionRow& row : rows) {
    if (row.name == name) return row;
  }
  fail<OptionError>("unknown option '", name, "'", did_you_mean(name, names()));
}

double checked(const TrainOptionRow& row, double value, std::string_view given) {
  if (!(value >= row.low && value <= row.high)) {
    fail<OptionError>(row.flag(), " is ", given, ", expected ", row.low, " to ", row.high);
  }
  return value;
}

template <class Number>
Number parsed(const TrainOptionRow& row, std::string_view value) {
  try {
    if constexpr (std::is_same_v<Number, double>) {
      if (!row.choices.empty() && value == row.choices) return TrainOptions::lr_auto;
      return checked(row, parse_number(value, row.flag()), value);
    } else {
      const std::int64_t n = parse_int(value, row.flag());
      checked(row, static_cast<double>(n), value);
      return n;
    }
  } catch (const FormatError& e) {
    fail<OptionError>(e.what(), row.choices.empty() ? "" : " or ", row.choices);
  }
}

bool parsed_bool(const TrainOptionRow& row, std::string_view value) {
  if (value == "true") return true;
  if (value == "false") return false;
  fail<OptionError>(row.flag(), " is '", value, "', expected true or false");
}

std::string checked_choice(const TrainOptionRow& row, std::string_view value) {
  if (row.choices.empty()) return std::string(value);
  const std::vector<std::string> choices = split(row.choices, '|');
  const std::string_view last = choices.back();
  const std::string_view ending = last.starts_with("FILE.") ? last.substr(4) : last;
  const bool file = ending != last && value.size() > ending.size() && value.ends_with(ending);
  if (!file && std::find(choices.begin(), choices.end(), value) == choices.end()) {
    fail<OptionError>(row.flag(), " is '", value, "'", did_you_mean(value, choices), "; expected ",
                      join(choices, ", "));
  }
  return std::string(value);
}

}  // namespace

std::string TrainOptionRow::flag() const {
  std::string out = "--" + std::string(name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

std::span<const TrainOptionRow> train_option_table() {
  return rows;
}

void set_option(TrainOptions& options, std::string_view name, std::string_view value) {
  const TrainOptionRow& row = find_row(name);
  std::visit(
      [&](auto field) {
        using T = std::remove_reference_t<decltype(options.*field)>;
        if constexpr (std::is_same_v<T, std::string>) {
          options.*field = checked_choice(row, value);
        } else if constexpr (std::is_same_v<T, bool>) {
          options.*field = parsed_bool(row, value);
        } else {
          options.*field = parsed<T>(row, value);
        }
      },
      row.field);
}

std::string get_option(const TrainOptions& options, const TrainOptionRow& row) {
  return std::visit(
      [&](auto field) -> std::string {
        using T = std::remove_cv_t<std::remove_reference_t<decltype(options.*field)>>;
        if constexpr (std::is_same_v<T, std::string>) {
          return options.*field;
        } else if constexpr (std::is_same_v<T, bool>) {
          return options.*field ? "true" : "false";
        } else if constexpr (std::is_same_v<T, double>) {
          const bool automatic = !row.choices.empty() && options.*field == TrainOptions::lr_auto;
          return automatic ? std::string(row.choices) : shortest(options.*field);
        } else {
          return std::to_string(options.*field);
        }
      },
      row.field);
}

}  // namespace taxon
