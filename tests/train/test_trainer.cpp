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

std::unique_ptr<Loader> loader(DatasetPtr data, bool training, double mixup = 0) {
  LoaderOptions o;
  o.batch = 8;
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
};

Trainer make(const Setting& s) {
  TrainerParts parts;
  parts.model = flat_net();
  if (s.ema > 0) parts.average = flat_net();
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
  parts.train = loader(halves(44, 1, s.task), true, s.mixup);
  parts.watch = loader(halves(20, 2, s.task), false);
  TrainerOptions t;
  t.epochs = s.epochs;
  t.ema = s.ema;
  t.lookahead = s.lookahead;
  t.patience = s.patience;
  t.best = parse_best("auto", s.task);
  t.target = s.target;
  t.schedule.kind = ScheduleKind::onecycle;
  t.schedule.lr = s.lr;
  t.schedule.total_steps = s.epochs * parts.train->batches();
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
