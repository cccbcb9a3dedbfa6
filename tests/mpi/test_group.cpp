// Run by mpirun: processes that train together get what one process gets on the joint batch.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include "catch.h"

#include <taxon/core/ops.h>
#include <taxon/layers/losses.h>
#include <taxon/layers/norm.h>
#include <taxon/models/model.h>
#include <taxon/train/mpi.h>
#include <taxon/train/trainer.h>

#include <cmath>
#include <cstdio>

#include "gradient_sum.h"
#include "train/train_test.h"

using namespace taxon;

namespace {

Group* group = nullptr;

std::shared_ptr<Model> model_of(const std::string& name, bool synchronized) {
  ModelSpec spec;
  spec.name = name;
  spec.height = spec.width = 16;
  spec.channels = 3;
  auto model = build_model(resolve(spec), 7);
  if (synchronized) {
    model->visit([](const std::string&, Module& m) {
      if (auto* norm = dynamic_cast<BatchNorm2d*>(&m)) norm->synchronize(group);
    });
  }
  return model;
}

Tensor images(std::int64_t n) {
  return Tensor::normal({n, 16, 16, 3}, 0, 1, 5);
}
Tensor labels(std::int64_t n) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back(i * 3 % 10);
  return Tensor::from(out, {n});
}

// Parameters' gradients of the mean loss over the joint batch, one after the other.
std::vector<float> gradients(Model& model) {
  std::vector<float> out;
  for (const Tensor& p : model.parameters()) {
    if (!p.grad().defined()) continue;  // airnet's whitening is not learnt
    const auto g = p.grad().to_vector<float>();
    out.insert(out.end(), g.begin(), g.end());
  }
  return out;
}

std::vector<float> alone(const std::string& name, std::int64_t n) {
  const auto model = model_of(name, false);
  CrossEntropy()(model->forward(images(n)), labels(n)).backward();
  return gradients(*model);
}

// The same by all processes, in the first backward and in one whose buckets are sent on the way.
std::vector<float> together(Model& model, GradientSum& sum, std::int64_t n) {
  for (Tensor& p : model.parameters()) p.set_grad({});
  const std::int64_t begin = n * group->rank() / group->size();
  const std::int64_t end = n * (group->rank() + 1) / group->size();
  const Tensor x = slice(images(n), 0, begin, end), y = slice(labels(n), 0, begin, end);
  const double share = static_cast<double>(end - begin) / static_cast<double>(n);
  const Tensor loss = CrossEntropy()(model.forward(x), y) * share;
  sum.begin(model.parameters());
  loss.backward();
  sum.finish();
  return gradients(model);
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double apart = 0, size = 0;
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    apart += d * d;
    size += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return std::sqrt(apart / size);
}

void compare(const std::string& name, bool synchronized, double tolerance) {
  for (const std::int64_t n : {16, 19}) {  // equal parts and unequal ones
    INFO(name << ", " << n << " samples on " << group->size() << " processes");
    const std::vector<float> expected = alone(name, n);
    const auto model = model_of(name, synchronized), again = model_of(name, synchronized);
    GradientSum sum(*group), other(*group);
    const auto first = together(*model, sum, n), second = together(*model, sum, n);
    CHECK(distance(first, expected) < tolerance);
    CHECK(second == first);  // the same bits: transfers on the way change nothing
    CHECK(together(*again, other, n) == first);
  }
}

}  // namespace

TEST_CASE("sums, in the foreground and in the background") {
  const double rank = group->rank(), size = group->size();
  const double sum = size * (size - 1) / 2;
  Tensor a = Tensor::full({3}, rank, DType::f64), b = Tensor::full({5}, rank);
  Tensor c = Tensor::full({2}, rank + 1, DType::i64), big = Tensor::full({1 << 20}, rank);
  group->sum(a);
  group->start_sum(b);
  group->start_sum(big);
  group->progress();
  group->sum(c);
  group->wait();
  CHECK(a.to_vector<double>() == std::vector<double>(3, sum));
  CHECK(b.to_vector<float>() == std::vector<float>(5, static_cast<float>(sum)));
  CHECK(big.to_vector<float>() == std::vector<float>(1 << 20, static_cast<float>(sum)));
  CHECK(c.to_vector<std::int64_t>()[1] == static_cast<std::int64_t>(sum + size));
  CHECK(group->broadcast(group->first() ? "from the first" : "other") == "from the first");
  CHECK(group->broadcast("").empty());
  CHECK(group->local_rank() == group->rank());  // all are on one machine
  CHECK(group->place() == cpu);
  Tensor wrong = Tensor::zeros({1}, DType::u8);
  CHECK_THROWS_AS(group->sum(wrong), DTypeError);
}

TEST_CASE("gradients without batch norm are those of one process") {
  compare("mlp", false, 1e-6);
}

TEST_CASE("gradients with synchronised batch norm are those of one process") {
  compare("resnet8", true, 1e-4);
  compare("airnet-small", true, 1e-4);
}

TEST_CASE("statistics of a synchronised batch norm are those of the joint batch") {
  const Tensor x = Tensor::normal({group->size() * 6, 4}, 3, 2, 9);
  const BatchNormResult expected = batch_norm_train(x, {}, {});
  const std::int64_t begin = group->rank() * 6;
  const BatchNormResult got = batch_norm_shared(slice(x, 0, begin, begin + 6), {}, {}, *group);
  CHECK(got.count == expected.count);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(got.mean.view<float>()[i] == Approx(expected.mean.view<float>()[i]).epsilon(1e-5));
    CHECK(got.var.view<float>()[i] == Approx(expected.var.view<float>()[i]).epsilon(1e-5));
  }
}

TEST_CASE("training together follows one process's losses") {
  const auto run = [](Group* with) {
    TrainerParts parts;
    ModelSpec spec;
    spec.name = "resnet8";
    spec.height = spec.width = 8;
    spec.classes = 2;
    auto model = build_model(resolve(spec), 3);
    const auto loader = [&](DatasetPtr data, bool training) {
      LoaderOptions o;
      o.batch = 20;
      o.shuffle = training;
      o.preprocess.height = o.preprocess.width = 8;
      if (training) o.augment.pad = 1;
      if (with != nullptr) {
        o.part = with->rank();
        o.parts = with->size();
      }
      return std::make_unique<Loader>(std::move(data), o);
    };
    if (with != nullptr) {
      model->visit([&](const std::string&, Module& m) {
        if (auto* norm = dynamic_cast<BatchNorm2d*>(&m)) norm->synchronize(with);
      });
    }
    parts.model = model;
    SgdOptions o;
    o.momentum = 0.9;
    parts.optimizer = std::make_unique<Sgd>(param_groups(*model, 1e-3), 0.02, o);
    parts.loss = make_loss("ce", false);
    parts.watch_loss = make_loss("ce", false);
    parts.train = loader(halves(60, 1), true);
    parts.watch = loader(halves(21, 2), false);  // a last batch of one sample
    TrainerOptions t;
    t.epochs = 5;
    t.group = with;
    t.schedule.lr = 0.02;
    t.schedule.total_steps = 15;
    Trainer trainer(std::move(parts), t);
    trainer.fit();
    return trainer.progress().results;
  };
  const auto expected = run(nullptr), got = run(group), again = run(group);
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].train_loss == Approx(expected[i].train_loss).epsilon(1e-2));
    CHECK(got[i].loss == Approx(expected[i].loss).epsilon(2e-2));
    CHECK(got[i].train_loss == again[i].train_loss);
    CHECK(got[i].loss == again[i].loss);
  }
  CHECK(got.back().train_loss < 0.5 * got.front().train_loss);
}

int main(int argc, char** argv) {
  std::string warning;
  const auto joined = join_mpi(warning);
  if (joined == nullptr) {
    std::printf("start it with mpirun\n");
    return 1;
  }
  group = joined.get();
  // What fails in one process alone would keep the others waiting.
  const int failed = Catch::Session().run(argc, argv);
  Tensor all = Tensor::full({1}, failed == 0 ? 0 : 1, DType::f64);
  if (failed != 0) end_mpi(1);
  group->sum(all);
  return all.item() == 0 ? 0 : 1;
}
