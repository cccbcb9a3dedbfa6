#include <taxon/base/error.h>

#include <cstdio>

namespace taxon {

void append(std::string& out, std::string_view s) {
  out.append(s);
}

void append(std::string& out, long long v) {
  out.append(std::to_string(v));
}

void append(std::string& out, unsigned long long v) {
  out.append(std::to_string(v));
}

void append(std::string& out, double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", v);
  out += buffer;
}

}  // namespace taxon
