// The gradient of a maximum over an axis: memory-bound and rare, so the reference serves.
#include <taxon/kernels/reduce.h>

namespace taxon::kernels {
namespace {

template <class T>
void spread(const SpreadArgs& args, const Exec& exec) {
  const T* dy = static_cast<const T*>(args.dy);
  T* dx = static_cast<T*>(args.dx);
  parallel(exec, args.outer, [&args, dy, dx](int64_t o, int) {
    for (int64_t j = 0; j < args.n; ++j) {
      for (int64_t i = 0; i < args.inner; ++i) {
        const int64_t at = o * args.inner + i;
        dx[(o * args.n + j) * args.inner + i] = args.index[at] == j ? dy[at] : T(0);
      }
    }
  });
}

constexpr Row<SpreadArgs> kF32[] = {
    {"spread/reference", Needs::baseline, true, nullptr, nullptr, spread<float>}};
constexpr Row<SpreadArgs> kBf16[] = {  // bits are moved, not computed with
    {"spread/reference", Needs::baseline, true, nullptr, nullptr, spread<uint16_t>}};
constexpr Row<SpreadArgs> kF64[] = {
    {"spread/reference", Needs::baseline, true, nullptr, nullptr, spread<double>}};

}  // namespace

Rows<SpreadArgs> spread_rows(Type type) {
  if (type == Type::bf16) return {kBf16, 1};
  return type == Type::f64 ? Rows<SpreadArgs>{kF64, 1} : Rows<SpreadArgs>{kF32, 1};
}

}  // namespace taxon::kernels
