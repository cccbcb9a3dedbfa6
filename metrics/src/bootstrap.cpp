// Bootstrap intervals of the headline figures.
#include <taxon/base/error.h>
#include <taxon/metrics/curves.h>
#include <taxon/metrics/intervals.h>
#include <taxon/metrics/proportions.h>
#include <taxon/metrics/ranking.h>

#include "checks.h"
#include "resampling.h"
#include "scores.h"

#include <algorithm>
#include <memory>

namespace taxon {

using namespace scoring;

namespace {

bool ranks(const BootstrapOptions& options, std::size_t pairs) {
  return static_cast<double>(pairs) * static_cast<double>(options.resamples) <= options.most_steps;
}

std::optional<double> f1(const Counts& c) {
  return ratio(2 * c.hits, c.predicted + c.actual);
}

// Which classes have a figure at all.
template <class Figure>
ClassMean mean_of(std::size_t classes, const Figure& figure) {
  std::vector<bool> defined(classes);
  for (std::size_t k = 0; k < classes; ++k) defined[k] = figure(k).has_value();
  return ClassMean(std::move(defined));
}

bool is_share(const std::string& name) {
  return name == "accuracy" || name == "top5" || name == "subset_accuracy";
}

// Resamples of a share of 0 or 1 are all alike, and those of one nearby too narrow.
void put_shares(Intervals& intervals, const std::vector<double>& found,
                std::span<const double> weight, std::size_t samples) {
  const double n = effective_samples(weight, samples);
  for (std::size_t i = 0; i < found.size(); ++i) {
    auto& [name, interval] = intervals.of[i];
    if (is_share(name))
      interval = wilson_interval(std::clamp(found[i], 0.0, 1.0), n, intervals.level);
  }
}

class SingleBootstrap {
 public:
  SingleBootstrap(const SingleLabelInput& in, const BootstrapOptions& options)
      : in_(in), options_(options), n_(in.truth.size()), c_(in.classes.size()) {
    if (in.predicted.empty()) {
      argmax_ = most_probable(in.probability, static_cast<std::int64_t>(c_));
      predicted_ = argmax_;
    } else {
      predicted_ = in.predicted;
    }
    names_ = {"accuracy", "balanced_accuracy", "mcc", "cohen_kappa", "macro.f1", "weighted.f1"};
    if (in.probability.empty()) return;
    prepare_probabilities();
    if (!ranks(options, n_ * c_)) return;
    orders_ = std::make_unique<Orders>(in.probability, Truth{in.truth, {}, c_});
    names_.insert(names_.end(), {"roc_auc_ovr_macro", "average_precision_macro"});
  }

  Intervals run() {
    const std::vector<std::uint32_t> once(n_, 1);
    const std::vector<Counts> counts = counts_of(once);
    f1_ = mean_of(c_, [&](std::size_t k) { return f1(counts[k]); });
    if (orders_) {
      const std::vector<Ranking> rankings = orders_->rankings(once, in_.weight);
      roc_ = mean_of(c_, [&](std::size_t k) { return rankings[k].roc_auc; });
      precision_ = mean_of(c_, [&](std::size_t k) { return rankings[k].average_precision; });
    }
    Intervals out = resample(names_, n_, options_,
                             [&](std::span<const std::uint32_t> times) { return figures(times); });
    put_shares(out, figures(once), in_.weight, n_);
    Counts all;
    for (const Counts& k : counts) all += k;
    if (!kappa_is_defined(counts, all))
      std::erase_if(out.of, [](const auto& entry) { return entry.first == "cohen_kappa"; });
    return out;
  }

 private:
  static bool kappa_is_defined(const std::vector<Counts>& counts, const Counts& all) {
    double expected = 0;
    for (const Counts& k : counts) expected += k.actual * k.predicted;
    return expected < all.actual * all.actual;
  }

  void prepare_probabilities() {
    names_.insert(names_.end(), {"top5", "log_loss", "brier"});
    const auto classes = static_cast<std::int64_t>(c_);
    for (std::size_t i = 0; i < n_; ++i) {
      const auto row = in_.probability.subspan(i * c_, c_);
      const auto truth = in_.truth.subspan(i, 1);
      top5_.push_back(top_k_accuracy(row, classes, truth, 5));
      log_loss_.push_back(log_loss(row, classes, truth));
      brier_.push_back(brier_score(row, classes, truth));
    }
  }

  double weight(std::span<const std::uint32_t> times, std::size_t i) const {
    return times[i] * weight_of(in_.weight, i);
  }

  std::vector<Counts> counts_of(std::span<const std::uint32_t> times) const {
    std::vector<Counts> counts(c_);
    for (std::size_t i = 0; i < n_; ++i) {
      const double w = weight(times, i);
      counts[static_cast<std::size_t>(in_.truth[i])].actual += w;
      counts[static_cast<std::size_t>(predicted_[i])].predicted += w;
      if (in_.truth[i] == predicted_[i]) counts[static_cast<std::size_t>(in_.truth[i])].hits += w;
    }
    return counts;
  }

  std::vector<double> figures(std::span<const std::uint32_t> times) const {
    const std::vector<Counts> counts = counts_of(times);
    Counts all;
    double recalls = 0, occurring = 0, weighted_f1 = 0;
    for (const Counts& k : counts) {
      all += k;
      recalls += ratio(k.hits, k.actual).value_or(0);
      occurring += k.actual > 0 ? 1 : 0;
      weighted_f1 += k.actual * f1(k).value_or(0);
    }
    const double sum = all.actual > 0 ? all.actual : 1;  // all drawn have the weight 0
    std::vector<double> out = {all.hits / sum,
                               recalls / std::max(occurring, 1.0),
                               matthews(counts),
                               kappa(counts, all),
                               f1_([&](std::size_t k) { return f1(counts[k]); }),
                               weighted_f1 / sum};
    for (const std::vector<double>* values : {&top5_, &log_loss_, &brier_}) {
      double total = 0;
      for (std::size_t i = 0; i < values->size(); ++i) total += weight(times, i) * (*values)[i];
      if (!values->empty()) out.push_back(total / sum);
    }
    if (orders_) append_rankings(times, out);
    return out;
  }

  // Cohen's, from the classes' counts alone; 0 in a resample where it is 0/0.
  static double kappa(const std::vector<Counts>& counts, const Counts& all) {
    double expected = 0;
    for (const Counts& k : counts) expected += k.actual * k.predicted;
    const double square = all.actual * all.actual;
    return square > expected ? (all.hits * all.actual - expected) / (square - expected) : 0;
  }

  void append_rankings(std::span<const std::uint32_t> times, std::vector<double>& out) const {
    const std::vector<Ranking> rankings = orders_->rankings(times, in_.weight);
    out.push_back(roc_([&](std::size_t k) { return rankings[k].roc_auc; }));
    out.push_back(precision_([&](std::size_t k) { return rankings[k].average_precision; }));
  }

  const SingleLabelInput& in_;
  const BootstrapOptions& options_;
  std::size_t n_, c_;
  std::vector<std::int64_t> argmax_;
  std::span<const std::int64_t> predicted_;
  std::vector<double> top5_, log_loss_, brier_;
  std::unique_ptr<Orders> orders_;
  ClassMean f1_{{}}, roc_{{}}, precision_{{}};
  std::vector<std::string> names_;
};

class MultiBootstrap {
 public:
  MultiBootstrap(const MultiLabelInput& in, const BootstrapOptions& options)
      : in_(in), options_(options), c_(in.classes.size()), n_(in.truth.size() / c_) {
    if (in.predicted.empty()) {
      std::vector<double> threshold(in.threshold.begin(), in.threshold.end());
      if (threshold.empty()) threshold.assign(c_, 0.5);
      decided_ = apply_thresholds(in.probability, threshold);
      predicted_ = decided_;
    } else {
      predicted_ = in.predicted;
    }
    prepare_samples();
    names_ = {"subset_accuracy", "hamming_loss", "micro.f1", "macro.f1", "samples_avg.f1"};
    if (in.probability.empty() || !ranks(options, n_ * c_)) return;
    orders_ = std::make_unique<Orders>(in.probability, Truth{{}, in.truth, c_});
    orders_of_samples_ = label_rankings(in.probability, in.truth, static_cast<std::int64_t>(c_));
    names_.insert(names_.end(), {"mAP", "roc_auc_macro", "label_ranking_average_precision"});
  }

  Intervals run() {
    const std::vector<std::uint32_t> once(n_, 1);
    const std::vector<Counts> counts = counts_of(once);
    f1_ = mean_of(c_, [&](std::size_t k) { return f1(counts[k]); });
    if (orders_) {
      const std::vector<Ranking> rankings = orders_->rankings(once, in_.weight);
      roc_ = mean_of(c_, [&](std::size_t k) { return rankings[k].roc_auc; });
      precision_ = mean_of(c_, [&](std::size_t k) { return rankings[k].average_precision; });
    }
    Intervals out = resample(names_, n_, options_,
                             [&](std::span<const std::uint32_t> times) { return figures(times); });
    put_shares(out, figures(once), in_.weight, n_);
    return out;
  }

 private:
  void prepare_samples() {
    for (std::size_t row = 0; row < n_ * c_; row += c_) {
      Counts sample;
      double wrong = 0;
      for (std::size_t k = row; k < row + c_; ++k) {
        const bool t = in_.truth[k] != 0, p = predicted_[k] != 0;
        sample += {t && p ? 1.0 : 0.0, p ? 1.0 : 0.0, t ? 1.0 : 0.0};
        wrong += t != p ? 1 : 0;
      }
      wrong_.push_back(wrong);
      sample_f1_.push_back(f1(sample).value_or(0));
    }
  }

  std::vector<Counts> counts_of(std::span<const std::uint32_t> times) const {
    std::vector<Counts> counts(c_);
    for (std::size_t i = 0; i < n_; ++i) {
      const double w = times[i] * weight_of(in_.weight, i);
      if (w == 0) continue;
      for (std::size_t k = 0; k < c_; ++k) {
        const bool t = in_.truth[i * c_ + k] != 0, p = predicted_[i * c_ + k] != 0;
        counts[k] += {t && p ? w : 0, p ? w : 0, t ? w : 0};
      }
    }
    return counts;
  }

  std::vector<double> figures(std::span<const std::uint32_t> times) const {
    const std::vector<Counts> counts = counts_of(times);
    Counts all;
    for (const Counts& k : counts) all += k;
    double sum = 0, exact = 0, wrong = 0, samples_f1 = 0;
    for (std::size_t i = 0; i < n_; ++i) {
      const double w = times[i] * weight_of(in_.weight, i);
      sum += w;
      exact += wrong_[i] == 0 ? w : 0;
      wrong += w * wrong_[i];
      samples_f1 += w * sample_f1_[i];
    }
    if (sum == 0) sum = 1;  // all drawn have the weight 0
    std::vector<double> out = {exact / sum, wrong / (sum * static_cast<double>(c_)),
                               f1(all).value_or(0),
                               f1_([&](std::size_t k) { return f1(counts[k]); }), samples_f1 / sum};
    if (orders_) append_rankings(times, sum, out);
    return out;
  }

  void append_rankings(std::span<const std::uint32_t> times, double weight,
                       std::vector<double>& out) const {
    const std::vector<Ranking> rankings = orders_->rankings(times, in_.weight);
    out.push_back(precision_([&](std::size_t k) { return rankings[k].average_precision; }));
    out.push_back(roc_([&](std::size_t k) { return rankings[k].roc_auc; }));
    double order = 0;
    for (std::size_t i = 0; i < n_; ++i)
      order += times[i] * weight_of(in_.weight, i) * orders_of_samples_[i].average_precision;
    out.push_back(order / weight);
  }

  const MultiLabelInput& in_;
  const BootstrapOptions& options_;
  std::size_t c_, n_;
  std::vector<std::uint8_t> decided_;
  std::span<const std::uint8_t> predicted_;
  std::vector<double> wrong_, sample_f1_;
  std::unique_ptr<Orders> orders_;
  std::vector<LabelRanking> orders_of_samples_;
  ClassMean f1_{{}}, roc_{{}}, precision_{{}};
  std::vector<std::string> names_;
};

}  // namespace

Intervals bootstrap_intervals(const SingleLabelInput& input, const BootstrapOptions& options) {
  check_input(input);
  check_bootstrap(options, input.truth.size());
  return SingleBootstrap(input, options).run();
}

Intervals bootstrap_intervals(const MultiLabelInput& input, const BootstrapOptions& options) {
  check_input(input);
  check_bootstrap(options, input.truth.size());
  return MultiBootstrap(input, options).run();
}

}  // namespace taxon
