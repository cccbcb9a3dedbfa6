// Figures for papers.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/metrics/curves.h>
#include <taxon/metrics/plots.h>

#include "score_walk.h"
#include "svg.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace taxon {
namespace {

constexpr std::size_t kNamedClasses = 10;
constexpr double kSide = 360, kLeft = 64, kTop = 40, kLegend = 200;

enum class Curve { roc, precision_recall };

// Of one class, or of all together where there is none.
std::vector<CurvePoint> curve_of(const Predictions& p, std::optional<std::size_t> k) {
  const scoring::Truth truth{p.truth, p.truth_labels, p.classes.size()};
  const std::size_t n = truth.samples(), c = p.classes.size();
  std::vector<double> score, weight;
  std::vector<std::uint8_t> positive;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = k.value_or(0); j < (k ? *k + 1 : c); ++j) {
      score.push_back(p.probability[i * c + j]);
      positive.push_back(truth.has(i, j) ? 1 : 0);
      if (!p.weight.empty()) weight.push_back(p.weight[i]);
    }
  return score_curve(score, positive, weight);
}

// In pixels; steps that cannot be seen are left out.
std::vector<Point> drawn(const std::vector<CurvePoint>& curve, Curve kind, const UnitAxes& axes) {
  std::vector<Point> out = {
      kind == Curve::roc ? axes.at(0, 0) : axes.at(0, curve.empty() ? 1 : curve[0].precision)};
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const CurvePoint& p = curve[i];
    const Point next = kind == Curve::roc ? axes.at(p.false_positive_rate, p.true_positive_rate)
                                          : axes.at(p.true_positive_rate, p.precision);
    const double step = std::hypot(next.x - out.back().x, next.y - out.back().y);
    if (step >= 0.7 || i + 1 == curve.size()) out.push_back(next);
  }
  return out;
}

std::string shortened(const std::string& name, std::size_t most) {
  std::string out = name;
  std::size_t count = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(name[i]) & 0xC0U) != 0x80U;
    if (begins && count++ == most) return name.substr(0, i) + "\xE2\x80\xA6";
  }
  return out;
}

std::string curves_svg(const Predictions& p, Curve kind) {
  if (p.probability.empty()) fail<OptionError>("curves need probabilities, and there are none");
  const bool roc = kind == Curve::roc;
  Svg svg(kLeft + kSide + kLegend + 40, kTop + kSide + 60);
  const UnitAxes axes(svg, {kLeft, kTop}, kSide, roc ? "ROC" : "Precision and recall",
                      roc ? "false positive rate" : "recall",
                      roc ? "true positive rate" : "precision");
  if (roc) svg.line(axes.at(0, 0), axes.at(1, 1), "#999", 1, true);
  const scoring::ClassRankings areas =
      scoring::class_rankings(p.probability, {p.truth, p.truth_labels, p.classes.size()}, p.weight);
  const auto area = [&](const Ranking& r) {
    const std::optional<double> v = roc ? r.roc_auc : r.average_precision;
    return v ? fixed(*v, 4) : std::string("-");
  };
  double y = kTop + 10;
  const auto entry = [&](std::string_view colour, const std::string& name) {
    const double x = kLeft + kSide + 20;
    svg.line({x, y}, {x + 18, y}, colour, 3);
    svg.text({x + 24, y + 4}, name, Anchor::start, 11);
    y += 20;
  };
  const bool named = p.classes.size() <= kNamedClasses;
  for (std::size_t k = 0; k < p.classes.size(); ++k) {
    const std::string_view colour = named ? colour_of(k) : "#c4c4c4";
    svg.path(drawn(curve_of(p, k), kind, axes), colour, named ? 1.6 : 1);
    if (named) entry(colour, shortened(p.classes[k], 16) + "  " + area(areas.classes[k]));
  }
  svg.path(drawn(curve_of(p, std::nullopt), kind, axes), "#000", 1.6);
  if (!named) entry("#c4c4c4", text("each of ", p.classes.size(), " classes"));
  entry("#000", "all together  " + area(areas.micro));
  return svg.done();
}

}  // namespace

std::string roc_svg(const Predictions& p) {
  return curves_svg(p, Curve::roc);
}

std::string precision_recall_svg(const Predictions& p) {
  return curves_svg(p, Curve::precision_recall);
}

std::string confusion_svg(const SingleLabelMetrics& m) {
  const std::size_t c = m.per_class.size();
  const auto classes = static_cast<double>(c);
  const bool named = c <= 40;
  const double cell = named ? std::max(18.0, std::min(44.0, 440 / classes)) : 600 / classes;
  const double left = named ? 130 : 40, top = named ? 130 : 40;
  Svg svg(left + cell * classes + 20, top + cell * classes + 40);
  const std::vector<double> shares =
      normalized(m.confusion, static_cast<std::int64_t>(c), Normalize::row);
  for (std::size_t t = 0; t < c; ++t) {
    const double y = top + cell * static_cast<double>(t);
    if (named)
      svg.text({left - 6, y + cell / 2 + 4}, shortened(m.per_class[t].name, 18), Anchor::end, 11);
    for (std::size_t p = 0; p < c; ++p) {
      const double x = left + cell * static_cast<double>(p), share = shares[t * c + p];
      if (named && t == 0)
        svg.text({x + cell / 2 + 4, top - 6}, shortened(m.per_class[p].name, 18), Anchor::start, 11,
                 "#222", -60);
      svg.rectangle(x, y, cell, cell, shade(share));
      const double count = m.confusion[t * c + p];
      if (named && count > 0)
        svg.text({x + cell / 2, y + cell / 2 + 4}, shortest(std::round(count * 100) / 100),
                 Anchor::middle, std::min(11.0, cell / 3), share > 0.5 ? "#fff" : "#222");
    }
  }
  const double middle = left + cell * classes / 2;
  svg.text({middle, top + cell * classes + 24}, "predicted", Anchor::middle);
  svg.text({16, top + cell * classes / 2}, "true", Anchor::middle, 12, "#222", -90);
  return svg.done();
}

std::string reliability_svg(const std::vector<CalibrationBin>& bins, bool multi_label) {
  if (bins.empty()) fail<OptionError>("reliability needs confidences, and there are none");
  Svg svg(kLeft + kSide + 40, kTop + kSide + 60);
  const UnitAxes axes(
      svg, {kLeft, kTop}, kSide, text("Reliability, ECE ", fixed(expected_error(bins), 4)),
      multi_label ? "probability of a label" : "confidence",
      multi_label ? "share that has it, share of all" : "accuracy, share of samples");
  double all = 0;
  for (const CalibrationBin& b : bins) all += b.count;
  for (const CalibrationBin& b : bins) {
    const Point from = axes.at(b.low, 1), floor = axes.at(b.high, 0);
    const double width = floor.x - from.x - 1;
    const auto bar = [&](double height, std::string_view colour, double share) {
      const double y = axes.at(0, height).y;
      svg.rectangle(from.x + 0.5 + width * (1 - share) / 2, y, width * share, floor.y - y, colour);
    };
    bar(b.accuracy, "#8ab6dc", 1);
    bar(b.count / all, "#d55e00", 0.3);
  }
  svg.line(axes.at(0, 0), axes.at(1, 1), "#555", 1, true);
  return svg.done();
}

std::vector<std::pair<std::string, std::string>> all_plots(const Predictions& p) {
  std::vector<std::pair<std::string, std::string>> out;
  if (!p.multi_label) {
    const SingleLabelMetrics m = single_label_metrics(p);
    out.emplace_back("confusion_matrix.svg", confusion_svg(m));
    if (!m.reliability.empty())
      out.emplace_back("reliability.svg", reliability_svg(m.reliability, false));
  }
  if (p.probability.empty()) return out;
  if (p.multi_label)
    out.emplace_back("reliability.svg",
                     reliability_svg(reliability(p.probability, p.truth_labels), true));
  out.emplace_back("roc.svg", roc_svg(p));
  out.emplace_back("precision_recall.svg", precision_recall_svg(p));
  return out;
}

}  // namespace taxon
