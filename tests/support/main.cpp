// The entry point of every test executable. With TAXON_EXPECT_ISA set, it skips visibly (exit code
// 77) where the processor lacks that instruction set, and fails if another one is in force. With
// TAXON_NEEDS set, it skips as visibly where none of these programs (a|b|c) is installed.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include "catch.h"

#include <taxon/base/cpu.h>
#include <taxon/base/text.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include <unistd.h>

namespace {

bool is_installed(const std::string& programs) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : taxon::split(path == nullptr ? "" : path, ':')) {
    for (const std::string& program : taxon::split(programs, '|'))
      if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (const char* programs = std::getenv("TAXON_NEEDS")) {
    if (!is_installed(programs)) {
      std::printf("SKIPPED: none of these is installed: %s\n", programs);
      return 77;
    }
  }
  if (const char* expected = std::getenv("TAXON_EXPECT_ISA")) {
    const taxon::Isa isa = taxon::parse_isa(expected);
    if (isa > taxon::detected_isa()) {
      std::printf("SKIPPED: this processor lacks %s\n", expected);
      return 77;
    }
    if (taxon::active_isa() != isa) {
      std::printf("FAILED: TAXON_ISA=%s did not take effect\n", expected);
      return 1;
    }
  }
  return Catch::Session().run(argc, argv);
}
