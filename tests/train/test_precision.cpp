// The rule of --precision auto, for every level of instruction sets, whatever this processor has.
#include "catch.h"

#include <taxon/models/model.h>
#include <taxon/train/recipe.h>

#include <string>

using namespace taxon;

TEST_CASE("--precision auto is a rule by instruction set and architecture") {
  for (const std::string& model : model_names()) {
    for (const char* name : {"baseline", "avx2", "avx512", "avx512bf16", "amx"}) {
      const AutoPrecision chosen = auto_precision(parse_isa(name), model);
      const bool shown = model == "airnet" || model == "airnet-small";
      CHECK(chosen.precision == (shown && name == std::string("avx512bf16") ? "bf16" : "f32"));
      CHECK(chosen.why.find(name) != std::string::npos);
    }
    const bool shown = model == "airnet" || model == "airnet-small";
    CHECK(gpu_precision(true, model).precision == (shown ? "bf16" : "f32"));
    CHECK(gpu_precision(false, model).precision == "f32");
  }
}
