// Losses: logits and targets in, a scalar out. Composed of ops, so their gradients need no code of
// their own; finite for logits up to 1e4 in size.
#pragma once

#include <taxon/core/ops.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace taxon {

/// Single-label losses take logits [n, c] and targets i64 [n] (class indices) or floating [n, c]
/// (probabilities, as mixup makes them). Multi-label losses take targets floating [n, c] in [0, 1].
/// Reduction::mean is over all samples (single-label) or all elements (multi-label); none gives [n]
/// or [n, c].
class Loss {
 public:
  virtual ~Loss() = default;
  virtual Tensor operator()(const Tensor& logits, const Tensor& target) const = 0;
  /// Together with how many predictions are right; a loss that sees this on its way overrides it.
  struct Counted {
    Tensor loss;
    std::function<double()> correct;  ///< on a GPU it waits for the logits: ask late
  };
  virtual Counted counted(const Tensor& logits, const Tensor& target) const;
  /// Whether the loss is linear in the target, so that the loss of mixed targets is the mix of the
  /// losses (mixup, CutMix).
  virtual bool takes_mixed_targets() const { return true; }
  virtual std::string str() const = 0;  ///< "CrossEntropy(label_smoothing=0.1)"
};

/// Samples whose largest logit is that of the target, class indices i64 [n]; floating targets
/// [n, c]: the mean share of labels whose logit is on the right side of 0.
double correct_predictions(const Tensor& logits, const Tensor& target);

/// -sum t log softmax(x), as torch's cross_entropy.
class CrossEntropy : public Loss {
 public:
  explicit CrossEntropy(CrossEntropyOptions options = {}, Tensor class_weight = {});
  Tensor operator()(const Tensor& logits, const Tensor& target) const override;
  Counted counted(const Tensor& logits, const Tensor& target) const override;
  std::string str() const override;

 private:
  CrossEntropyOptions options_;
  Tensor class_weight_;
};

/// -(w t log s + (1 - t) log(1 - s)), s = sigmoid(x), w = pos_weight [c]. Class indices become
/// one-hot targets, so it serves single-label problems too (Wightman et al. 2021).
class BCEWithLogits : public Loss {
 public:
  explicit BCEWithLogits(Tensor pos_weight = {}, double label_smoothing = 0,
                         Reduction reduction = Reduction::mean);
  Tensor operator()(const Tensor& logits, const Tensor& target) const override;
  std::string str() const override;

 private:
  Tensor pos_weight_;
  double label_smoothing_;
  Reduction reduction_;
};

struct FocalOptions {
  double gamma = 2;
  double alpha = 0.25;  ///< sigmoid form: weight of positives, 1 - alpha of negatives; < 0: none
  Reduction reduction = Reduction::mean;
};

/// Lin et al. 2017, eq. 4 with softmax: -w_t (1 - p_t)^gamma log p_t; class_weight [c] or
/// undefined.
class FocalSoftmax : public Loss {
 public:
  explicit FocalSoftmax(FocalOptions options = {}, Tensor class_weight = {});
  Tensor operator()(const Tensor& logits, const Tensor& target) const override;
  std::string str() const override;

 private:
  FocalOptions options_;
  Tensor class_weight_;
};

/// Lin et al. 2017, eq. 5 with sigmoid, as torchvision.ops.sigmoid_focal_loss.
class FocalSigmoid : public Loss {
 public:
  explicit FocalSigmoid(FocalOptions options = {});
  Tensor operator()(const Tensor& logits, const Tensor& target) const override;
  bool takes_mixed_targets() const override { return false; }
  std::string str() const override;

 private:
  FocalOptions options_;
};

struct AsymmetricOptions {
  double gamma_neg = 4, gamma_pos = 1;
  double clip = 0.05;  ///< the margin m by which a negative's probability is shifted down
  Reduction reduction = Reduction::mean;  ///< the authors' code sums
};

/// Ridnik et al. 2021, eq. 7: L+ = (1 - p)^gamma_pos log p, L- = pm^gamma_neg log(1 - pm) with
/// pm = max(p - clip, 0).
class AsymmetricLoss : public Loss {
 public:
  explicit AsymmetricLoss(AsymmetricOptions options = {});
  Tensor operator()(const Tensor& logits, const Tensor& target) const override;
  std::string str() const override;

 private:
  AsymmetricOptions options_;
};

struct AsymmetricSingleOptions {
  double gamma_neg = 4, gamma_pos = 0, label_smoothing = 0.1;
  Reduction reduction = Reduction::mean;
};

/// The authors' form for single-label problems (ASLSingleLabel): softmax probabilities, log p of
/// the target weighted by (1 - p)^gamma_pos, of the others by p^gamma_neg, with smoothed targets.
class AsymmetricLossSingle : public Loss {
 public:
  explicit AsymmetricLossSingle(AsymmetricSingleOptions options = {});
  Tensor operator()(const Tensor& logits, const Tensor& target) const override;
  bool takes_mixed_targets() const override { return false; }
  std::string str() const override;

 private:
  AsymmetricSingleOptions options_;
};

/// What a caller may set for any loss; what a loss does not know it refuses (OptionError).
struct LossOptions {
  double label_smoothing = -1;  ///< < 0: the loss's own default
  Tensor class_weight;          ///< [c]: class weights (ce, focal), positives' weights (bce)
};
/// "ce", "bce", "focal" or "asl" in the form for the task. Throws OptionError for an unknown name
/// (with a suggestion) and for "ce" with several labels.
std::unique_ptr<Loss> make_loss(const std::string& name, bool multi_label,
                                const LossOptions& options = {});
std::vector<std::string> loss_names();

}  // namespace taxon
