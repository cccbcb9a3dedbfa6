// --freeze: which parts rest, and what can be computed once because of it.
#pragma once

#include "setup.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace taxon {

/// Freezes what --freeze names: the first N parts of the model, or all but its head. Fills
/// `frozen` and `thaw`.
void freeze(const Setup& setup, TrainerParts& parts);

/// Features take at most so much memory, of train and of what is evaluated together.
inline constexpr std::int64_t max_feature_bytes = std::int64_t{1} << 30;

/// Features of a frozen backbone: of the evaluated split, and of train where its images never
/// change. `train`, `watch`: the options of the loaders whose batches they stand for. Empty where
/// the backbone is not frozen or they are too large. Throws Interrupted.
HeadParts make_head_parts(const Setup& setup, const LoaderOptions& train,
                          const LoaderOptions& watch, const std::shared_ptr<Model>& average,
                          const std::atomic<bool>* interrupt);

}  // namespace taxon
