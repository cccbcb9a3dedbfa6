// Reliability diagrams and calibration errors.
#include <taxon/base/error.h>
#include <taxon/metrics/calibration.h>

#include "checks.h"
#include "parts.h"
#include "score_walk.h"

#include <algorithm>
#include <cmath>

namespace taxon {

using namespace scoring;

namespace {

void check(const char* what, std::span<const double> confidence,
           std::span<const std::uint8_t> correct, int bins, std::span<const double> weight) {
  if (confidence.size() != correct.size())
    fail<ShapeError>(what, ": ", confidence.size(), " confidences, ", correct.size(), " outcomes");
  if (bins < 1) fail<OptionError>(what, ": ", bins, " bins, expected >= 1");
  if (confidence.empty()) fail<ShapeError>(what, ": no samples");
  check_finite(what, confidence);
  check_weights(what, weight, confidence.size());
}

void add(CalibrationBin& bin, double confidence, bool correct, double weight) {
  bin.count += weight;
  bin.confidence += weight * confidence;
  bin.accuracy += correct ? weight : 0;
}

// Sums become means.
void finish(CalibrationBin& bin) {
  if (bin.count == 0) return;
  bin.confidence /= bin.count;
  bin.accuracy /= bin.count;
}

// Samples by confidence, the lowest first: as numbers that hold all there is to know of one, which
// sort several times as fast,
class Packed {
 public:
  Packed(std::span<const double> confidence, std::span<const std::uint8_t> correct)
      : keys_(confidence.size()), spare_(confidence.size()) {
    for (std::size_t i = 0; i < keys_.size(); ++i)
      keys_[i] = packed(confidence[i], correct[i] != 0);
    order_ = sorted(keys_, spare_);
  }
  Packed(const Packed&) = delete;  // order_ points into keys_ or spare_
  Packed& operator=(const Packed&) = delete;

  std::size_t size() const { return order_.size(); }
  double confidence(std::size_t i) const { return score_of(order_[i]); }
  void add_to(CalibrationBin& bin, std::size_t i) const {
    add(bin, confidence(i), (order_[i] & 1) != 0, 1);
  }

 private:
  std::vector<std::uint64_t> keys_, spare_;
  std::span<const std::uint64_t> order_;
};

// or by their indices.
struct Indexed {
  std::span<const double> confidences;
  std::span<const std::uint8_t> correct;
  std::span<const double> weight;
  std::vector<Scored> order;

  std::size_t size() const { return order.size(); }
  double confidence(std::size_t i) const { return confidences[order[i].index]; }
  void add_to(CalibrationBin& bin, std::size_t i) const {
    const std::size_t at = order[i].index;
    add(bin, confidences[at], correct[at] != 0, weight_of(weight, at));
  }
};

template <class Samples>
std::vector<CalibrationBin> equal_mass(const Samples& samples, int bins) {
  const std::size_t n = samples.size();
  std::vector<CalibrationBin> out;
  double low = 0;
  std::size_t at = 0;
  for (int b = 1; b <= bins && at < n; ++b) {
    std::size_t end = n * static_cast<std::size_t>(b) / static_cast<std::size_t>(bins);
    while (end > 0 && end < n && samples.confidence(end) == samples.confidence(end - 1)) ++end;
    if (end <= at) continue;
    CalibrationBin bin{low, samples.confidence(end - 1), 0, 0, 0};
    for (; at < end; ++at) samples.add_to(bin, at);
    finish(bin);
    low = bin.high;
    out.push_back(bin);
  }
  return out;
}

}  // namespace

std::vector<CalibrationBin> reliability(std::span<const double> confidence,
                                        std::span<const std::uint8_t> correct, int bins,
                                        std::span<const double> weight) {
  check("reliability", confidence, correct, bins, weight);
  const auto count = static_cast<std::size_t>(bins);
  std::vector<CalibrationBin> out(count);
  std::vector<double> upper(count);
  for (std::size_t b = 0; b < count; ++b) {
    upper[b] = out[b].high = static_cast<double>(b + 1) / static_cast<double>(bins);
    out[b].low = static_cast<double>(b) / static_cast<double>(bins);
  }
  std::vector<std::vector<CalibrationBin>> parts(kParts, out);
  for_parts(confidence.size(), [&](std::size_t part, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const auto it = std::lower_bound(upper.begin(), upper.end(), confidence[i]);
      const auto bin = std::min(static_cast<std::size_t>(it - upper.begin()), count - 1);
      add(parts[part][bin], confidence[i], correct[i] != 0, weight_of(weight, i));
    }
  });
  for (std::size_t b = 0; b < count; ++b) {
    for (const auto& part : parts) {
      out[b].count += part[b].count;
      out[b].confidence += part[b].confidence;
      out[b].accuracy += part[b].accuracy;
    }
    finish(out[b]);
  }
  return out;
}

std::vector<CalibrationBin> reliability_equal_mass(std::span<const double> confidence,
                                                   std::span<const std::uint8_t> correct, int bins,
                                                   std::span<const double> weight) {
  check("reliability_equal_mass", confidence, correct, bins, weight);
  const bool packed_form =
      weight.empty() && std::all_of(confidence.begin(), confidence.end(), packs);
  if (packed_form) return equal_mass(Packed(confidence, correct), bins);
  return equal_mass(Indexed{confidence, correct, weight, in_order(confidence)}, bins);
}

double expected_error(std::span<const CalibrationBin> bins) {
  double sum = 0, all = 0;
  for (const CalibrationBin& b : bins) {
    sum += b.count * std::abs(b.accuracy - b.confidence);
    all += b.count;
  }
  return all > 0 ? sum / all : 0;
}

double maximum_error(std::span<const CalibrationBin> bins) {
  double most = 0;
  for (const CalibrationBin& b : bins)
    if (b.count > 0) most = std::max(most, std::abs(b.accuracy - b.confidence));
  return most;
}

double expected_calibration_error(std::span<const double> confidence,
                                  std::span<const std::uint8_t> correct, int bins) {
  return expected_error(reliability(confidence, correct, bins));
}

}  // namespace taxon
