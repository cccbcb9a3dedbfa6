// --lr auto: a learning-rate range test (Smith, "Cyclical learning rates for training neural
// networks", 2017, section 3.3) on a copy of what is to be trained.
#pragma once

#include <taxon/train/trainer.h>

#include <atomic>
#include <string>
#include <vector>

namespace taxon {

struct LrRangeOptions {
  double low = 1e-6, high = 10;
  std::int64_t updates = 100;  ///< the rate rises by an equal factor from one to the next
  std::int64_t accumulate = 1;
  double clip_norm = 0;
};

/// An update: its rate, the loss before it, and that loss smoothed (moving average of decay 0.9,
/// corrected for its start).
struct LrRangeStep {
  double lr = 0, loss = 0, smoothed = 0;
};

struct LrRange {
  std::vector<LrRangeStep> steps;
  bool diverged = false;     ///< the last step is where it did
  double steepest = 0;       ///< the rate at which the smoothed loss fell fastest
  double lr = 0;             ///< the choice
  std::string text() const;  ///< what was found, in a line
  std::string csv() const;   ///< lr,loss,smoothed
  std::string plot() const;  ///< smoothed loss over the rate, in characters
};

/// Stops where the smoothed loss is above four times its lowest so far, or not finite. The choice
/// is the rate of the steepest fall (in the logarithm of the rate, before the lowest loss), but at
/// most a tenth of the last rate tried: an order of magnitude below divergence, as Howard and
/// Gugger (fastai, lr_find) advise. Two significant digits. Throws TrainingError where the loss
/// never falls, Interrupted.
LrRange lr_range_test(TrainerParts parts, const LrRangeOptions& options,
                      const std::atomic<bool>* interrupt = nullptr);
/// The choice from steps made elsewhere; fills steepest and lr.
void choose_lr(LrRange& range);

}  // namespace taxon
