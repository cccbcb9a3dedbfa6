// The options of a training run: one table gives their names, limits and help to the command line,
// args.toml and --config.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace taxon {

/// Every option of a run; names as on the command line, with _ for -. Defaults that depend on the
/// data come from the recipes (recipe.h).
struct TrainOptions {
  // data
  std::string data, data_dir;
  std::string task = "auto";  ///< manifests: auto (the header decides), single, multi
  std::string label_sep = "|";
  double val_fraction = 0;  ///< share of train that becomes val, stratified by seed
  std::int64_t folds = 0;   ///< cross-validation: parts that are val in turn; 0: none
  std::int64_t fold = 0;    ///< with folds: this part alone (from 1); 0: all, one run each
  std::string augment = "light", resize = "auto";
  std::int64_t size = 0;  ///< side of the square input in pixels; 0: the data's or the model's own
  // model
  std::string model;              ///< a registered name, or a model file to fine-tune
  std::string shortcut = "auto";  ///< CIFAR ResNets: A, B; auto: A
  std::string stem = "auto";      ///< resnet18 and up: imagenet, small; auto: small to 64 pixels
  std::string freeze = "0";       ///< 0, N (the first N children) or backbone (all but the head)
  std::int64_t unfreeze = 0;      ///< epochs after which what is frozen trains too, 0: never
  double ema = 0;                 ///< decay of the averaged weights, 0: none
  std::int64_t swa = 0;           ///< first epoch whose weights are averaged, 0: none
  std::string tta = "none";       ///< views an image is judged by: none, flip, shift
  // optimisation
  std::int64_t epochs = 10, batch = 128;
  static constexpr double lr_auto = -1;  ///< --lr auto: to be found by a range test
  double lr = 0.1;
  std::string optimizer = "sgd";
  double momentum = 0.9, weight_decay = 5e-4;
  double layer_decay = 1;       ///< factor on the rate for each layer below the head
  double clip_norm = 0;         ///< longest gradient of an update, 0: any
  std::int64_t accumulate = 1;  ///< batches an update
  double norm_bias_lr = 1;      ///< factor on the rate of batch norms' biases, not on their decay
  std::int64_t lookahead = 0;   ///< steps between pulls to slow weights, 0: none
  bool no_norm_decay = false;   ///< weight decay skips biases and norm parameters
  std::string schedule = "cosine";
  double warmup = 0;  ///< epochs
  std::string loss = "ce", class_weights = "none";
  double label_smoothing = 0;
  std::string sampling = "shuffle";  ///< shuffle, balanced or class,weight in a .csv
  double mixup = 0, cutmix = 0;      ///< above 0: samples mixed by shares from Beta(x, x)
  std::int64_t patience = 0;  ///< epochs without a better val figure before stopping; 0: never
  double target = 0;          ///< stop once validation reaches this score (see best); 0: never
  std::string best = "auto";  ///< what decides best, patience and target: see BestMetric
  std::string thresholds;  ///< what thresholds aim at on val (parse_aim); "": f1 of several labels
  bool no_calibrate = false;  ///< leave confidences as they are
  bool tensorboard = false;   ///< an event file in the run's folder
  // machine
  std::int64_t seed = 0, threads = 0;
  bool exact_conv = false;  ///< see set_exact_conv
  bool fast = false;        ///< see set_fast; for GPUs alone
  std::string precision = "auto", device = "cpu";
  bool sync_norm = false;  ///< several processes: see BatchNorm2d::synchronize
  std::string out;
};

struct TrainOptionRow {
  using Field = std::variant<std::string TrainOptions::*, double TrainOptions::*,
                             std::int64_t TrainOptions::*, bool TrainOptions::*>;
  std::string_view name;  ///< key in args.toml; the option is --name with - for _
  Field field;
  std::string_view group, value, help;
  double low, high;          ///< numbers: the range that is allowed
  std::string_view choices;  ///< texts: allowed values separated by |, "": any; FILE.csv: a path;
                             ///< numbers: "auto" where that is allowed too
  std::string flag() const;  ///< "--weight-decay"
};
std::span<const TrainOptionRow> train_option_table();

/// An option by name and its value as text, as typed or as read from a file.
using TrainSetting = std::pair<std::string, std::string>;

/// Throws OptionError for an unknown name (with a suggestion), a value that is no number, one out
/// of range, or one that is not among the choices.
void set_option(TrainOptions& options, std::string_view name, std::string_view value);
std::string get_option(const TrainOptions& options, const TrainOptionRow& row);

/// args.toml: every option, in the order of the table.
std::string to_toml(const TrainOptions& options);
/// The settings of a TOML text; `name` stands for the file in errors. Throws FormatError for text
/// that is not TOML or values of a wrong kind, OptionError for unknown keys.
std::vector<TrainSetting> settings_from_toml(std::string_view text, const std::string& name);

}  // namespace taxon
