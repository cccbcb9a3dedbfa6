// The folder of a run: made fresh, and the names of what lies in it.
#pragma once

#include <string>

namespace taxon {

/// Makes `wanted`, or the first of wanted-2, wanted-3, ... that is not there yet; parents too.
/// Throws IoError.
std::string make_run_folder(const std::string& wanted);

/// Removes what a killed process left half-written: NAME.tmpPID.N.
void remove_leftovers(const std::string& folder);

struct RunFiles {
  explicit RunFiles(const std::string& folder)
      : args(folder + "/args.toml"),
        augment(folder + "/augment.toml"),
        sampling(folder + "/sampling.csv"),
        class_weights(folder + "/class_weights.csv"),
        lr_range(folder + "/lr_range.csv"),
        results(folder + "/results.csv"),
        best(folder + "/best.safetensors"),
        last(folder + "/last.safetensors"),
        checkpoint(folder + "/checkpoint.safetensors"),
        predictions(folder + "/predictions.csv"),
        labels(folder + "/labels.json"),
        metrics(folder + "/metrics.json"),
        embedding(folder + "/embedding.csv") {}
  std::string args, augment, sampling, class_weights, lr_range, results, best, last, checkpoint,
      predictions, labels, metrics, embedding;
};

}  // namespace taxon
