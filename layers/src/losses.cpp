// Losses, composed of ops.
#include <taxon/layers/losses.h>

#include <taxon/base/text.h>

#include <algorithm>
#include <cmath>

namespace taxon {
namespace {

void check_logits(const char* loss, const Tensor& logits) {
  if (logits.rank() != 2) {
    fail<ShapeError>(loss, ": logits ", logits.shape(), ", expected [n, classes]");
  }
}

// Targets as [n, classes] of the logits' dtype: class indices become one-hot.
Tensor dense_target(const char* loss, const Tensor& logits, const Tensor& target) {
  check_logits(loss, logits);
  if (target.dtype() == DType::i64) {
    if (!(target.shape() == Shape{logits.dim(0)})) {
      fail<ShapeError>(loss, ": target ", target, ", expected i64[", logits.dim(0), "] for logits ",
                       logits.shape());
    }
    return one_hot(target, logits.dim(1), logits.dtype());
  }
  if (!(target.shape() == logits.shape()) || !is_floating(target.dtype())) {
    fail<ShapeError>(loss, ": target ", target, ", expected class indices i64[", logits.dim(0),
                     "] or floating ", logits.shape());
  }
  return target.to(logits.dtype());
}

// t moved towards the uniform distribution (single-label) or towards 1/2 (each label for itself).
Tensor smoothed(const Tensor& t, double by, double towards) {
  return by > 0 ? add(mul(t, 1 - by), by * towards) : t;
}

// base^exponent for base in [0, 1]. Rounding can put the base a little outside; below an exponent
// of 1 the slope at 0 is infinite, so the base stays away from it.
Tensor power(const Tensor& base, double exponent) {
  const Tensor inside = clamp(base, exponent < 1 ? 1e-12 : 0, 1);
  return exponent == 1 ? inside : pow(inside, exponent);
}

// log sigmoid(x) and log (1 - sigmoid(x)) without cancellation.
Tensor log_sigmoid(const Tensor& x) {
  return neg(binary_cross_entropy_with_logits(x, Tensor::ones(x.shape(), x.dtype(), x.device()), {},
                                              Reduction::none));
}
Tensor log_one_minus_sigmoid(const Tensor& x) {
  return neg(binary_cross_entropy_with_logits(x, Tensor::zeros(x.shape(), x.dtype(), x.device()),
                                              {}, Reduction::none));
}

Tensor reduced(const Tensor& x, Reduction reduction) {
  switch (reduction) {
    case Reduction::mean:
      return mean(x);
    case Reduction::sum:
      return sum(x);
    case Reduction::none:
      break;
  }
  return x;
}

Tensor like(const Tensor& x, const Tensor& logits) {
  return x.defined() ? x.to(logits.device()).to(logits.dtype()) : x;
}

void check_gamma(const char* loss, double gamma) {
  if (!(gamma >= 0)) {
    fail<OptionError>(loss, ": gamma is ", gamma, ", expected at least 0");
  }
}

void check_smoothing(const char* loss, double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1)) {
    fail<OptionError>(loss, ": label smoothing is ", smoothing, ", expected 0 to 1");
  }
}

/// The class predicted, as cross_entropy_hits defines it: NaN is passed over; -1 if all are NaN.
std::int64_t first_largest(const float* logits, std::int64_t classes) {
  std::int64_t best = -1;
  for (std::int64_t c = 0; c < classes; ++c) {
    if (!std::isnan(logits[c]) && (best < 0 || logits[c] > logits[best])) best = c;
  }
  return best;
}

}  // namespace

double correct_predictions(const Tensor& predicted, const Tensor& wanted) {
  const Tensor logits = predicted.to(cpu), target = wanted.to(cpu);
  const auto x = logits.view<float>();
  const std::int64_t n = logits.dim(0), classes = logits.dim(1);
  double correct = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const float* row = x.data() + i * classes;
    if (target.dtype() == DType::i64) {
      correct +=
          first_largest(row, classes) == target.view<std::int64_t>()[static_cast<std::size_t>(i)]
              ? 1
              : 0;
      continue;
    }
    const float* truth = target.view<float>().data() + i * classes;
    int right = 0;
    for (std::int64_t c = 0; c < classes; ++c) right += (row[c] > 0) == (truth[c] > 0.5f) ? 1 : 0;
    correct += static_cast<double>(right) / static_cast<double>(classes);
  }
  return correct;
}

Loss::Counted Loss::counted(const Tensor& logits, const Tensor& target) const {
  return {(*this)(logits, target),
          [logits, target] { return correct_predictions(logits, target); }};
}

CrossEntropy::CrossEntropy(CrossEntropyOptions options, Tensor class_weight)
    : options_(options), class_weight_(std::move(class_weight)) {
  check_smoothing("CrossEntropy", options_.label_smoothing);
}

Tensor CrossEntropy::operator()(const Tensor& logits, const Tensor& target) const {
  return cross_entropy(logits, target, like(class_weight_, logits), options_);
}

Loss::Counted CrossEntropy::counted(const Tensor& logits, const Tensor& target) const {
  if (target.dtype() != DType::i64) return Loss::counted(logits, target);
  const CrossEntropyHits both =
      cross_entropy_hits(logits, target, like(class_weight_, logits), options_);
  return {both.loss, [hits = both.hits] {
            const auto each = hits.to_vector<std::uint8_t>();
            return static_cast<double>(std::count(each.begin(), each.end(), 1));
          }};
}

std::string CrossEntropy::str() const {
  return text("CrossEntropy(label_smoothing=", options_.label_smoothing,
              class_weight_.defined() ? ", class_weight)" : ")");
}

BCEWithLogits::BCEWithLogits(Tensor pos_weight, double label_smoothing, Reduction reduction)
    : pos_weight_(std::move(pos_weight)), label_smoothing_(label_smoothing), reduction_(reduction) {
  check_smoothing("BCEWithLogits", label_smoothing_);
}

Tensor BCEWithLogits::operator()(const Tensor& logits, const Tensor& target) const {
  const Tensor t = smoothed(dense_target("BCEWithLogits", logits, target), label_smoothing_, 0.5);
  return binary_cross_entropy_with_logits(logits, t, like(pos_weight_, logits), reduction_);
}

std::string BCEWithLogits::str() const {
  return text("BCEWithLogits(label_smoothing=", label_smoothing_,
              pos_weight_.defined() ? ", pos_weight)" : ")");
}

FocalSoftmax::FocalSoftmax(FocalOptions options, Tensor class_weight)
    : options_(options), class_weight_(std::move(class_weight)) {
  check_gamma("FocalSoftmax", options_.gamma);
}

Tensor FocalSoftmax::operator()(const Tensor& logits, const Tensor& target) const {
  const Tensor t = dense_target("FocalSoftmax", logits, target);
  const Tensor log_p = log_softmax(logits);
  Tensor term = t * log_p;
  if (options_.gamma > 0) {
    term = term * power(rsub(1, exp(log_p)), options_.gamma);
  }
  if (class_weight_.defined()) {
    term = term * like(class_weight_, logits);
  }
  return reduced(neg(sum(term, {1})), options_.reduction);
}

std::string FocalSoftmax::str() const {
  return text("FocalSoftmax(gamma=", options_.gamma,
              class_weight_.defined() ? ", class_weight)" : ")");
}

FocalSigmoid::FocalSigmoid(FocalOptions options) : options_(options) {
  check_gamma("FocalSigmoid", options_.gamma);
  if (!(options_.alpha <= 1)) {
    fail<OptionError>("FocalSigmoid: alpha is ", options_.alpha, ", expected at most 1");
  }
}

Tensor FocalSigmoid::operator()(const Tensor& logits, const Tensor& target) const {
  const Tensor t = dense_target("FocalSigmoid", logits, target);
  Tensor loss = binary_cross_entropy_with_logits(logits, t, {}, Reduction::none);
  if (options_.gamma > 0) {
    const Tensor p = sigmoid(logits);
    loss = loss * power(p + t - mul(p * t, 2), options_.gamma);  // 1 - p_t
  }
  if (options_.alpha >= 0) {
    loss = loss * add(mul(t, 2 * options_.alpha - 1), 1 - options_.alpha);
  }
  return reduced(loss, options_.reduction);
}

std::string FocalSigmoid::str() const {
  return text("FocalSigmoid(gamma=", options_.gamma, ", alpha=", options_.alpha, ")");
}

AsymmetricLoss::AsymmetricLoss(AsymmetricOptions options) : options_(options) {
  check_gamma("AsymmetricLoss", options_.gamma_neg);
  check_gamma("AsymmetricLoss", options_.gamma_pos);
  if (!(options_.clip >= 0 && options_.clip < 1)) {
    fail<OptionError>("AsymmetricLoss: clip is ", options_.clip, ", expected 0 <= clip < 1");
  }
}

Tensor AsymmetricLoss::operator()(const Tensor& logits, const Tensor& target) const {
  const Tensor t = dense_target("AsymmetricLoss", logits, target);
  const Tensor p = sigmoid(logits);
  Tensor positive = t * log_sigmoid(logits);
  if (options_.gamma_pos > 0) {
    positive = positive * power(sigmoid(neg(logits)), options_.gamma_pos);
  }
  const bool shifted = options_.clip > 0;
  const Tensor pm = shifted ? clamp(add(p, -options_.clip), 0, 1) : p;
  Tensor negative = rsub(1, t) * (shifted ? log(rsub(1, pm)) : log_one_minus_sigmoid(logits));
  if (options_.gamma_neg > 0) {
    negative = negative * power(pm, options_.gamma_neg);
  }
  return reduced(neg(positive + negative), options_.reduction);
}

std::string AsymmetricLoss::str() const {
  return text("AsymmetricLoss(gamma_neg=", options_.gamma_neg, ", gamma_pos=", options_.gamma_pos,
              ", clip=", options_.clip, ")");
}

AsymmetricLossSingle::AsymmetricLossSingle(AsymmetricSingleOptions options) : options_(options) {
  check_gamma("AsymmetricLossSingle", options_.gamma_neg);
  check_gamma("AsymmetricLossSingle", options_.gamma_pos);
  check_smoothing("AsymmetricLossSingle", options_.label_smoothing);
}

Tensor AsymmetricLossSingle::operator()(const Tensor& logits, const Tensor& target) const {
  const Tensor t = dense_target("AsymmetricLossSingle", logits, target);
  const Tensor log_p = log_softmax(logits);
  const Tensor p = exp(log_p);
  const auto weight = [](const Tensor& share, const Tensor& base, double gamma) {
    return gamma > 0 ? share * power(base, gamma) : share;
  };
  const Tensor w =
      weight(t, rsub(1, p), options_.gamma_pos) + weight(rsub(1, t), p, options_.gamma_neg);
  const double towards = 1.0 / static_cast<double>(logits.dim(1));
  const Tensor soft = smoothed(t, options_.label_smoothing, towards);
  return reduced(neg(sum(soft * log_p * w, {1})), options_.reduction);
}

std::string AsymmetricLossSingle::str() const {
  return text("AsymmetricLossSingle(gamma_neg=", options_.gamma_neg,
              ", gamma_pos=", options_.gamma_pos, ", label_smoothing=", options_.label_smoothing,
              ")");
}

std::vector<std::string> loss_names() {
  return {"ce", "bce", "focal", "asl"};
}

std::unique_ptr<Loss> make_loss(const std::string& name, bool multi_label,
                                const LossOptions& options) {
  const double smoothing = options.label_smoothing;
  const auto refuse = [&](const char* what, const char* why) {
    fail<OptionError>("loss '", name, "'", multi_label ? " for several labels" : "", " takes no ",
                      what, ": ", why);
  };
  if (name == "ce") {
    if (multi_label) {
      fail<OptionError>(
          "loss 'ce' is for one class a sample; with several labels use bce, focal or asl");
    }
    CrossEntropyOptions o;
    o.label_smoothing = std::max(0.0, smoothing);
    return std::make_unique<CrossEntropy>(o, options.class_weight);
  }
  if (name == "bce") {
    return std::make_unique<BCEWithLogits>(options.class_weight, std::max(0.0, smoothing));
  }
  if (name == "focal") {
    if (smoothing > 0) {
      refuse("label smoothing", "it weighs samples by how sure the model is");
    }
    if (!multi_label) {
      return std::make_unique<FocalSoftmax>(FocalOptions{}, options.class_weight);
    }
    if (options.class_weight.defined()) {
      refuse("class weights", "alpha balances positives and negatives");
    }
    return std::make_unique<FocalSigmoid>();
  }
  if (name == "asl") {
    if (options.class_weight.defined()) {
      refuse("class weights", "gamma_pos and gamma_neg balance positives and negatives");
    }
    if (!multi_label) {
      AsymmetricSingleOptions o;
      o.label_smoothing = smoothing < 0 ? o.label_smoothing : smoothing;
      return std::make_unique<AsymmetricLossSingle>(o);
    }
    if (smoothing > 0) {
      refuse("label smoothing", "its margin already discards easy negatives");
    }
    return std::make_unique<AsymmetricLoss>();
  }
  fail<OptionError>("unknown loss '", name, "'", did_you_mean(name, loss_names()), "; there are ",
                    join(loss_names(), ", "));
}

}  // namespace taxon
