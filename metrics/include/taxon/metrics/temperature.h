// Temperature scaling: one number that makes confidences honest and changes no answer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace taxon {

inline constexpr double kLeastTemperature = 0.05, kMostTemperature = 20;

/// The temperature t by which to divide logits so that -log p of the truth is least on average (Guo
/// et al. 2017, "On calibration of modern neural networks", section 4.2), within
/// [kLeastTemperature, kMostTemperature]; 1 where the truth tells nothing (a single class). A prior
/// of the weight of one sample, log t normal around 0 with deviation 1, keeps a handful of samples
/// that are all right from making the model certain of everything.
/// Single-label: p is the softmax; logits [n, classes], truth [n]. Throws ShapeError, OptionError
/// for a logit that is not finite or an index out of range.
double fit_temperature(std::span<const float> logits, std::int64_t classes,
                       std::span<const std::int64_t> truth);
/// Multi-label: p is the sigmoid of each logit; logits and truth [n, classes].
double fit_temperature(std::span<const float> logits, std::span<const std::uint8_t> truth);

/// The probabilities as they were before their logits were divided by `temperature` > 0: softmax
/// probabilities [n, classes], p^t / sum p^t; or of `several` labels, each by itself. -> the same
/// shape. Throws ShapeError, OptionError.
std::vector<double> without_temperature(std::span<const double> probability, std::int64_t classes,
                                        double temperature, bool several);

}  // namespace taxon
