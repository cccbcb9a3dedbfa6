// predictions.csv: one row a sample, `id,path,true,predicted,confidence,loss,prob_<class>...`.
// Written by evaluation, read back for metrics of anyone's predictions. A column `weight` is read
// where there is one.
#pragma once

#include <taxon/metrics/classification.h>
#include <taxon/metrics/intervals.h>
#include <taxon/metrics/selective.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

/// Predictions of n samples. Columns that are unknown are empty.
struct Predictions {
  bool multi_label = false;
  std::vector<std::string> classes;
  std::vector<std::string> id, path;           ///< [n] or empty
  std::vector<std::int64_t> truth, predicted;  ///< single-label: [n] (predicted may be empty)
  std::vector<std::uint8_t> truth_labels, predicted_labels;  ///< multi-label: [n, classes]
  std::vector<double> probability;                           ///< [n, classes] or empty
  std::vector<double> confidence, loss;                      ///< [n] or empty
  std::vector<double> weight;                                ///< [n] or empty: 1 each
  std::vector<double> threshold;  ///< multi-label: [classes] or empty; not in the file

  std::int64_t samples() const;
};

/// Probabilities as the file holds them: each float becomes the double nearest to its shortest
/// decimal form. Metrics computed from these equal metrics of the written file bit for bit.
std::vector<double> as_written(std::span<const float> probability);

/// Fills what follows from probabilities and truth where it is empty: predicted (argmax, or
/// threshold, 0.5 if none), confidence and loss. Single-label: confidence is the probability of the
/// predicted class, loss -log p(true). Multi-label: confidence is that of the least certain label,
/// loss the mean binary cross-entropy over the labels.
void complete(Predictions& predictions);

/// [n]: 1 where the prediction is right, with several labels every one of them. The predictions are
/// complete.
std::vector<std::uint8_t> correct(const Predictions& predictions);

struct PredictionsOptions {
  std::string label_separator = "|";
  /// nullopt: several labels if a `true` or `predicted` cell holds the separator, or a row of
  /// probabilities does not sum to 1; else one.
  std::optional<bool> multi_label;
  bool texts = true;  ///< keep id, path and loss: figures need none of them
};
/// Files of any size are read in blocks, on all threads; what is kept are the columns. Only `true`
/// and either `predicted` or `prob_<class>` columns are required; columns of other names are
/// ignored. Classes stand in the order of the prob_ columns, without them sorted by name. Throws
/// IoError, or FormatError naming file, line, column, what was found and what was expected.
Predictions read_predictions(const std::string& path, const PredictionsOptions& options = {});
/// The same from text; `name` stands for the file in errors.
Predictions parse_predictions(std::string_view text, const std::string& name,
                              const PredictionsOptions& options = {});

/// Throws OptionError where a label's name holds the separator of several.
std::string predictions_csv(const Predictions& predictions,
                            const std::string& label_separator = "|");
/// Completed, then written as a whole or not at all. Throws IoError.
void write_predictions(const std::string& path, Predictions predictions,
                       const std::string& label_separator = "|");

/// The metrics of predictions of one kind; throws OptionError for the other kind.
SingleLabelMetrics single_label_metrics(const Predictions& predictions,
                                        const MetricsOptions& options = {});
MultiLabelMetrics multi_label_metrics(const Predictions& predictions,
                                      const MetricsOptions& options = {});

/// The probability of what is true of each sample (selective.h).
std::vector<double> probability_of_truth(const Predictions& predictions);

struct FiguresOptions {
  MetricsOptions metrics;
  BootstrapOptions bootstrap;
  /// Up to this many samples have intervals: a thousand resamples of them take under a second.
  std::int64_t intervals_up_to = 100'000;
};

/// Everything that metrics.json and the text say; one of the two kinds is there.
struct Figures {
  std::optional<SingleLabelMetrics> single;
  std::optional<MultiLabelMetrics> multi;
  Intervals intervals;                         ///< empty: none
  std::optional<double> temperature;           ///< of a calibrated model
  std::optional<double> ece_before;            ///< the calibration error without its temperature
  std::vector<SetFigures> sets;                ///< of its prediction sets, by coverage
  std::vector<AnswerFigures> answers;          ///< of those that its `--accuracy` gives
  std::optional<AnswerFigures> by_thresholds;  ///< of one label, where classes have thresholds
  bool too_many_for_intervals = false;
};
Figures figures(const Predictions& predictions, const FiguresOptions& options = {});
/// metrics.json and the text (report.h) of figures(predictions).
std::string metrics_json(const Predictions& predictions, int indent = -1);
std::string metrics_text(const Predictions& predictions);

}  // namespace taxon
