// Losses against their formulas in double, their gradients against central differences, and logits
// of 1e4.
#include <taxon/layers/losses.h>

#include <cmath>
#include <functional>

#include "catch.h"

using namespace taxon;

namespace {

using Row = std::vector<double>;

const Row logits = {1.5, -0.3, 0.2, -2.0, 0.7, 3.1, 0.4, -1.2, -0.1, 2.2, -3.0, 0.05};
constexpr std::size_t n = 3, c = 4;
const std::vector<std::int64_t> classes = {2, 0, 1};
const Row labels = {0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1, 1};

Tensor x64() {
  return Tensor::from(logits, Shape{3, 4});
}
Tensor class_target() {
  return Tensor::from(classes, Shape{3});
}
Tensor label_target() {
  return Tensor::from(labels, Shape{3, 4});
}

double sigmoid(double v) {
  return 1 / (1 + std::exp(-v));
}

Row softmax_row(std::size_t i) {
  Row p(c);
  double total = 0;
  for (std::size_t k = 0; k < c; ++k) {
    total += p[k] = std::exp(logits[i * c + k]);
  }
  for (double& v : p) {
    v /= total;
  }
  return p;
}

// The mean of f(sample's probabilities, target class).
double over_classes(const std::function<double(const Row&, std::size_t)>& f) {
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    total += f(softmax_row(i), static_cast<std::size_t>(classes[i]));
  }
  return total / n;
}

// The mean of f(probability, label).
double over_labels(const std::function<double(double, double)>& f) {
  double total = 0;
  for (std::size_t i = 0; i < n * c; ++i) {
    total += f(sigmoid(logits[i]), labels[i]);
  }
  return total / (n * c);
}

// Gradient with respect to the logits by backward() and by central differences.
void check_gradient(const Loss& loss, const Tensor& target) {
  INFO(loss.str());
  Tensor x = x64();
  x.set_requires_grad();
  loss(x, target).backward();
  const auto found = x.grad().to_vector<double>();
  constexpr double h = 1e-6;
  for (std::size_t i = 0; i < n * c; ++i) {
    Row up = logits, down = logits;
    up[i] += h;
    down[i] -= h;
    const double expected = (loss(Tensor::from(up, Shape{3, 4}), target).item() -
                             loss(Tensor::from(down, Shape{3, 4}), target).item()) /
                            (2 * h);
    CHECK(found[i] == Approx(expected).margin(1e-8).epsilon(1e-5));
  }
}

// Loss and gradient stay finite for logits of +-1e4 and 0 in f32.
void check_extremes(const Loss& loss, const Tensor& target) {
  INFO(loss.str());
  Tensor x = Tensor::from(
      std::vector<float>{1e4f, -1e4f, 0, 1e4f, -1e4f, -1e4f, 1e4f, 0, 0, 0, 0, 0}, Shape{3, 4});
  x.set_requires_grad();
  const Tensor y = loss(x, target);
  CHECK(std::isfinite(y.item()));
  y.backward();
  for (const float g : x.grad().to_vector<float>()) {
    CHECK(std::isfinite(g));
  }
}

}  // namespace

TEST_CASE("cross-entropy", "[losses]") {
  CrossEntropy loss;
  CHECK(loss(x64(), class_target()).item() ==
        Approx(over_classes([](const Row& p, std::size_t t) { return -std::log(p[t]); })));
  CrossEntropyOptions o;
  o.label_smoothing = 0.1;
  CrossEntropy smooth(o);
  CHECK(smooth(x64(), class_target()).item() ==
        Approx(over_classes([](const Row& p, std::size_t t) {
          double value = -0.9 * std::log(p[t]);
          for (const double v : p) {
            value -= 0.1 / c * std::log(v);
          }
          return value;
        })));
  check_gradient(smooth, class_target());
  check_extremes(loss, class_target());
}

TEST_CASE("losses count the predictions that are right", "[losses]") {
  const Tensor logits = Tensor::normal(Shape{50, 7}, 0, 1, 3);
  std::vector<std::int64_t> index;
  for (std::int64_t i = 0; i < 50; ++i) index.push_back(i % 7);
  const Tensor target = Tensor::from(index, Shape{50});
  const Tensor soft = one_hot(target, 7);
  for (const Tensor& t : {target, soft}) {
    const double expected = correct_predictions(logits, t);
    CHECK(expected > 0);
    CHECK(CrossEntropy().counted(logits, t).correct() == expected);
    CHECK(CrossEntropy().counted(logits, t).loss.item() == CrossEntropy()(logits, t).item());
    CHECK(BCEWithLogits().counted(logits, t).correct() == expected);
  }
  const Tensor two = Tensor::from(std::vector<float>{1, 2, -1, 3, 3, 3}, Shape{2, 3});
  const Tensor first = Tensor::from(std::vector<std::int64_t>{1, 1}, Shape{2});
  CHECK(correct_predictions(two, first) == 1);
  const Tensor labels = Tensor::from(std::vector<float>{1, 0, 0, 1, 1, 1}, Shape{2, 3});
  CHECK(correct_predictions(two, labels) == Approx(1 + 2.0 / 3));
}

TEST_CASE("losses that take mixed targets are linear in them", "[losses]") {
  const Tensor logits = Tensor::normal(Shape{6, 5}, 0, 2, 3);
  const Tensor index = Tensor::from(std::vector<std::int64_t>{0, 1, 2, 3, 4, 0}, Shape{6});
  const Tensor other = Tensor::from(std::vector<std::int64_t>{1, 1, 0, 4, 2, 3}, Shape{6});
  const Tensor first = one_hot(index, 5), second = one_hot(other, 5);
  const Tensor mixed = add(mul(first, 0.3), mul(second, 0.7));
  for (const bool multi : {false, true}) {
    for (const std::string& name : loss_names()) {
      if (multi && name == "ce") continue;
      LossOptions o;
      if (name == "ce" || name == "bce") o.label_smoothing = 0.1;
      const auto loss = make_loss(name, multi, o);
      const auto of = [&](const Tensor& target) { return (*loss)(logits, target).item(); };
      INFO(loss->str());
      const double difference = of(mixed) - (0.3 * of(first) + 0.7 * of(second));
      CHECK((std::abs(difference) < 1e-5) == loss->takes_mixed_targets());
      if (!multi) CHECK(of(first) == Approx(of(index)));
    }
  }
}

TEST_CASE("a logit that is no number is never the predicted class", "[losses]") {
  const float nan = std::nanf("");
  const Tensor logits = Tensor::from(
      std::vector<float>{nan, 2, 1, 0, nan, 1, nan, nan, nan, nan, nan, nan}, Shape{4, 3});
  const Tensor target = Tensor::from(std::vector<std::int64_t>{1, 2, 0, 2}, Shape{4});
  CHECK(correct_predictions(logits, target) == 2);
  CHECK(CrossEntropy().counted(logits, target).correct() == 2);
}

TEST_CASE("binary cross-entropy", "[losses]") {
  BCEWithLogits loss;
  const auto bce = [](double p, double t) { return -t * std::log(p) - (1 - t) * std::log(1 - p); };
  CHECK(loss(x64(), label_target()).item() == Approx(over_labels(bce)));
  BCEWithLogits smooth({}, 0.2);
  CHECK(smooth(x64(), label_target()).item() ==
        Approx(over_labels([&](double p, double t) { return bce(p, 0.8 * t + 0.1); })));
  // Class indices are one-hot targets.
  Tensor hot = one_hot(class_target(), 4, DType::f64);
  CHECK(loss(x64(), class_target()).item() == Approx(loss(x64(), hot).item()));
  check_gradient(loss, label_target());
  check_extremes(loss, label_target());
}

TEST_CASE("focal loss", "[losses]") {
  SECTION("softmax") {
    for (const double gamma : {0.0, 0.5, 1.0, 2.0}) {
      FocalOptions o;
      o.gamma = gamma;
      FocalSoftmax loss(o);
      CHECK(loss(x64(), class_target()).item() ==
            Approx(over_classes([&](const Row& p, std::size_t t) {
              return -std::pow(1 - p[t], gamma) * std::log(p[t]);
            })));
      check_gradient(loss, class_target());
      check_extremes(loss, class_target());
    }
    FocalSoftmax weighted({}, Tensor::from(Row{1, 2, 3, 4}, Shape{4}));
    CHECK(weighted(x64(), class_target()).item() ==
          Approx(over_classes([&](const Row& p, std::size_t t) {
            return -(static_cast<double>(t) + 1) * std::pow(1 - p[t], 2) * std::log(p[t]);
          })));
  }
  SECTION("sigmoid") {
    for (const double gamma : {0.0, 0.5, 2.0}) {
      FocalOptions o;
      o.gamma = gamma;
      FocalSigmoid loss(o);
      CHECK(loss(x64(), label_target()).item() == Approx(over_labels([&](double p, double t) {
              const double pt = t > 0 ? p : 1 - p, alpha = t > 0 ? 0.25 : 0.75;
              return -alpha * std::pow(1 - pt, gamma) * std::log(pt);
            })));
      check_gradient(loss, label_target());
      check_extremes(loss, label_target());
    }
  }
}

TEST_CASE("asymmetric loss", "[losses]") {
  for (const double clip : {0.0, 0.05}) {
    AsymmetricOptions o;
    o.clip = clip;
    AsymmetricLoss loss(o);
    const double mean = over_labels([&](double p, double t) {
      const double pm = std::max(p - clip, 0.0);
      return t > 0 ? -(1 - p) * std::log(p) : -std::pow(pm, 4) * std::log(1 - pm);
    });
    CHECK(loss(x64(), label_target()).item() == Approx(mean));
    check_gradient(loss, label_target());
    check_extremes(loss, label_target());
    o.reduction = Reduction::sum;
    CHECK(AsymmetricLoss(o)(x64(), label_target()).item() == Approx(12 * mean));
  }
  SECTION("gammas 0 and no margin: binary cross-entropy") {
    AsymmetricOptions o;
    o.gamma_neg = o.gamma_pos = o.clip = 0;
    CHECK(AsymmetricLoss(o)(x64(), label_target()).item() ==
          Approx(BCEWithLogits()(x64(), label_target()).item()));
  }
  SECTION("single-label") {
    AsymmetricLossSingle loss;
    CHECK(loss(x64(), class_target()).item() ==
          Approx(over_classes([&](const Row& p, std::size_t t) {
            double value = 0;
            for (std::size_t k = 0; k < c; ++k) {
              const double soft = (k == t ? 0.9 : 0.0) + 0.1 / c;
              value -= soft * std::log(p[k]) * (k == t ? 1 : std::pow(p[k], 4));
            }
            return value;
          })));
    check_gradient(loss, class_target());
    check_extremes(loss, class_target());
  }
}

TEST_CASE("losses by name", "[losses]") {
  CHECK(make_loss("ce", false)->str() == "CrossEntropy(label_smoothing=0)");
  CHECK(make_loss("focal", false)->str() == "FocalSoftmax(gamma=2)");
  CHECK(make_loss("focal", true)->str() == "FocalSigmoid(gamma=2, alpha=0.25)");
  CHECK(make_loss("asl", true)->str() == "AsymmetricLoss(gamma_neg=4, gamma_pos=1, clip=0.05)");
  CHECK(make_loss("bce", true)->str() == "BCEWithLogits(label_smoothing=0)");
  for (const std::string& name : loss_names()) {
    CHECK(make_loss(name, false));
  }
  REQUIRE_THROWS_AS(make_loss("ce", true), OptionError);
  LossOptions smoothing;
  smoothing.label_smoothing = 0.1;
  REQUIRE_THROWS_AS(make_loss("asl", true, smoothing), OptionError);
  try {
    make_loss("focall", false);
    FAIL("accepted");
  } catch (const OptionError& e) {
    CHECK(std::string(e.what()).find("did you mean 'focal'") != std::string::npos);
  }
}

TEST_CASE("targets that do not fit are refused", "[losses]") {
  const Tensor x = Tensor::zeros(Shape{3, 4});
  const Tensor two = Tensor::zeros(Shape{2}, DType::i64);
  const Tensor wide = Tensor::zeros(Shape{3, 5});
  for (const std::string& name : loss_names()) {
    const auto loss = make_loss(name, false);
    INFO(name);
    CHECK_THROWS_AS((*loss)(x, two), Error);
    CHECK_THROWS_AS((*loss)(x, wide), Error);
  }
}
