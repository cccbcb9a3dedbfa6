// The inner loops of depthwise convolution (one input and one output channel a group): vectors run
// over channels. See depthwise.h.
#include "conv2d/depthwise.h"

namespace taxon::kernels::TAXON_ISA {
namespace {

#if defined(TAXON_ISA_avx512)
constexpr int64_t kWidth = 16;
#elif defined(TAXON_ISA_avx2)
constexpr int64_t kWidth = 8;
#else
constexpr int64_t kWidth = 4;
#endif
typedef float Vec __attribute__((vector_size(kWidth * 4)));

inline __attribute__((always_inline)) Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof(Vec));
  return v;
}
inline __attribute__((always_inline)) void store(float* p, Vec v) {
  __builtin_memcpy(p, &v, sizeof(Vec));
}

void weighted_sums(const DepthwisePixel& p) {
  int64_t c = 0;
  for (; c + kWidth <= p.channels; c += kWidth) {
    Vec sum = Vec{};
    for (int64_t t = 0; t < p.taps; ++t) sum += load(p.sources[t] + c) * load(p.weights[t] + c);
    if (p.bias != nullptr) sum += load(p.bias + c);
    if (p.residual != nullptr) sum += load(p.residual + c);
    store(p.out + c, p.relu ? (sum < Vec{} ? Vec{} : sum) : sum);
  }
  for (; c < p.channels; ++c) {
    float sum = 0;
    for (int64_t t = 0; t < p.taps; ++t) sum += p.sources[t][c] * p.weights[t][c];
    if (p.bias != nullptr) sum += p.bias[c];
    if (p.residual != nullptr) sum += p.residual[c];
    p.out[c] = p.relu && sum < 0 ? 0 : sum;
  }
}

void add_products(const float* const* sources, float* const* sums, int64_t taps, int64_t channels,
                  const float* y) {
  int64_t c = 0;
  for (; c + kWidth <= channels; c += kWidth) {
    const Vec v = load(y + c);
    for (int64_t t = 0; t < taps; ++t)
      store(sums[t] + c, load(sums[t] + c) + load(sources[t] + c) * v);
  }
  for (; c < channels; ++c) {
    for (int64_t t = 0; t < taps; ++t) sums[t][c] += sources[t][c] * y[c];
  }
}

}  // namespace

const DepthwiseMicro depthwise = {weighted_sums, add_products};

}  // namespace taxon::kernels::TAXON_ISA
