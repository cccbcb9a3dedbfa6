// Augmentation by name or from a TOML file.
#pragma once

#include <taxon/data/transforms.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace taxon {

/// What the images are that a preset is made for.
struct AugmentContext {
  std::int64_t height = 0, width = 0;  ///< of the model's input
  bool flips = false;                  ///< a mirrored image keeps its class
};

/// Whether `augment` means a file: it ends in ".toml".
bool is_augment_file(std::string_view augment);
/// What --augment means: the name of a preset, or a file. Throws OptionError for another name or a
/// field out of range, and what augment_from_toml throws.
Augment augment_for(const std::string& augment, const AugmentContext& context);

/// Fields of Augment by name, and `preset`: where the fields that are not named come from (else
/// none). `name` stands for the file in errors. Throws FormatError for text that is not TOML and
/// values of a wrong kind, OptionError for unknown keys and values out of range: with file, line,
/// key, what was found and what was expected.
Augment augment_from_toml(std::string_view text, const std::string& name,
                          const AugmentContext& context);
/// Every field; reads back as the same.
std::string to_toml(const Augment& augment);

}  // namespace taxon
