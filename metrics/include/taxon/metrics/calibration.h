// How far confidences can be believed: reliability diagrams and calibration errors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace taxon {

inline constexpr int kCalibrationBins = 15;

/// The samples whose confidence falls into (low, high] (the first bin holds 0 as well).
struct CalibrationBin {
  double low = 0, high = 0;
  double count = 0;       ///< samples, or the sum of their weights
  double confidence = 0;  ///< their mean; 0 without samples
  double accuracy = 0;    ///< the share that is right; 0 without samples
};

/// The points of a reliability diagram (Niculescu-Mizil and Caruana 2005): `bins` bins of equal
/// width on [0, 1]. confidence [n] in [0, 1], correct [n], weight [n] or empty. Throws ShapeError
/// where lengths differ or n is 0, OptionError for bins < 1.
std::vector<CalibrationBin> reliability(std::span<const double> confidence,
                                        std::span<const std::uint8_t> correct,
                                        int bins = kCalibrationBins,
                                        std::span<const double> weight = {});
/// The same with bins of (nearly) equal numbers of samples, whose borders are the confidences at
/// ranks n b / bins; equal confidences share a bin, so that bins may be empty and are left out.
std::vector<CalibrationBin> reliability_equal_mass(std::span<const double> confidence,
                                                   std::span<const std::uint8_t> correct,
                                                   int bins = kCalibrationBins,
                                                   std::span<const double> weight = {});

/// Expected calibration error (Guo et al. 2017, "On calibration of modern neural networks", eq. 3):
/// mean of |accuracy - confidence| over the bins, weighted by their counts.
double expected_error(std::span<const CalibrationBin> bins);
/// The largest |accuracy - confidence| of a bin that has samples (Guo et al. 2017, eq. 5).
double maximum_error(std::span<const CalibrationBin> bins);
/// expected_error of `bins` bins of equal width.
double expected_calibration_error(std::span<const double> confidence,
                                  std::span<const std::uint8_t> correct,
                                  int bins = kCalibrationBins);

}  // namespace taxon
