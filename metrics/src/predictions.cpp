// What follows from predictions: decisions, confidences, losses, metrics; and writing
// predictions.csv.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/metrics/curves.h>
#include <taxon/metrics/predictions.h>
#include <taxon/metrics/report.h>

#include "csv.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace taxon {

namespace {

// Six significant digits are plenty for columns that no metric is computed from.
std::string rounded(double v) {
  char buffer[40];
  return {buffer,
          std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::general, 6).ptr};
}

void append_cell(std::string& out, const std::string& cell) {
  out += ',';
  out += cell;
}

void complete_single(Predictions& p, std::size_t n, std::size_t c) {
  if (p.predicted.empty()) p.predicted = most_probable(p.probability, static_cast<std::int64_t>(c));
  if (p.probability.empty()) return;
  const auto of = [&](std::size_t i, std::int64_t k) {
    return p.probability[i * c + static_cast<std::size_t>(k)];
  };
  if (p.confidence.empty())
    for (std::size_t i = 0; i < n; ++i) p.confidence.push_back(of(i, p.predicted[i]));
  if (p.loss.empty())
    for (std::size_t i = 0; i < n; ++i) p.loss.push_back(sample_log_loss(of(i, p.truth[i])));
}

void complete_multi(Predictions& p, std::size_t n, std::size_t c) {
  if (p.predicted_labels.empty()) {
    if (p.threshold.empty()) p.threshold.assign(c, 0.5);
    p.predicted_labels = apply_thresholds(p.probability, p.threshold);
  }
  if (p.probability.empty()) return;
  const bool confidence = p.confidence.empty(), loss = p.loss.empty();
  for (std::size_t row = 0; row < n * c; row += c) {
    double least = 1, sum = 0;
    for (std::size_t k = row; k < row + c; ++k) {
      const double yes = p.probability[k];
      least = std::min(least, p.predicted_labels[k] != 0 ? yes : 1 - yes);
      sum += sample_log_loss(p.truth_labels[k] != 0 ? yes : 1 - yes);
    }
    if (confidence) p.confidence.push_back(least);
    if (loss) p.loss.push_back(sum / static_cast<double>(c));
  }
}

std::string labels(const Predictions& p, const std::vector<std::uint8_t>& on, std::size_t sample,
                   const std::string& separator) {
  std::vector<std::string> names;
  const std::size_t c = p.classes.size();
  for (std::size_t k = 0; k < c; ++k)
    if (on[sample * c + k] != 0) names.push_back(p.classes[k]);
  return join(names, separator);
}

void check_separator(const std::vector<std::string>& classes, const std::string& separator) {
  for (const std::string& name : classes)
    if (name.find(separator) != std::string::npos)
      fail<OptionError>("predictions of several labels: the label '", name, "' holds '", separator,
                        "', which separates labels; expected another separator (--label-sep)");
}

void check_sizes(const Predictions& p, std::size_t n, std::size_t c) {
  const auto fits = [](std::size_t size, std::size_t expected) {
    return size == 0 || size == expected;
  };
  const std::size_t decisions = p.multi_label ? p.predicted_labels.size() : p.predicted.size();
  const bool whole = !p.multi_label || p.truth_labels.size() == n * c;
  if (c == 0 || n == 0 || !whole || !fits(p.id.size(), n) || !fits(p.path.size(), n) ||
      !fits(decisions, p.multi_label ? n * c : n) || !fits(p.probability.size(), n * c) ||
      !fits(p.confidence.size(), n) || !fits(p.loss.size(), n) || !fits(p.weight.size(), n) ||
      (decisions == 0 && p.probability.empty()))
    fail<ShapeError>("predictions: columns do not fit ", n, " samples of ", c,
                     " classes: ", decisions, " decisions, ", p.probability.size(),
                     " probabilities, ", p.confidence.size(), " confidences, ", p.loss.size(),
                     " losses, ", p.path.size(), " paths");
}

SingleLabelInput single_label_input(const Predictions& p) {
  if (p.multi_label) fail<OptionError>("single_label_metrics: the predictions are multi-label");
  return {p.classes, p.truth, p.predicted, p.probability, p.confidence, p.weight};
}

MultiLabelInput multi_label_input(const Predictions& p) {
  if (!p.multi_label) fail<OptionError>("multi_label_metrics: the predictions are single-label");
  return {p.classes, p.truth_labels, p.predicted_labels, p.probability, p.threshold, p.weight};
}

}  // namespace

std::int64_t Predictions::samples() const {
  if (!multi_label) return static_cast<std::int64_t>(truth.size());
  return classes.empty() ? 0 : static_cast<std::int64_t>(truth_labels.size() / classes.size());
}

std::vector<double> as_written(std::span<const float> probability) {
  std::vector<double> out(probability.size());
  char buffer[40];
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char* end = std::to_chars(buffer, buffer + sizeof buffer, probability[i]).ptr;
    std::from_chars(buffer, end, out[i]);
  }
  return out;
}

void complete(Predictions& p) {
  const auto n = static_cast<std::size_t>(p.samples());
  check_sizes(p, n, p.classes.size());
  p.multi_label ? complete_multi(p, n, p.classes.size()) : complete_single(p, n, p.classes.size());
}

std::vector<std::uint8_t> correct(const Predictions& p) {
  const auto n = static_cast<std::size_t>(p.samples());
  const std::size_t c = p.classes.size();
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < n; ++i) {
    bool right = p.multi_label || p.truth[i] == p.predicted[i];
    for (std::size_t k = i * c; p.multi_label && k < (i + 1) * c; ++k)
      right = right && (p.truth_labels[k] != 0) == (p.predicted_labels[k] != 0);
    out.push_back(right ? 1 : 0);
  }
  return out;
}

std::string predictions_csv(const Predictions& p, const std::string& separator) {
  const auto n = static_cast<std::size_t>(p.samples());
  const std::size_t c = p.classes.size();
  check_sizes(p, n, c);
  if (p.multi_label) check_separator(p.classes, separator);
  std::string out = "id,path,true,predicted,confidence,loss";
  if (!p.probability.empty())
    for (const std::string& name : p.classes) append_cell(out, csv::quoted(text("prob_", name)));
  out += '\n';
  const auto name = [&](const std::vector<std::int64_t>& k, std::size_t i) {
    return k.empty() ? std::string() : p.classes.at(static_cast<std::size_t>(k[i]));
  };
  for (std::size_t i = 0; i < n; ++i) {
    out += p.id.empty() ? std::to_string(i) : csv::quoted(p.id[i]);
    out += ",";
    out += p.path.empty() ? std::string() : csv::quoted(p.path[i]);
    const bool multi = p.multi_label;
    append_cell(out,
                csv::quoted(multi ? labels(p, p.truth_labels, i, separator) : name(p.truth, i)));
    out += ",";
    if (!multi) out += csv::quoted(name(p.predicted, i));
    if (multi && !p.predicted_labels.empty())
      out += csv::quoted(labels(p, p.predicted_labels, i, separator));
    append_cell(out, p.confidence.empty() ? std::string() : shortest(p.confidence[i]));
    append_cell(out, p.loss.empty() ? std::string() : rounded(p.loss[i]));
    if (!p.probability.empty())
      for (std::size_t k = 0; k < c; ++k) append_cell(out, shortest(p.probability[i * c + k]));
    out += '\n';
  }
  return out;
}

void write_predictions(const std::string& path, Predictions predictions,
                       const std::string& separator) {
  complete(predictions);
  write_file_atomic(path, predictions_csv(predictions, separator));
}

SingleLabelMetrics single_label_metrics(const Predictions& p, const MetricsOptions& options) {
  return single_label_metrics(single_label_input(p), options);
}

MultiLabelMetrics multi_label_metrics(const Predictions& p, const MetricsOptions& options) {
  return multi_label_metrics(multi_label_input(p), options);
}

std::vector<double> probability_of_truth(const Predictions& p) {
  const auto c = static_cast<std::int64_t>(p.classes.size());
  return p.multi_label ? probability_of_truth(p.probability, c, p.truth_labels)
                       : probability_of_truth(p.probability, c, p.truth);
}

Figures figures(const Predictions& p, const FiguresOptions& options) {
  const bool intervals = p.samples() <= options.intervals_up_to;
  Figures out;
  out.too_many_for_intervals = !intervals && options.intervals_up_to > 0;
  if (p.multi_label) {
    out.multi = multi_label_metrics(p, options.metrics);
    if (intervals) out.intervals = bootstrap_intervals(multi_label_input(p), options.bootstrap);
  } else {
    out.single = single_label_metrics(p, options.metrics);
    if (intervals) out.intervals = bootstrap_intervals(single_label_input(p), options.bootstrap);
  }
  return out;
}

std::string metrics_json(const Predictions& p, int indent) {
  return metrics_json(figures(p), indent);
}

std::string metrics_text(const Predictions& p) {
  return metrics_text(figures(p));
}

}  // namespace taxon
