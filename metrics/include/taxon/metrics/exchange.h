// Predictions in other tools' formats.
#pragma once

#include <taxon/metrics/predictions.h>

#include <string>

namespace taxon {

/// labels.json of FiftyOne's FiftyOneImageClassificationDataset: "classes", and under "labels" for
/// each file (its path without the extension) {"label": index of the class, "confidence": ...};
/// with several labels a sample "label" is a list of indices. Throws OptionError for predictions
/// without paths.
std::string fiftyone_labels(const Predictions& predictions);
/// Whether a sample has a path.
bool names_files(const Predictions& predictions);

}  // namespace taxon
