// Measures of multi-label ranking.
#include <taxon/base/error.h>
#include <taxon/metrics/ranking.h>

#include "checks.h"
#include "parts.h"

#include <algorithm>
#include <vector>

namespace taxon {

using namespace scoring;

namespace {

// Of one sample.
class Row {
 public:
  LabelRanking measure(std::span<const double> probability, std::span<const std::uint8_t> truth) {
    yes_.clear();
    no_.clear();
    for (std::size_t k = 0; k < truth.size(); ++k)
      (truth[k] != 0 ? yes_ : no_).push_back(probability[k]);
    LabelRanking r;
    if (yes_.empty() || no_.empty()) r.average_precision = 1;
    if (yes_.empty()) return r;
    std::sort(yes_.begin(), yes_.end());
    std::sort(no_.begin(), no_.end());
    r.coverage_error = static_cast<double>(yes_.size() + at_least(no_, yes_.front()));
    if (no_.empty()) return r;
    double precision = 0, wrong = 0;
    for (const double p : yes_) {
      const auto relevant = static_cast<double>(at_least(yes_, p));
      const auto others = static_cast<double>(at_least(no_, p));
      precision += relevant / (relevant + others);
      wrong += others;
    }
    const auto count = static_cast<double>(yes_.size());
    r.average_precision = precision / count;
    r.loss = wrong / (count * static_cast<double>(no_.size()));
    return r;
  }

 private:
  static std::size_t at_least(const std::vector<double>& sorted, double p) {
    return static_cast<std::size_t>(sorted.end() -
                                    std::lower_bound(sorted.begin(), sorted.end(), p));
  }
  std::vector<double> yes_, no_;
};

void add(LabelRanking& sum, const LabelRanking& r, double weight) {
  sum.coverage_error += weight * r.coverage_error;
  sum.average_precision += weight * r.average_precision;
  sum.loss += weight * r.loss;
}

}  // namespace

std::vector<LabelRanking> label_rankings(std::span<const double> probability,
                                         std::span<const std::uint8_t> truth,
                                         std::int64_t classes) {
  const auto c = static_cast<std::size_t>(classes);
  if (classes < 1 || truth.empty() || truth.size() % c != 0 || truth.size() != probability.size())
    fail<ShapeError>("label_ranking: ", probability.size(), " probabilities, ", truth.size(),
                     " labels of ", classes, " classes; expected [n, classes] of both, n > 0");
  check_finite("label_ranking", probability);
  std::vector<LabelRanking> out(truth.size() / c);
  for_parts(out.size(), [&](std::size_t, std::size_t begin, std::size_t end) {
    Row row;
    for (std::size_t i = begin; i < end; ++i)
      out[i] = row.measure(probability.subspan(i * c, c), truth.subspan(i * c, c));
  });
  return out;
}

LabelRanking label_ranking(std::span<const double> probability, std::span<const std::uint8_t> truth,
                           std::int64_t classes, std::span<const double> weight) {
  const std::vector<LabelRanking> each = label_rankings(probability, truth, classes);
  check_weights("label_ranking", weight, each.size());
  LabelRanking all, mean;
  for (std::size_t i = 0; i < each.size(); ++i) add(all, each[i], weight_of(weight, i));
  add(mean, all, 1 / total_weight(weight, each.size()));
  return mean;
}

}  // namespace taxon
