// Speed of loading alone, for `bench --loader`.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

namespace taxon::cli {

struct LoaderSpeed {
  std::string data;
  std::int64_t size = 224, batch = 128;
  double seconds = 3;
};

/// Random parts (8 % of the area or more) of training images resized to size x size, mirrored at
/// random and normalised, all decoded anew: images per second, over whole batches.
nlohmann::ordered_json loader_speed(const LoaderSpeed& request);

}  // namespace taxon::cli
