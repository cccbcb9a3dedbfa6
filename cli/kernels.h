// What `taxon info --kernels` shows: the tables, and the choices of one model's layers.
#pragma once

#include <taxon/kernels/exec.h>
#include <taxon/models/model.h>

#include <cstdint>
#include <string>

namespace taxon::cli {

/// The tables of kernels, and the choices for typical convolutions.
void print_kernels();

/// Why a row cannot run on this machine, or "".
std::string lacks(kernels::Needs needs);

struct LayerRequest {
  ModelSpec spec;
  DType precision = DType::f32;
  std::int64_t batch = 128;
  double seconds = 2;  ///< of timing; 0: the kernels are chosen but not run
  bool json = false;
};
/// The kernels of a training step layer by layer: the row chosen, why better ones declined, the
/// work, and its share of what the machine can do.
void print_layer_kernels(const LayerRequest& request);

}  // namespace taxon::cli
