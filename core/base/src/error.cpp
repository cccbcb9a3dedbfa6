#include <taxon/base/error.h>

#include <cstdio>

namespace taxon {

void append(std::string& out, double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", v);
  out += buffer;
}

}  // namespace taxon
