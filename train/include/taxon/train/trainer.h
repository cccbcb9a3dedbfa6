// The training loop: batches through model, loss and optimizer, an evaluation an epoch, stopping,
// and a state from which it goes on bit by bit.
#pragma once

#include <taxon/base/callback.h>
#include <taxon/base/error.h>
#include <taxon/data/loader.h>
#include <taxon/layers/losses.h>
#include <taxon/layers/module.h>
#include <taxon/train/optimizer.h>
#include <taxon/train/recorded_step.h>
#include <taxon/train/schedule.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

class GradientSum;
class Group;
class Lookahead;

/// Training cannot go on (the loss is not a number).
struct TrainingError : Error {
  using Error::Error;
};

/// What models of a run are compared by on val: it decides best, patience and target.
enum class BestMetric : std::uint8_t {
  accuracy,           ///< single-label
  balanced_accuracy,  ///< single-label: mean recall of the classes
  macro_f1,           ///< single-label
  mean_ap,            ///< multi-label
  f1_micro,           ///< multi-label, every label from a probability of 0.5
  f1_macro            ///< the same
};
std::string_view name_of(BestMetric metric);
/// "auto": accuracy, or mean_ap for several labels. Throws OptionError for a name that does not fit
/// the task.
BestMetric parse_best(std::string_view name, Task task);

/// One finished epoch: a row of results.csv. NaN: not measured.
struct EpochResult {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
  std::int64_t epoch = 0;    ///< from 1
  double seconds = 0;        ///< since training began, evaluation included, interruptions not
  double train_loss = none;  ///< mean over the epoch's samples, while they were trained on
  double loss = none;        ///< of the evaluation, without smoothing and class weights
  double top1 = none, top5 = none;                          ///< single-label
  double balanced_accuracy = none, macro_f1 = none;         ///< single-label
  double mean_ap = none, f1_micro = none, f1_macro = none;  ///< multi-label
  double lr = 0;                                            ///< of the epoch's last step
  double images_per_s = 0;                                  ///< training only
  double score(BestMetric metric) const;
};

/// Tells a training that diverges from a noisy one: 50 batches in a row whose loss is above 4 times
/// that of knowing nothing, the larger of the first batch's loss and that of logits 0. Chance costs
/// no more than that, so such a loss says that steps make the model worse than none; a spike, or
/// noise, has batches below it among so many.
struct LossWatch {
  static constexpr double factor = 4;
  static constexpr std::int64_t batches = 50;
  double nothing = 0;     ///< the loss of knowing nothing; 0: not known yet
  std::int64_t high = 0;  ///< batches above, up to now
  bool diverged(double loss);
};

/// Where a run stands. Everything that decides the next step besides weights and optimizer state.
struct Progress {
  std::int64_t epoch = 0;  ///< epochs finished
  std::int64_t batch = 0;  ///< batches done of the next one
  std::int64_t step = 0;   ///< optimizer updates
  double seconds = 0;
  double loss_sum = 0, correct = 0;  ///< of the unfinished epoch
  std::int64_t seen = 0;
  std::int64_t averaged = 0;  ///< epochs in the average of swa
  double best = -1;           ///< best score on val
  std::int64_t best_epoch = 0, stale = 0;
  LossWatch watch;
  bool stopped = false;  ///< by patience or target
  std::vector<EpochResult> results;
};

struct StepReport {
  std::int64_t epoch = 0, epochs = 0;   ///< this epoch, from 1
  std::int64_t batch = 0, batches = 0;  ///< done
  double loss = 0, accuracy = 0;  ///< running means of the epoch; accuracy of labels if several
  double batch_loss = 0;          ///< of the last batch
  double images_per_s = 0, seconds_left = 0, lr = 0;
};

struct TrainerOptions {
  std::int64_t epochs = 10;
  Schedule schedule;           ///< total_steps and warmup_steps included
  double ema = 0;              ///< decay of averaged weights; 0: none
  std::int64_t lookahead = 0;  ///< steps between pulls to slow weights; 0: none (see Lookahead)
  std::int64_t patience = 0;
  double target = 0;
  double clip_norm = 0;         ///< longest gradient of an update (see clip_grad_norm), 0: any
  std::int64_t accumulate = 1;  ///< batches an update; fewer at an epoch's end
  std::int64_t swa = 0;         ///< the first epoch, from 1, whose weights are averaged; 0: none
  std::int64_t unfreeze = 0;    ///< after so many epochs what is frozen trains too; 0: never
  BestMetric best = BestMetric::accuracy;
  bool select = true;  ///< the evaluated split is val: it decides best, patience and target
  double checkpoint_seconds = 60;  ///< between on_checkpoint calls inside an epoch
  /// The processes that train together, or nullptr: each has the same model and, from its loaders
  /// (LoaderOptions::part), its part of every batch. All end with the same weights.
  Group* group = nullptr;
};

/// What a trainer works with. `average`: a second module of the same architecture for the averaged
/// weights (with ema or swa > 0), else null. `watch`: evaluated after each epoch, else null.
struct TrainerParts {
  std::shared_ptr<Module> model, average;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Loss> loss;        ///< trains
  std::unique_ptr<Loss> watch_loss;  ///< is reported for `watch`
  std::unique_ptr<Loader> train, watch;
  std::vector<std::shared_ptr<Module>> frozen;  ///< stay in evaluation mode
  std::vector<Tensor> thaw;  ///< parameters of `frozen` that train once it is unfrozen
};

/// While all but the head rests: the head as a module of its own, and loaders of the features that
/// it takes (see features.h). A loader that is null: images and the whole model as before.
struct HeadParts {
  std::unique_ptr<Loader> train, watch;
  std::shared_ptr<Module> model, average;  ///< as in TrainerParts
};

class Trainer {
 public:
  enum class Outcome : std::uint8_t { finished, interrupted };
  /// on_epoch: an epoch is evaluated and counted (save models here). on_checkpoint: time to save
  /// the state: after on_epoch, now and then inside long epochs, and on an interruption.
  struct Callbacks {
    Callback<void(const StepReport&)> on_step;
    Callback<void(const EpochResult&, bool best)> on_epoch;
    Callback<void()> on_checkpoint;
  };

  Trainer(TrainerParts parts, TrainerOptions options);
  ~Trainer();
  Trainer(Trainer&&) noexcept;

  /// Until the frozen parts train again. Changes no result. `seconds`: what computing them took,
  /// which counts as training.
  void use_features(HeadParts head, double seconds = 0) {
    head_ = std::move(head);
    progress_.seconds += seconds;
  }
  /// Whether parts are frozen in the epoch to come.
  bool frozen() const;

  /// Trains until the epochs are done, patience or target stop it, or *interrupt becomes true: then
  /// it returns after the update in hand. Throws TrainingError when the loss is not finite or
  /// diverges (see LossWatch), naming the step; weights are then unusable.
  Outcome fit(const Callbacks& callbacks = {}, const std::atomic<bool>* interrupt = nullptr);

  /// The steps of a GPU, unless several processes train or gradients of batches add up.
  const RecordedStep& recorded() const { return recorded_; }

  const Progress& progress() const { return progress_; }
  /// The module to evaluate and save: the averaged one, if there is one.
  Module& result() { return averages() ? *parts_.average : *parts_.model; }

  /// Weights, buffers, averages and optimizer state: "model.fc.weight", "optimizer.step.fc.weight".
  std::vector<NamedTensor> state() const;
  /// The inverse, with state() and progress() of the run to go on with. Throws FormatError.
  void restore(const std::vector<NamedTensor>& state, Progress progress);

 private:
  bool run_epoch(const Callbacks& callbacks);  // false: interrupted
  void thaw();
  Loader& train_loader() { return head_.train ? *head_.train : *parts_.train; }
  Module& trained() { return head_.train ? *head_.model : *parts_.model; }
  void train_batch(const Batch& batch);
  void train_recorded(const Batch& batch);
  void update();
  bool between_updates() const { return progress_.batch % options_.accumulate == 0; }
  double share_of(const Batch& batch) const;
  bool averages() const { return parts_.average && (options_.swa == 0 || progress_.averaged > 0); }
  bool average_epoch();
  Loss::Counted counted(const Tensor& logits, const Tensor& y) const;
  // Of all processes: the sums of the loss and of what is right over the joint batch.
  struct Joint {
    double loss = 0, correct = 0, samples = 0;
  };
  Joint joint(double loss, double correct, const Batch& batch);
  double mean_over_group(double value, std::int64_t samples) const;
  void average_norms();
  // `step`: the one that the batch belongs to.
  void read_loss(std::int64_t step, const Loss::Counted& found, const Tensor& logits,
                 const Batch& batch);
  void watch_loss(std::int64_t step, double loss, const Tensor& logits, const Batch& batch);
  void report(const Callbacks& callbacks, std::int64_t samples_now, double seconds_now);
  void average_weights();
  bool evaluate(EpochResult& result);
  void finish_epoch(const Callbacks& callbacks, EpochResult result);
  [[noreturn]] void stop(std::int64_t step, const std::string& what) const;
  void set_training_mode();
  bool interrupted() const;
  double clock() const;

  TrainerParts parts_;
  HeadParts head_;
  TrainerOptions options_;
  std::unique_ptr<Lookahead> lookahead_;
  std::unique_ptr<GradientSum> gradients_;  // with a group
  bool one_was_interrupted_ = false;        // of the group, as the last step told all
  RecordedStep recorded_;                   // on a GPU
  Progress progress_;
  const std::atomic<bool>* interrupt_ = nullptr;
  double started_ = 0;  // seconds of a monotonic clock at which progress_.seconds was 0
  double speed_ = 0;    // images a second in the epoch
  double last_loss_ = 0;
};

/// The loss, accuracy and other figures of a module on a data set. Returns false if *interrupt
/// became true before the end. With a group each process evaluates its part of every batch, to the
/// end.
bool evaluate_epoch(Module& module, const Loss& loss, Loader& loader, EpochResult& result,
                    const std::atomic<bool>* interrupt = nullptr, Group* group = nullptr);

}  // namespace taxon
