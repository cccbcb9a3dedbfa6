// What --precision auto means: rules for GPUs and each level of instruction sets, by what is
// measured in docs/performance.md and docs/kernels.md.
#include <taxon/train/recipe.h>

#include <algorithm>
#include <string_view>

namespace taxon {
namespace {

// Architectures that reach the same accuracy in bf16 over several seeds: docs/recipes.md.
constexpr std::string_view shown_in_bf16[] = {"airnet-small", "airnet"};

bool is_shown(const std::string& model) {
  return std::ranges::count(shown_in_bf16, model) > 0;
}

}  // namespace

AutoPrecision gpu_precision(bool has_bf16, const std::string& model) {
  if (!has_bf16) return {"f32", "tensor cores take bf16 from sm_80 on"};
  if (is_shown(model)) return {"bf16", "tensor cores, and " + model + " trains as well"};
  return {"f32", "bf16 is faster on a GPU, but not shown to train " + model + " as well"};
}

// Without dot products of bf16, arithmetic is f32 whatever is stored: bf16 saves memory, not time.
// With them bf16 trains faster, but it is taken by itself only where several seeds show the same
// accuracy.
AutoPrecision auto_precision(Isa isa, const std::string& model) {
  const std::string level(name_of(isa));
  switch (isa) {
    case Isa::baseline:
    case Isa::avx2:
    case Isa::avx512:
      return {"f32", level + " multiplies f32 alone"};
    case Isa::avx512bf16:
      if (is_shown(model)) {
        return {"bf16", "faster on " + level + ", and " + model + " trains as well"};
      }
      return {"f32",
              "bf16 is faster on " + level + ", but not shown to train " + model + " as well"};
    case Isa::amx:
      return {"f32", "bf16 has not been measured on " + level};
  }
  return {"f32", "exact on every processor"};
}

}  // namespace taxon
