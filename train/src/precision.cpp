// What --precision auto means: rules for each level of instruction sets, by what is measured in
// docs/performance.md and docs/kernels.md.
#include <taxon/train/recipe.h>

#include <array>

namespace taxon {
namespace {

// Without dot products of bf16, arithmetic is f32 whatever is stored: bf16 saves memory, not time.
// With them, ResNets of 18 layers and more are measured to train faster.
constexpr std::array wide = {"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"};

bool is_wide(const std::string& model) {
  for (const char* name : wide) {
    if (model == name) return true;
  }
  return false;
}

}  // namespace

AutoPrecision auto_precision(Isa isa, const std::string& model) {
  const std::string level(name_of(isa));
  switch (isa) {
    case Isa::baseline:
    case Isa::avx2:
    case Isa::avx512:
      return {"f32", level + " multiplies f32 alone"};
    case Isa::avx512bf16:
      if (is_wide(model)) return {"bf16", level + " multiplies pairs of bf16: faster for " + model};
      return {"f32", "bf16 is not shown to train " + model + " faster on " + level};
    case Isa::amx:
      return {"f32", "bf16 has not been measured on " + level};
  }
  return {"f32", "exact on every processor"};
}

}  // namespace taxon
