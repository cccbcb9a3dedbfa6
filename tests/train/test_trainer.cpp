// The training loop: it learns, stops, and goes on bit by bit.
#include "catch.h"

#include <taxon/layers/layers.h>
#include <taxon/train/trainer.h>

#include "train_test.h"

#include <cmath>
#include <cstring>

using namespace taxon;

namespace {

std::shared_ptr<Sequential> flat_net() {
  Init init;
  init.seed = 3;
  auto net = std::make_shared<Sequential>();
  net->add<Flatten>().add<Linear>(8 * 8 * 3, 8, init).add<BatchNorm2d>(8).add<ReLU>();
  net->add<Dropout>(0.2, init).add<Linear>(8, 2, init);
  return net;
}

std::shared_ptr<Sequential> plain_net() {
  Init init;
  init.seed = 3;
  auto net = std::make_shared<Sequential>();
  net->add<Flatten>().add<Linear>(8 * 8 * 3, 8, init).add<ReLU>().add<Linear>(8, 2, init);
  return net;
}

std::unique_ptr<Loader> loader(DatasetPtr data, bool training, double mixup = 0,
                               std::int64_t batch = 8) {
  LoaderOptions o;
  o.batch = batch;
  o.shuffle = training;
  o.seed = 5;
  o.preprocess.height = o.preprocess.width = 8;
  if (training) o.augment.pad = 1;
  if (training) o.mixup = mixup;
  return std::make_unique<Loader>(std::move(data), o);
}

struct Setting {
  double ema = 0, lr = 0.1;
  std::int64_t epochs = 4, patience = 0;
  double target = 0;
  bool adam = false;
  std::int64_t lookahead = 0;
  Task task = Task::single;
  double mixup = 0;
  std::int64_t swa = 0, accumulate = 1, batch = 8;
  double clip = 0;
  bool plain = false;  // no batch norm, no dropout
  ScheduleKind schedule = ScheduleKind::onecycle;
};

Trainer make(const Setting& s) {
  TrainerParts parts;
  parts.model = s.plain ? plain_net() : flat_net();
  if (s.ema > 0 || s.swa > 0) parts.average = flat_net();
  auto groups = param_groups(*parts.model, 1e-3);
  if (s.adam) {
    parts.optimizer = std::make_unique<AdamW>(std::move(groups));
  } else {
    SgdOptions o;
    o.momentum = 0.9;
    o.nesterov = true;
    parts.optimizer = std::make_unique<Sgd>(std::move(groups), s.lr, o);
  }
  const bool multi = s.task == Task::multi;
  parts.loss = make_loss(multi ? "bce" : "ce", multi);
  parts.watch_loss = make_loss(multi ? "bce" : "ce", multi);
  parts.train = loader(halves(44, 1, s.task), true, s.mixup, s.batch);
  parts.watch = loader(halves(20, 2, s.task), false);
  TrainerOptions t;
  t.epochs = s.epochs;
  t.ema = s.ema;
  t.lookahead = s.lookahead;
  t.swa = s.swa;
  t.accumulate = s.accumulate;
  t.clip_norm = s.clip;
  t.patience = s.patience;
  t.best = parse_best("auto", s.task);
  t.target = s.target;
  t.schedule.kind = s.schedule;
  t.schedule.lr = s.lr;
  t.schedule.total_steps = s.epochs * ((parts.train->batches() + s.accumulate - 1) / s.accumulate);
  return Trainer(std::move(parts), t);
}

bool same_bits(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Tensor &x = a[i].tensor, &y = b[i].tensor;
    if (a[i].name != b[i].name || x.shape() != y.shape() || x.dtype() != y.dtype()) return false;
    const auto bytes = static_cast<std::size_t>(x.numel()) * size_of(x.dtype());
    if (std::memcmp(x.raw(), y.raw(), bytes) != 0) return false;
  }
  return true;
}

std::vector<NamedTensor> copy_of(const std::vector<NamedTensor>& state) {
  std::vector<NamedTensor> out;
  for (const NamedTensor& t : state) out.push_back({t.name, t.tensor.clone()});
  return out;
}

}  // namespace

TEST_CASE("training learns, one label or several") {
  for (const Task task : {Task::single, Task::multi}) {
    Setting s;
    s.task = task;
    Trainer trainer = make(s);
    CHECK(trainer.fit() == Trainer::Outcome::finished);
    const EpochResult& last = trainer.progress().results.back();
    CHECK(trainer.progress().results.size() == 4);
    CHECK(trainer.progress().step == 4 * 6);
    CHECK(last.score(parse_best("auto", task)) > 0.95);
    CHECK(last.train_loss < trainer.progress().results.front().train_loss);
  }
}

TEST_CASE("mixed samples are learnt, and right is the class with the larger share") {
  for (const Task task : {Task::single, Task::multi}) {
    Setting s;
    s.task = task;
    s.mixup = 0.4;
    s.epochs = 8;
    Trainer trainer = make(s);
    double accuracy = 0, highest = 0;
    Trainer::Callbacks c;
    c.on_step = [&](const StepReport& r) {
      accuracy = r.accuracy;
      highest = std::max(highest, r.accuracy);
    };
    trainer.fit(c);
    CHECK(trainer.progress().results.back().score(parse_best("auto", task)) > 0.95);
    CHECK(accuracy > 0.8);
    CHECK(highest <= 1);
  }
}

TEST_CASE("an interrupted run goes on bit by bit, wherever it stopped") {
  for (const bool adam : {false, true}) {
    Setting s;
    s.adam = adam;
    s.ema = adam ? 0.9 : 0;
    s.lookahead = adam ? 0 : 2;
    s.epochs = 3;
    Trainer whole = make(s);
    whole.fit();
    for (const std::int64_t stop : {1, 3, 6, 7, 11}) {
      std::atomic<bool> interrupt{false};
      std::int64_t steps = 0;
      std::vector<NamedTensor> saved;
      Progress at;
      Trainer first = make(s);
      Trainer::Callbacks callbacks;
      callbacks.on_step = [&](const StepReport&) { interrupt = ++steps == stop; };
      callbacks.on_checkpoint = [&] {
        saved = copy_of(first.state());
        at = first.progress();
      };
      REQUIRE(first.fit(callbacks, &interrupt) == Trainer::Outcome::interrupted);
      CHECK(at.step == stop);

      Trainer second = make(s);
      second.restore(saved, at);
      REQUIRE(second.fit() == Trainer::Outcome::finished);
      CHECK(same_bits(whole.state(), second.state()));
      for (std::size_t i = 0; i < 3; ++i) {
        CHECK(whole.progress().results[i].train_loss == second.progress().results[i].train_loss);
        CHECK(whole.progress().results[i].loss == second.progress().results[i].loss);
        CHECK(whole.progress().results[i].lr == second.progress().results[i].lr);
      }
    }
  }
}

TEST_CASE("target and patience stop a run") {
  Setting s;
  s.epochs = 30;
  s.target = 0.9;
  Trainer reached = make(s);
  reached.fit();
  CHECK(reached.progress().stopped);
  CHECK(reached.progress().epoch < 30);
  CHECK(reached.progress().results.back().top1 >= 0.9);

  Setting p;
  p.epochs = 30;
  p.patience = 2;
  Trainer patient = make(p);
  patient.fit();
  CHECK(patient.progress().stopped);
  CHECK(patient.progress().epoch == patient.progress().best_epoch + 2);
}

TEST_CASE("averaged weights follow the trained ones") {
  Setting s;
  s.ema = 0.5;
  Trainer trainer = make(s);
  trainer.fit();
  CHECK(trainer.progress().results.back().top1 > 0.9);
  CHECK_FALSE(same_bits(trainer.result().state(), make(s).result().state()));
}

TEST_CASE("lookahead pulls weights to their slow average, more and more") {
  Setting plain, slow;
  slow.lookahead = 2;
  slow.epochs = plain.epochs = 1;  // 6 steps: the slow weights are those after step 2
  std::vector<std::vector<NamedTensor>> weights;  // of the plain run, by step
  Trainer first = make(plain);
  Trainer::Callbacks watch;
  watch.on_step = [&](const StepReport&) { weights.push_back(copy_of(first.state())); };
  first.fit(watch);
  Trainer second = make(slow);
  std::vector<std::vector<NamedTensor>> pulled;
  watch.on_step = [&](const StepReport&) { pulled.push_back(copy_of(second.state())); };
  second.fit(watch);
  REQUIRE(pulled.size() == 6);
  const auto value = [](const std::vector<NamedTensor>& state, const std::string& name) {
    for (const NamedTensor& t : state) {
      if (t.name == name) return static_cast<double>(t.tensor.view<float>()[0]);
    }
    FAIL("no " << name);
    return 0.0;
  };
  const std::string w = "model.1.weight";
  for (std::size_t i = 0; i < 3; ++i) CHECK(value(pulled[i], w) == value(weights[i], w));
  // At step 4 slow moves by 1 - 0.95^2 (4 / 6)^3 to the weights, which are the plain run's.
  const double keep = 0.95 * 0.95 * std::pow(4.0 / 6, 3);
  const double expected = value(weights[1], w) * keep + value(weights[3], w) * (1 - keep);
  CHECK(value(pulled[3], w) == Approx(expected).epsilon(1e-6));
  CHECK(value(pulled[3], "lookahead.1.weight") == value(pulled[3], w));
  // The epoch ends on the slow weights.
  const auto end = second.state();
  CHECK(value(end, w) == value(end, "lookahead.1.weight"));
}

TEST_CASE("accumulated batches are one batch of their size") {
  Setting many, one;
  many.plain = one.plain = true;
  many.batch = 4;
  many.accumulate = 3;  // of 44 samples: 11 batches, four updates of 12, 12, 12 and 8
  one.batch = 12;
  Trainer a = make(many), b = make(one);
  a.fit();
  b.fit();
  CHECK(a.progress().step == b.progress().step);
  CHECK(a.progress().step == 4 * 4);
  const auto x = a.state(), y = b.state();
  REQUIRE(x.size() == y.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i].tensor.dtype() != DType::f32) continue;
    const auto p = x[i].tensor.to_vector<float>(), q = y[i].tensor.to_vector<float>();
    for (std::size_t k = 0; k < p.size(); ++k) CHECK(p[k] == Approx(q[k]).margin(2e-5));
  }
  Setting fewer = many;
  fewer.accumulate = 1;
  Trainer c = make(fewer);
  c.fit();
  CHECK_FALSE(same_bits(a.result().state(), c.result().state()));
}

TEST_CASE("averages, accumulation and clipping go on bit by bit") {
  Setting s;
  s.swa = 2;
  s.accumulate = 2;
  s.clip = 0.5;
  s.epochs = 4;
  Trainer whole = make(s);
  whole.fit();
  for (const std::int64_t stop : {1, 5, 6, 12, 13, 18, 24}) {
    std::atomic<bool> interrupt{false};
    std::int64_t batches = 0;
    Trainer first = make(s);
    Trainer::Callbacks callbacks;
    callbacks.on_step = [&](const StepReport&) { interrupt = interrupt || ++batches == stop; };
    REQUIRE(first.fit(callbacks, &interrupt) == Trainer::Outcome::interrupted);
    CHECK(first.progress().batch % 2 == 0);
    const auto saved = copy_of(first.state());
    Trainer second = make(s);
    second.restore(saved, first.progress());
    REQUIRE(second.fit() == Trainer::Outcome::finished);
    CHECK(same_bits(whole.state(), second.state()));
    CHECK(whole.progress().results.back().loss == second.progress().results.back().loss);
  }
}

TEST_CASE("swa is the mean of the epochs' weights, with statistics of its own") {
  Setting s;
  s.swa = 2;
  s.schedule = ScheduleKind::constant;
  Trainer trainer = make(s);
  std::vector<std::vector<NamedTensor>> epochs;
  Trainer::Callbacks callbacks;
  callbacks.on_epoch = [&](const EpochResult& r, bool) {
    epochs.push_back(copy_of(trainer.state()));
    CHECK(trainer.progress().averaged == std::max<std::int64_t>(0, r.epoch - 1));
  };
  trainer.fit(callbacks);
  auto& net = static_cast<Sequential&>(trainer.result());
  for (const NamedTensor& p : net.named_parameters()) {
    std::vector<double> mean(static_cast<std::size_t>(p.tensor.numel()));
    for (std::size_t e = 1; e < 4; ++e) {
      for (const NamedTensor& t : epochs[e]) {
        if (t.name != "model." + p.name) continue;
        for (std::size_t k = 0; k < mean.size(); ++k) {
          mean[k] += static_cast<double>(t.tensor.view<float>()[k]) / 3;
        }
      }
    }
    for (std::size_t k = 0; k < mean.size(); ++k) {
      CHECK(p.tensor.view<float>()[k] == Approx(mean[k]).margin(1e-6));
    }
  }
  // torch's update_bn: the plain mean over the batches of their means and unbiased variances.
  const auto& norm = static_cast<const BatchNorm2d&>(net[2]);
  NoGrad no_grad;
  const auto batches = loader(halves(44, 1), true);
  batches->start(3);
  std::vector<double> mean(8), var(8);
  for (Batch b; batches->next(b);) {
    const Tensor y = net[1].forward(net[0].forward(b.x));
    const auto n = static_cast<double>(b.size());
    for (std::size_t c = 0; c < 8; ++c) {
      double sum = 0, squares = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(b.size()); ++i) {
        const auto v = static_cast<double>(y.view<float>()[8 * i + c]);
        sum += v;
        squares += v * v;
      }
      mean[c] += sum / n / 6;
      var[c] += (squares - sum * sum / n) / (n - 1) / 6;
    }
  }
  CHECK(norm.num_batches_tracked.item() == 6);
  for (std::size_t c = 0; c < 8; ++c) {
    CHECK(norm.running_mean.view<float>()[c] == Approx(mean[c]).epsilon(1e-4));
    CHECK(norm.running_var.view<float>()[c] == Approx(var[c]).epsilon(1e-4));
  }
}

TEST_CASE("a loss that diverges without end is told from noise and spikes") {
  LossWatch watch;
  watch.nothing = 0.7;
  for (int i = 0; i < 49; ++i) CHECK_FALSE(watch.diverged(3));
  CHECK(watch.diverged(3));

  // Log-normal noise of a factor e around a falling loss, and spikes of a hundred batches in a row
  // but for one.
  LossWatch noisy;
  noisy.nothing = 0.7;
  Rng rng(1, 2);
  for (int i = 0; i < 20000; ++i) {
    const double loss = 0.7 * std::exp(rng.normal()) / (1 + 0.001 * i);
    CHECK_FALSE(noisy.diverged(i % 1000 < 100 && i % 40 != 0 ? 1e4 * loss : loss));
  }
}

TEST_CASE("noise at a high rate is not divergence; a loss that stays high is, and names the step") {
  Setting s;
  s.epochs = 30;
  s.lr = 0.5;
  s.mixup = 1;
  s.schedule = ScheduleKind::constant;
  Trainer noisy = make(s);
  CHECK(noisy.fit() == Trainer::Outcome::finished);

  // Blended images have a loss above 0.004 in every batch: far too much, had it been 0.001 at
  // first.
  Trainer wild = make(s);
  Progress from;
  from.watch.nothing = 0.001;
  wild.restore(copy_of(wild.state()), from);
  std::string what;
  try {
    wild.fit();
  } catch (const TrainingError& e) {
    what = e.what();
  }
  CHECK(what.find("stopped at step 50 (epoch 9, batch 2): the loss diverges: ") !=
        std::string::npos);
  CHECK(what.find("for 50 batches above 4 times the 0.001 of knowing nothing") !=
        std::string::npos);
}

TEST_CASE("a loss that is not finite stops the run and names the step") {
  Setting s;
  s.lr = 1e30;
  Trainer trainer = make(s);
  std::string what;
  try {
    trainer.fit();
  } catch (const TrainingError& e) {
    what = e.what();
  }
  CHECK(what.find("stopped at step") != std::string::npos);
  CHECK(what.find("epoch 1, batch") != std::string::npos);
}

TEST_CASE("a repeated training step asks the system for no memory") {
  Setting s;
  s.epochs = 6;
  Trainer trainer = make(s);
  std::uint64_t after_first = 0, calls = 0;
  Trainer::Callbacks callbacks;
  callbacks.on_epoch = [&](const EpochResult& r, bool) {
    calls = memory_stats().system_calls;
    if (r.epoch == 2) after_first = calls;
  };
  trainer.fit(callbacks);
  CHECK(calls == after_first);
}
