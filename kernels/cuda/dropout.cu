// Dropout: the bits that the CPU draws. Element i is kept if word i % 4 of philox(seed, stream,
// i / 4), as a fraction of 2^32, is at least p.
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

/// Each step is one counter: four elements.
template <class T>
__global__ void dropout(const T* x, T* y, int64_t n, bool packed, uint64_t seed, uint64_t stream,
                        unsigned least_kept, float scale) {
  for (int64_t step = first_step(); step * 4 < n; step += all_steps()) {
    const Words words = philox(seed, stream, static_cast<uint64_t>(step));
    const int64_t first = step * 4;
    if (packed && first + 4 <= n) {
      Pack<T, 4> p = load_pack<T, 4>(x + first);
      TAXON_UNROLL
      for (int j = 0; j < 4; ++j) {
        p.v[j] = narrow<T>(widen(p.v[j]) * (words.v[j] >= least_kept ? scale : 0.0f));
      }
      store_pack(y + first, p);
    } else {
      for (int j = 0; j < 4 && first + j < n; ++j) {
        y[first + j] = narrow<T>(widen(x[first + j]) * (words.v[j] >= least_kept ? scale : 0.0f));
      }
    }
  }
}

template <class T>
void run(const DropoutArgs& g, const Exec& exec) {
  if (g.n < 1) return;
  // word / 2^32 >= p, in integers; from 2^32 on nothing is kept
  const double bound = ceil(g.p * 4294967296.0);
  const bool any = bound < 4294967296.0;
  const unsigned least_kept = any && bound > 0 ? static_cast<unsigned>(bound) : 0;
  const float scale = any ? static_cast<float>(1 / (1 - g.p)) : 0.0f;
  const auto* x = static_cast<const T*>(g.x);
  auto* y = static_cast<T*>(g.y);
  TAXON_LAUNCH(dropout<T>, grid_of(blocks_for(ceil_div(g.n, 4))), block_threads, exec, x, y, g.n,
               all_aligned(4 * sizeof(T), x, y), g.seed, g.stream, least_kept, scale);
}

}  // namespace

Rows<DropoutArgs> dropout_rows(Type type) {
  static const Row<DropoutArgs> f32[] = {
      {"dropout/cuda", Needs::baseline, true, nullptr, nullptr, run<float>}};
  static const Row<DropoutArgs> bf16[] = {
      {"dropout/cuda", Needs::baseline, true, nullptr, nullptr, run<Bf16>}};
  return pick(type, f32, bf16);
}

}  // namespace taxon::kernels::cuda
