// The entry point of every test executable. With TAXON_EXPECT_ISA set, it skips visibly (exit code
// 77) where the processor lacks that instruction set, and fails if another one is in force.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include "catch.h"

#include <taxon/base/cpu.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
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
