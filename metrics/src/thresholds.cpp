// Thresholds of labels.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/metrics/curves.h>
#include <taxon/metrics/thresholds.h>

namespace taxon {
namespace {

double f1_at(const CurvePoint& p, double positives) {
  return 2 * p.true_positives / (p.true_positives + p.false_positives + positives);
}

// The point of the curve that serves the aim best; the first of equal ones.
std::size_t chosen(const std::vector<CurvePoint>& curve, double positives,
                   const ThresholdAim& aim) {
  std::size_t best = 0;
  bool reached = false;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    switch (aim.figure) {
      case ThresholdAim::Figure::f1:
        if (f1_at(curve[i], positives) > f1_at(curve[best], positives)) best = i;
        break;
      case ThresholdAim::Figure::precision:
        if (curve[i].precision >= aim.wanted) {
          best = i;  // lower thresholds find more
          reached = true;
        } else if (!reached && curve[i].precision > curve[best].precision) {
          best = i;
        }
        break;
      case ThresholdAim::Figure::recall:
        if (curve[i].true_positive_rate >= aim.wanted) return i;
        break;
    }
  }
  return aim.figure == ThresholdAim::Figure::recall ? curve.size() - 1 : best;
}

// Whether the point falls short of what is wanted.
bool misses(const CurvePoint& point, const ThresholdAim& aim) {
  switch (aim.figure) {
    case ThresholdAim::Figure::f1:
      return false;
    case ThresholdAim::Figure::precision:
      return point.precision < aim.wanted;
    case ThresholdAim::Figure::recall:
      return point.true_positive_rate < aim.wanted;
  }
  return false;
}

}  // namespace

ThresholdAim parse_aim(std::string_view given) {
  ThresholdAim aim;
  if (given == "f1") return aim;
  const std::size_t equals = given.find('=');
  const std::string_view figure = given.substr(0, equals);
  if (equals == std::string_view::npos || (figure != "precision" && figure != "recall"))
    fail<OptionError>("thresholds: '", given, "', expected f1, precision=X or recall=X");
  aim.figure = figure == "recall" ? ThresholdAim::Figure::recall : ThresholdAim::Figure::precision;
  try {
    aim.wanted = parse_number(given.substr(equals + 1), "thresholds");
  } catch (const FormatError& e) {
    fail<OptionError>(e.what());
  }
  if (!(aim.wanted > 0 && aim.wanted <= 1))
    fail<OptionError>("thresholds: ", figure, " of ", aim.wanted, ", expected above 0, up to 1");
  return aim;
}

std::vector<double> tuned_thresholds(std::span<const double> probability,
                                     std::span<const std::uint8_t> truth, std::int64_t classes,
                                     const ThresholdAim& aim, std::vector<std::size_t>* missed) {
  const auto c = static_cast<std::size_t>(classes);
  if (classes < 1 || probability.empty() || probability.size() != truth.size() ||
      probability.size() % c != 0) {
    fail<ShapeError>("tuned_thresholds: ", probability.size(), " probabilities, ", truth.size(),
                     " labels, ", classes, " classes; expected [n, classes] of both, n > 0");
  }
  if (!(aim.wanted >= 0 && aim.wanted <= 1))
    fail<OptionError>("tuned_thresholds: ", aim.wanted, " is wanted, expected 0 to 1");
  const std::size_t n = probability.size() / c;
  std::vector<double> out, p(n);
  std::vector<std::uint8_t> has(n);
  for (std::size_t k = 0; k < c; ++k) {
    for (std::size_t i = 0; i < n; ++i) {
      p[i] = probability[i * c + k];
      has[i] = truth[i * c + k];
    }
    std::vector<CurvePoint> curve = score_curve(p, has);
    const double positives = curve.back().true_positives;
    if (curve.back().threshold == 0) curve.pop_back();
    if (positives == 0 || curve.empty()) {
      out.push_back(0.5);
      if (missed != nullptr) missed->push_back(k);
      continue;
    }
    const std::size_t at = chosen(curve, positives, aim);
    if (missed != nullptr && misses(curve[at], aim)) missed->push_back(k);
    const double next = at + 1 < curve.size() ? curve[at + 1].threshold : 0;
    out.push_back((curve[at].threshold + next) / 2);
  }
  return out;
}

}  // namespace taxon
