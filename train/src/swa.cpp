// See swa.h.
#include "swa.h"

#include <taxon/core/ops.h>
#include <taxon/layers/norm.h>

#include <map>

namespace taxon {
namespace {

void copy_buffers(Module& to, const Module& from) {
  auto mine = to.named_buffers();
  const auto theirs = from.named_buffers();
  for (std::size_t i = 0; i < mine.size(); ++i) mine[i].tensor.copy_from(theirs[i].tensor);
}

// As the model's modules are; a parent's mode is set before its children's.
void copy_modes(Module& to, Module& from) {
  std::map<std::string, bool> training;
  from.visit([&](const std::string& name, Module& m) { training[name] = m.training(); });
  to.visit([&](const std::string& name, Module& m) { m.train(training[name]); });
}

std::vector<BatchNorm2d*> training_norms(Module& module) {
  std::vector<BatchNorm2d*> out;
  module.visit([&](const std::string&, Module& m) {
    auto* norm = dynamic_cast<BatchNorm2d*>(&m);
    if (norm != nullptr && norm->training()) out.push_back(norm);
  });
  return out;
}

}  // namespace

void average_in(Module& average, const Module& model, std::int64_t count) {
  NoGrad no_grad;
  auto to = average.parameters();
  auto from = model.parameters();
  if (count > 0) {
    lerp_(to, from, 1.0 / static_cast<double>(count + 1));
    return;
  }
  for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_from(from[i]);
}

bool update_norms(Module& average, Module& model, Loader& loader, std::int64_t epoch,
                  const std::atomic<bool>* interrupt) {
  NoGrad no_grad;
  copy_buffers(average, model);
  copy_modes(average, model);
  const std::vector<BatchNorm2d*> norms = training_norms(average);
  bool whole = true;
  if (!norms.empty()) {
    for (BatchNorm2d* norm : norms) norm->average_batches(true);
    loader.start(epoch);
    for (Batch batch; whole && loader.next(batch);) {
      whole = interrupt == nullptr || !interrupt->load();
      if (whole) average.forward(batch.x);
    }
    for (BatchNorm2d* norm : norms) norm->average_batches(false);
  }
  average.eval();
  return whole;
}

}  // namespace taxon
