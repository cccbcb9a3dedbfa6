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
      CHECK(auto_precision(cpu, parse_isa(name), model).precision == chosen.precision);
      const Device gpu{DeviceType::cuda, 0};
      CHECK(auto_precision(gpu, parse_isa(name), model).precision == (shown ? "bf16" : "f32"));
    }
  }
}
