// Stochastic weight averaging (Izmailov et al., "Averaging weights leads to wider optima and better
// generalization", 2018).
#pragma once

#include <taxon/data/loader.h>
#include <taxon/layers/module.h>

#include <atomic>
#include <cstdint>

namespace taxon {

/// Parameters of `average` become the mean of `count` earlier sets and the model's.
void average_in(Module& average, const Module& model, std::int64_t count);

/// What is no parameter is the model's; then batch norms that are in training mode in the model get
/// the statistics of one pass over the loader's epoch, as torch.optim.swa_utils.update_bn computes
/// them: the plain mean over its batches. Leaves `average` in evaluation mode. Returns false if
/// *interrupt became true before the end.
bool update_norms(Module& average, Module& model, Loader& loader, std::int64_t epoch,
                  const std::atomic<bool>* interrupt);

}  // namespace taxon
