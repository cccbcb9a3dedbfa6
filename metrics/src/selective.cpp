// Conformal prediction sets and selective classification.
#include <taxon/base/error.h>
#include <taxon/metrics/proportions.h>
#include <taxon/metrics/selective.h>

#include "checks.h"
#include "score_walk.h"

#include <algorithm>
#include <cmath>

namespace taxon {

using namespace scoring;

Conformal Conformal::fit(std::span<const double> probability_of_truth) {
  if (probability_of_truth.empty()) fail<ShapeError>("Conformal: no samples");
  check_finite("Conformal", probability_of_truth);
  std::vector<double> sorted(probability_of_truth.begin(), probability_of_truth.end());
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const auto n = static_cast<std::int64_t>(sorted.size());
  Conformal out;
  for (std::int64_t j = 0; j <= kSteps; ++j) {
    // The ceil((n + 1) q)-th most probable truth; beyond the samples nothing is excluded.
    const std::int64_t rank = ((n + 1) * j + kSteps - 1) / kSteps;
    const double p = rank > n ? 0 : rank == 0 ? 1 : sorted[static_cast<std::size_t>(rank - 1)];
    // Rounded down, so that the sample itself is still covered.
    auto level = static_cast<float>(p);
    if (static_cast<double>(level) > p) level = std::nextafter(level, 0.0F);
    out.levels_.push_back(level);
  }
  return out;
}

Conformal Conformal::from_levels(std::vector<float> levels) {
  const bool whole = levels.size() == static_cast<std::size_t>(kSteps) + 1;
  const bool falling = std::is_sorted(levels.begin(), levels.end(), std::greater<>());
  const bool within = std::all_of(levels.begin(), levels.end(),
                                  [](float v) { return std::isfinite(v) && v >= 0 && v <= 1; });
  if (!whole || !falling || !within)
    fail<OptionError>("Conformal: found ", levels.size(), " levels, expected ", kSteps + 1,
                      " falling probabilities");
  Conformal out;
  out.levels_ = std::move(levels);
  return out;
}

double Conformal::threshold(double coverage) const {
  if (!(coverage > 0 && coverage < 1))
    fail<OptionError>("coverage is ", coverage, ", expected a number between 0 and 1");
  if (empty()) fail<OptionError>("Conformal: nothing was calibrated");
  const auto step = static_cast<std::size_t>(std::ceil(coverage * kSteps - 1e-9));
  return levels_[std::min(step, static_cast<std::size_t>(kSteps))];
}

std::vector<double> probability_of_truth(std::span<const double> probability, std::int64_t classes,
                                         std::span<const std::int64_t> truth) {
  check_table("probability_of_truth", probability, classes, truth, {});
  const auto c = static_cast<std::size_t>(classes);
  std::vector<double> out;
  for (std::size_t i = 0; i < truth.size(); ++i)
    out.push_back(probability[i * c + static_cast<std::size_t>(truth[i])]);
  return out;
}

std::vector<double> probability_of_truth(std::span<const double> probability, std::int64_t classes,
                                         std::span<const std::uint8_t> truth) {
  const auto c = static_cast<std::size_t>(classes);
  if (classes < 1 || truth.size() != probability.size() || truth.size() % c != 0)
    fail<ShapeError>("probability_of_truth: ", probability.size(), " probabilities, ", truth.size(),
                     " labels of ", classes, " classes");
  std::vector<double> out(truth.size() / c, 1.0);
  for (std::size_t i = 0; i < truth.size(); ++i)
    if (truth[i] != 0) out[i / c] = std::min(out[i / c], probability[i]);
  return out;
}

SetFigures set_figures(const Conformal& conformal, double wanted,
                       std::span<const double> probability,
                       std::span<const double> probability_of_truth) {
  const std::size_t n = probability_of_truth.size();
  if (n == 0 || probability.size() % n != 0)
    fail<ShapeError>("set_figures: ", probability.size(), " probabilities of ", n, " samples");
  const std::size_t c = probability.size() / n;
  SetFigures out;
  out.wanted = wanted;
  out.threshold = conformal.threshold(wanted);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = probability.subspan(i * c, c);
    const auto size =
        std::count_if(row.begin(), row.end(), [&](double p) { return p >= out.threshold; });
    out.mean_size += static_cast<double>(size);
    out.empty += size == 0 ? 1 : 0;
    out.coverage += probability_of_truth[i] >= out.threshold ? 1 : 0;
  }
  for (double* v : {&out.coverage, &out.mean_size, &out.empty}) *v /= static_cast<double>(n);
  return out;
}

namespace {

void check_outcomes(const char* what, std::span<const double> confidence,
                    std::span<const std::uint8_t> correct) {
  if (confidence.size() != correct.size() || confidence.empty())
    fail<ShapeError>(what, ": ", confidence.size(), " confidences, ", correct.size(),
                     " outcomes, expected as many, at least one");
  check_finite(what, confidence);
}

}  // namespace

std::vector<SelectivePoint> selective_curve(std::span<const double> confidence,
                                            std::span<const std::uint8_t> correct) {
  check_outcomes("selective_curve", confidence, correct);
  const std::vector<Scored> order = in_order(confidence);
  const auto n = static_cast<double>(confidence.size());
  std::vector<SelectivePoint> curve;
  double right = 0, next = 0.01;
  walk_ties(order, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) right += correct[order[i].index] != 0 ? 1 : 0;
    const double all = static_cast<double>(order.size() - begin);
    if (all / n < next && begin > 0) return;
    const double accuracy = right / all;
    curve.push_back(
        {confidence[order[begin].index], all / n, accuracy, wilson_lower(accuracy, all)});
    next = (std::floor(100 * all / n) + 1) / 100;
  });
  return curve;
}

const SelectivePoint* point_for_accuracy(std::span<const SelectivePoint> curve, double accuracy) {
  for (std::size_t i = curve.size(); i > 0; --i)
    if (curve[i - 1].at_least >= accuracy) return &curve[i - 1];
  return nullptr;
}

std::optional<AnswerFigures> answer_figures(std::span<const SelectivePoint> curve, double wanted,
                                            std::span<const double> confidence,
                                            std::span<const std::uint8_t> correct) {
  check_outcomes("answer_figures", confidence, correct);
  const SelectivePoint* point = point_for_accuracy(curve, wanted);
  if (point == nullptr) return std::nullopt;
  AnswerFigures out{wanted, point->threshold, 0, 0};
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    if (confidence[i] < out.threshold) continue;
    out.answered += 1;
    out.accuracy += correct[i] != 0 ? 1 : 0;
  }
  if (out.answered > 0) out.accuracy /= out.answered;
  out.answered /= static_cast<double>(confidence.size());
  return out;
}

}  // namespace taxon
