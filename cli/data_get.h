// The action `get` of taxon data.
#pragma once

#include <string>

namespace taxon::cli {

struct GetRequest {
  std::string name, data_dir;
  std::string mirror;  ///< tried first; "" for none
  bool json = false, quiet = false;
};

int get_data(const GetRequest& request);

}  // namespace taxon::cli
