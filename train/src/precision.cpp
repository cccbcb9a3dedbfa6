// What --precision auto means: rules for each level of instruction sets, by what is measured in
// docs/performance.md and docs/kernels.md.
#include <taxon/train/recipe.h>

namespace taxon {

// Without dot products of bf16, arithmetic is f32 whatever is stored: bf16 saves memory, not time.
// With them bf16 trains faster, but it is taken by itself only where several seeds show the same
// accuracy, which no recipe has done yet.
AutoPrecision auto_precision(Isa isa, const std::string& model) {
  const std::string level(name_of(isa));
  switch (isa) {
    case Isa::baseline:
    case Isa::avx2:
    case Isa::avx512:
      return {"f32", level + " multiplies f32 alone"};
    case Isa::avx512bf16:
      return {"f32",
              "bf16 is faster on " + level + ", but not shown to train " + model + " as well"};
    case Isa::amx:
      return {"f32", "bf16 has not been measured on " + level};
  }
  return {"f32", "exact on every processor"};
}

}  // namespace taxon
