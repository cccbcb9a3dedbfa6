// checkpoint.safetensors: all that a run needs to go on as if it had never stopped.
#pragma once

#include <taxon/train/trainer.h>

#include <cstdint>
#include <string>
#include <vector>

namespace taxon {

struct Checkpoint {
  Progress progress;
  std::vector<NamedTensor> state;
  std::uint64_t data = 0;  ///< the data's fingerprint
  std::string isa;  ///< the level of instruction set: results are bitwise equal for one level
};

/// Atomic: the old checkpoint or the new one, whole. Throws IoError.
void save_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// Throws IoError; FormatError naming the file, what was found and what was expected.
Checkpoint load_checkpoint(const std::string& path);

}  // namespace taxon
