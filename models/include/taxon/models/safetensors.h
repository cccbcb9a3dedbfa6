// The file format safetensors: a JSON header (names, dtypes, shapes, offsets, metadata), then the
// tensors' bytes. Reading trusts nothing.
#pragma once

#include <taxon/layers/module.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace taxon {

struct TensorFile {
  std::vector<NamedTensor> tensors;  ///< in the order of their data
  std::map<std::string, std::string> metadata;
  const Tensor* find(const std::string& name) const;  ///< nullptr if absent
};

/// f32, bf16, f64, u8, i32, i64; F16 is read as f32. Throws IoError, or FormatError naming the
/// file, what was found and what was expected: header length against the file's size (and 100 MB),
/// JSON, dtype, shape and bytes that disagree, offsets out of range, overlapping or leaving holes,
/// a name that comes twice.
TensorFile read_safetensors(const std::string& path);
/// The same for bytes in memory; `name` stands in for the path in errors.
TensorFile parse_safetensors(std::span<const std::uint8_t> bytes, const std::string& name);
/// The metadata alone, without reading the tensors.
std::map<std::string, std::string> read_safetensors_metadata(const std::string& path);
/// Atomic: the old file or the new one, whole. Tensors are written by descending element size, then
/// in the order given, so that each is aligned. Throws IoError, or FormatError for a name that
/// comes twice.
void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace taxon
