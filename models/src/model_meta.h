// ModelMeta to and from the metadata of a model file.
#pragma once

#include <taxon/models/model_file.h>

namespace taxon {

std::map<std::string, std::string> to_metadata(const ModelMeta& meta);
/// Throws FormatError naming `file`, the entry, what was found and what was expected.
ModelMeta from_metadata(const std::map<std::string, std::string>& metadata,
                        const std::string& file);

}  // namespace taxon
