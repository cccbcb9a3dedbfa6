// What a model's head sees, computed once: for training the head alone of a model whose backbone
// rests.
#pragma once

#include <taxon/data/loader.h>
#include <taxon/models/model.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace taxon {

/// Features of every sample, f32 [samples, f], from batches in the data's order: bit for bit what
/// Model::forward gives the head in evaluation mode. `images`: batch and preprocessing; the model
/// must be in evaluation mode. Undefined when they would take more than `bytes`. Throws Interrupted
/// once *interrupt is true.
Tensor features_of(Model& model, const DatasetPtr& data, const LoaderOptions& images,
                   std::int64_t bytes, const std::atomic<bool>* interrupt = nullptr);

/// The head as a module from features to logits; the model's own parameters, listed by the model
/// alone.
std::shared_ptr<Module> head_of(std::shared_ptr<Model> model);

}  // namespace taxon
