// The tests of devices on a real GPU: skipped, with a line that says so, where there is none.
#include <taxon/core/devices.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

const bool there = [] {
  std::string why;
  if (taxon::is_available({taxon::DeviceType::cuda, 0}, &why)) return true;
  std::printf("SKIPPED: %s\n", why.c_str());
  std::exit(77);
}();

}  // namespace
