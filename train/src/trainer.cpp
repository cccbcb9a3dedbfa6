// The training loop.
#include <taxon/base/error.h>
#include <taxon/core/group.h>
#include <taxon/core/ops.h>
#include <taxon/train/trainer.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "gradient_sum.h"
#include "lookahead.h"
#include "swa.h"

namespace taxon {
namespace {

double now() {
  const auto t = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(t).count();
}

void prefixed(std::vector<NamedTensor>& out, const std::string& prefix,
              const std::vector<NamedTensor>& in) {
  for (const NamedTensor& t : in) out.push_back({prefix + t.name, t.tensor});
}

bool all_finite(const Module& module) {
  for (const NamedTensor& t : module.state()) {
    if (t.tensor.dtype() != DType::f32) continue;
    const Tensor here = t.tensor.to(cpu);
    for (const float v : here.view<float>()) {
      if (!std::isfinite(v)) return false;
    }
  }
  return true;
}

std::vector<NamedTensor> with_prefix(const std::vector<NamedTensor>& all,
                                     const std::string& prefix) {
  std::vector<NamedTensor> out;
  for (const NamedTensor& t : all) {
    if (t.name.compare(0, prefix.size(), prefix) == 0) {
      out.push_back({t.name.substr(prefix.size()), t.tensor});
    }
  }
  return out;
}

}  // namespace

bool LossWatch::diverged(double loss) {
  high = loss > factor * nothing ? high + 1 : 0;
  return high >= batches;
}

Trainer::Trainer(TrainerParts parts, TrainerOptions options)
    : parts_(std::move(parts)), options_(std::move(options)) {
  if ((options_.ema > 0 || options_.swa > 0) && !parts_.average) {
    fail<OptionError>("trainer: ema is ", options_.ema, " and swa ", options_.swa,
                      " but there is no module for the average");
  }
  const std::int64_t steps = options_.schedule.total_steps;
  lookahead_ =
      std::make_unique<Lookahead>(Lookahead::Options{options_.lookahead, steps * 3 / 10, steps});
  if (options_.group != nullptr) gradients_ = std::make_unique<GradientSum>(*options_.group);
  if (parts_.average) {
    parts_.average->load_state(parts_.model->state());
    parts_.average->eval();
  }
}

Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;

double Trainer::clock() const {
  return now() - started_;
}

void Trainer::set_training_mode() {
  parts_.model->train();
  for (const auto& module : parts_.frozen) module->eval();
}

bool Trainer::frozen() const {
  const bool over = options_.unfreeze > 0 && progress_.epoch >= options_.unfreeze;
  return !parts_.frozen.empty() && !over;
}

void Trainer::stop(std::int64_t step, const std::string& what) const {
  const std::int64_t batch = progress_.batch + (step > progress_.step ? 1 : 0);
  fail<TrainingError>("training stopped at step ", step, " (epoch ", progress_.epoch + 1,
                      ", batch ", batch, "): ", what);
}

void Trainer::thaw() {
  for (Tensor& p : parts_.thaw) p.set_requires_grad();
  parts_.frozen.clear();
  parts_.thaw.clear();
  head_ = {};
  if (gradients_) gradients_->forget();
}

// With a group all stop after the same step.
bool Trainer::interrupted() const {
  if (options_.group != nullptr) return one_was_interrupted_;
  return interrupt_ != nullptr && interrupt_->load();
}

Trainer::Joint Trainer::joint(double loss, double correct, const Batch& batch) {
  const auto n = static_cast<double>(batch.size());
  if (options_.group == nullptr) return {loss * n, correct, n};
  const bool asked = interrupt_ != nullptr && interrupt_->load();
  Tensor sums = Tensor::from(std::vector<double>{loss * n, correct, n, asked ? 1.0 : 0.0}, {4});
  options_.group->sum(sums);
  const std::vector<double> all = sums.to_vector<double>();
  one_was_interrupted_ = all[3] > 0;
  return {all[0], all[1], all[2]};
}

double Trainer::mean_over_group(double value, std::int64_t samples) const {
  if (options_.group == nullptr) return value;
  const auto n = static_cast<double>(samples);
  Tensor sums = Tensor::from(std::vector<double>{value * n, n}, {2});
  options_.group->sum(sums);
  return sums.view<double>()[0] / sums.view<double>()[1];
}

// Where each process takes statistics of its own part, the running ones differ; what is evaluated
// and saved has their mean.
void Trainer::average_norms() {
  if (options_.group == nullptr) return;
  const NoGrad no_grad;
  for (const auto& module : {parts_.model, parts_.average}) {
    if (!module) continue;
    for (NamedTensor& t : module->named_buffers()) {
      if (!is_floating(t.tensor.dtype())) continue;
      Tensor sum = t.tensor.clone();
      options_.group->sum(sum);
      t.tensor.copy_from(sum * (1.0 / options_.group->size()));
    }
  }
}

// Of the update's samples, how many are in this batch: the gradient is that of the mean over all.
double Trainer::share_of(const Batch& batch) const {
  const std::int64_t size = parts_.train->options().batch;
  const std::int64_t begin = progress_.batch / options_.accumulate * options_.accumulate * size;
  const std::int64_t end = std::min(begin + options_.accumulate * size, parts_.train->samples());
  return static_cast<double>(batch.size()) / static_cast<double>(end - begin);
}

void Trainer::train_batch(const Batch& batch) {
  if (between_updates()) {
    parts_.optimizer->set_lr(options_.schedule.rate(progress_.step));
    parts_.optimizer->zero_grad();
  }
  if (batch.x.device() != cpu && options_.accumulate == 1 && !gradients_)
    return train_recorded(batch);
  const Tensor logits = trained().forward(batch.x);
  const Loss::Counted found = counted(logits, batch.y);
  // Reading the loss waits for a GPU: there it is read once backward is on its way.
  const bool late = logits.device() != cpu;
  const std::int64_t step = progress_.step + 1;
  if (!late) read_loss(step, found, logits, batch);
  const bool last = (progress_.batch + 1) % options_.accumulate == 0 ||
                    progress_.batch + 1 == parts_.train->batches();
  if (last && gradients_) gradients_->begin(parts_.model->parameters());
  const Tensor& loss = found.loss;
  (options_.accumulate > 1 || gradients_ ? loss * share_of(batch) : loss).backward();
  if (last && gradients_) gradients_->finish();
  if (late) read_loss(step, found, logits, batch);
  if (last) update();
  ++progress_.batch;
}

// The GPU has the update to do while the host waits for the loss.
void Trainer::train_recorded(const Batch& batch) {
  Module& module = trained();
  const Pass pass =
      recorded_.run(module, batch.x, batch.y, [&](const Tensor& x, const Tensor& y) -> Pass {
        const Tensor logits = module.forward(x);
        const Loss::Counted found = counted(logits, y);
        found.loss.backward();
        return {found, logits};
      });
  update();
  ++progress_.batch;
  read_loss(progress_.step, pass.found, pass.logits, batch);
}

void Trainer::read_loss(std::int64_t step, const Loss::Counted& found, const Tensor& logits,
                        const Batch& batch) {
  const Joint sums = joint(found.loss.item(), found.correct(), batch);
  const double value = sums.loss / sums.samples;
  if (!std::isfinite(value)) {
    stop(step, text("the loss is ", value, ", expected a finite number"));
  }
  watch_loss(step, value, logits, batch);
  progress_.loss_sum += sums.loss;
  progress_.correct += sums.correct;
  progress_.seen += static_cast<std::int64_t>(sums.samples);
}

void Trainer::watch_loss(std::int64_t step, double loss, const Tensor& logits, const Batch& batch) {
  last_loss_ = loss;
  LossWatch& watch = progress_.watch;
  if (watch.nothing == 0) {
    NoGrad no_grad;
    const Tensor zeros = Tensor::zeros(logits.shape(), logits.dtype(), logits.device());
    const double unknowing = (*parts_.loss)(zeros, batch.y).item();
    watch.nothing = std::max(loss, mean_over_group(unknowing, batch.size()));
  }
  if (!watch.diverged(loss)) return;
  stop(step, text("the loss diverges: ", loss, ", and for ", watch.high, " batches above ",
                  LossWatch::factor, " times the ", watch.nothing, " of knowing nothing"));
}

void Trainer::update() {
  if (options_.clip_norm > 0) {
    const double norm = clip_grad_norm(parts_.optimizer->groups(), options_.clip_norm);
    if (!std::isfinite(norm)) {
      stop(progress_.step + 1, text("the gradients' norm is ", norm, ", expected a finite number"));
    }
  }
  parts_.optimizer->step();
  ++progress_.step;
  lookahead_->step_done(progress_.step, *parts_.model);
  if (parts_.average && options_.swa == 0) average_weights();
}

// With mixed targets of one class a sample, right is the class with the largest share.
Loss::Counted Trainer::counted(const Tensor& logits, const Tensor& y) const {
  const bool one_class = parts_.train->dataset().task() == Task::single;
  if (!one_class || y.dtype() == DType::i64) return parts_.loss->counted(logits, y);
  return {(*parts_.loss)(logits, y),
          [logits, y] { return correct_predictions(logits, argmax(y)); }};
}

// The decay grows with the steps, so that the first weights do not stay in the average for long (as
// TensorFlow's ExponentialMovingAverage with num_updates).
void Trainer::average_weights() {
  const auto t = static_cast<double>(progress_.step);
  const double decay = std::min(options_.ema, (1 + t) / (10 + t));
  const auto from = parts_.model->state();
  auto to = parts_.average->state();
  Tensors averages, weights;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (is_floating(to[i].tensor.dtype())) {
      averages.push_back(to[i].tensor);
      weights.push_back(from[i].tensor);
    } else {
      to[i].tensor.copy_from(from[i].tensor);
    }
  }
  lerp_(averages, weights, 1 - decay);
}

void Trainer::report(const Callbacks& callbacks, std::int64_t samples_now, double seconds_now) {
  if (seconds_now > 0) speed_ = static_cast<double>(samples_now) / seconds_now;
  if (!callbacks.on_step) return;
  const auto seen = static_cast<double>(progress_.seen);
  StepReport r;
  r.epoch = progress_.epoch + 1;
  r.epochs = options_.epochs;
  r.batch = progress_.batch;
  r.batches = parts_.train->batches();
  r.loss = progress_.loss_sum / seen;
  r.accuracy = progress_.correct / seen;
  r.images_per_s = speed_;
  r.batch_loss = last_loss_;
  r.lr = parts_.optimizer->lr();
  const std::int64_t left = (options_.epochs - r.epoch) * parts_.train->samples() +
                            (parts_.train->samples() - progress_.seen);
  r.seconds_left = speed_ > 0 ? static_cast<double>(left) / speed_ : 0;
  callbacks.on_step(r);
}

bool Trainer::run_epoch(const Callbacks& callbacks) {
  if (!frozen()) thaw();
  set_training_mode();
  parts_.model->epoch_starts(progress_.epoch);
  Loader& loader = train_loader();
  if (progress_.batch >= loader.batches()) return true;  // only the evaluation is left
  loader.start(progress_.epoch, progress_.batch);
  const double begin = now();
  double saved = begin;
  std::int64_t samples = 0;
  while (progress_.batch < loader.batches()) {
    if (interrupted() && between_updates()) return false;
    Batch batch;
    if (!loader.next(batch)) break;
    const std::int64_t before = progress_.seen;
    train_batch(batch);
    samples += progress_.seen - before;
    report(callbacks, samples, now() - begin);
    if (callbacks.on_checkpoint && between_updates() &&
        now() - saved > options_.checkpoint_seconds) {
      progress_.seconds = clock();
      callbacks.on_checkpoint();
      saved = now();
    }
  }
  return true;
}

// What an interruption repeats must not count twice.
bool Trainer::average_epoch() {
  const std::int64_t due = options_.swa > 0 ? progress_.epoch + 2 - options_.swa : 0;
  if (due <= 0) return true;
  if (progress_.averaged < due) average_in(*parts_.average, *parts_.model, progress_.averaged++);
  const bool whole = update_norms(*parts_.average, *parts_.model, *parts_.train, progress_.epoch,
                                  gradients_ ? nullptr : interrupt_);
  average_norms();
  return whole;
}

bool Trainer::evaluate(EpochResult& result) {
  if (!parts_.watch) return true;
  const bool by_features = head_.watch != nullptr;
  Module& module = !by_features ? this->result() : averages() ? *head_.average : *head_.model;
  Loader& loader = by_features ? *head_.watch : *parts_.watch;
  return evaluate_epoch(module, *parts_.watch_loss, loader, result, interrupt_, options_.group);
}

void Trainer::finish_epoch(const Callbacks& callbacks, EpochResult result) {
  Progress& p = progress_;
  ++p.epoch;
  p.batch = 0;
  p.loss_sum = p.correct = 0;
  p.seen = 0;
  p.seconds = clock();
  result.epoch = p.epoch;
  result.seconds = p.seconds;
  bool best = false;
  if (options_.select && parts_.watch) {
    const double score = result.score(options_.best);
    best = score > p.best;
    p.stale = best ? 0 : p.stale + 1;
    if (best) {
      p.best = score;
      p.best_epoch = p.epoch;
    }
    if (options_.patience > 0 && p.stale >= options_.patience) p.stopped = true;
    if (options_.target > 0 && score >= options_.target) p.stopped = true;
  } else {
    best = true;
    p.best_epoch = p.epoch;
  }
  p.results.push_back(result);
  if (callbacks.on_epoch) callbacks.on_epoch(result, best);
  if (callbacks.on_checkpoint) callbacks.on_checkpoint();
}

Trainer::Outcome Trainer::fit(const Callbacks& callbacks, const std::atomic<bool>* interrupt) {
  interrupt_ = interrupt;
  started_ = now() - progress_.seconds;
  while (!progress_.stopped && progress_.epoch < options_.epochs) {
    EpochResult result;
    bool whole = run_epoch(callbacks);
    if (whole) {
      lookahead_->epoch_done(*parts_.model);
      average_norms();
      result.train_loss =
          progress_.loss_sum / static_cast<double>(std::max<std::int64_t>(progress_.seen, 1));
      result.lr = parts_.optimizer->lr();
      // What the epoch's last steps did no training loss will tell any more.
      if (!all_finite(*parts_.model)) stop(progress_.step, "the weights are not finite any more");
      result.images_per_s = speed_;
      whole = average_epoch() && evaluate(result);
      if (whole && options_.select && parts_.watch && !std::isfinite(result.loss)) {
        stop(progress_.step, "the evaluation's loss is not finite any more");
      }
    }
    if (!whole) {
      progress_.seconds = clock();
      if (callbacks.on_checkpoint) callbacks.on_checkpoint();
      return Outcome::interrupted;
    }
    finish_epoch(callbacks, result);
  }
  return Outcome::finished;
}

std::vector<NamedTensor> Trainer::state() const {
  std::vector<NamedTensor> out;
  prefixed(out, "model.", parts_.model->state());
  if (parts_.average) prefixed(out, "average.", parts_.average->state());
  prefixed(out, "lookahead.", lookahead_->state());
  prefixed(out, "optimizer.", parts_.optimizer->state());
  return out;
}

void Trainer::restore(const std::vector<NamedTensor>& state, Progress progress) {
  parts_.model->load_state(with_prefix(state, "model."));
  if (parts_.average) parts_.average->load_state(with_prefix(state, "average."));
  lookahead_->load_state(with_prefix(state, "lookahead."));
  parts_.optimizer->load_state(with_prefix(state, "optimizer."));
  progress_ = std::move(progress);
  // An epoch whose batches are all done and whose evaluation was interrupted reports this rate.
  if (progress_.step > 0) parts_.optimizer->set_lr(options_.schedule.rate(progress_.step - 1));
}

}  // namespace taxon
