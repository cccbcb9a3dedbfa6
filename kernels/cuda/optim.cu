// Optimizer updates over lists of tensors. A launch takes as many tensors as fit its parameters;
// each block has a piece of one of them.
#include "cuda/device.h"
#include "cuda/tables.h"

namespace taxon::kernels::cuda {
namespace {

constexpr int64_t piece = 4096;  ///< elements a block

/// Tensors of one launch: Tensor holds the pointers and constants of one.
template <class Tensor>
struct List {
  static constexpr int most_tensors = static_cast<int>(3900 / (sizeof(Tensor) + 12));
  Tensor tensors[most_tensors];
  int64_t sizes[most_tensors];
  int first_block[most_tensors];
  int count = 0, blocks = 0;
};

/// The tensor of the calling block: the last whose first block is not after it.
template <class Tensor>
__device__ int tensor_of_block(const List<Tensor>& list) {
  int low = 0, high = list.count - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (list.first_block[middle] <= static_cast<int>(blockIdx.x)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

template <class Constants, class Tensor>
__global__ void __launch_bounds__(block_threads) update(Constants constants, List<Tensor> list) {
  const int which = tensor_of_block(list);
  const Tensor& t = list.tensors[which];
  const int64_t first = (static_cast<int64_t>(blockIdx.x) - list.first_block[which]) * piece;
  const int64_t last = least(first + piece, list.sizes[which]);
  if (t.packed()) {
    int64_t i = first + threadIdx.x * 4;
    for (; i + 4 <= last; i += block_threads * 4) t.template step<4>(constants, i);
    for (; i < last; ++i) t.template step<1>(constants, i);
  } else {
    for (int64_t i = first + threadIdx.x; i < last; i += block_threads) {
      t.template step<1>(constants, i);
    }
  }
}

/// In lists as long as fit a launch. make(i): tensor i; size(i): its elements.
template <class Tensor, class Constants, class Make, class Size>
void start(int64_t count, const Constants& constants, const Exec& exec, Make make, Size size) {
  List<Tensor> list;
  const auto flush = [&] {
    if (list.count > 0) {
      TAXON_LAUNCH((update<Constants, Tensor>), grid_of(list.blocks), block_threads, exec,
                   constants, list);
    }
    list.count = list.blocks = 0;
  };
  for (int64_t i = 0; i < count; ++i) {
    if (size(i) < 1) continue;
    list.tensors[list.count] = make(i);
    list.sizes[list.count] = size(i);
    list.first_block[list.count++] = list.blocks;
    list.blocks += static_cast<int>(ceil_div(size(i), piece));
    if (list.count == List<Tensor>::most_tensors) flush();
  }
  flush();
}

// --- SGD ---

struct SgdConstants {
  float momentum, fresh;
  bool nesterov;
};
struct SgdOne {
  float* p;
  const float* g;
  float* v;  ///< null without momentum
  float lr, decay;
  bool first, aligned_all;

  __device__ bool packed() const { return aligned_all; }
  template <int N>
  __device__ void step(const SgdConstants& c, int64_t i) const {
    Pack<float, N> weight = load_pack<float, N>(p + i), grad = load_pack<float, N>(g + i), speed;
    if (v != nullptr && !first) speed = load_pack<float, N>(v + i);
    TAXON_UNROLL
    for (int k = 0; k < N; ++k) {
      float d = grad.v[k] + decay * weight.v[k];
      if (v != nullptr) {
        speed.v[k] = first ? d : c.momentum * speed.v[k] + c.fresh * d;
        d = c.nesterov ? d + c.momentum * speed.v[k] : speed.v[k];
      }
      weight.v[k] -= lr * d;
    }
    if (v != nullptr) store_pack(v + i, speed);
    store_pack(p + i, weight);
  }
};

void run_sgd(const SgdArgs& a, const Exec& exec) {
  const SgdConstants constants{static_cast<float>(a.momentum), static_cast<float>(1 - a.dampening),
                               a.nesterov};
  const auto make = [&](int64_t i) {
    const SgdTensor& t = a.tensors[i];
    void* v = a.momentum != 0 ? t.v : nullptr;
    return SgdOne{static_cast<float*>(t.p),
                  static_cast<const float*>(t.g),
                  static_cast<float*>(v),
                  static_cast<float>(t.lr),
                  static_cast<float>(t.weight_decay),
                  t.first,
                  all_aligned(16, t.p, t.g, static_cast<const void*>(v))};
  };
  start<SgdOne>(a.count, constants, exec, make, [&](int64_t i) { return a.tensors[i].n; });
}

// --- AdamW ---

struct AdamWConstants {
  float b1, b2, c1, c2, eps;  ///< c: 1 - b
};
struct AdamWOne {
  float* p;
  const float* g;
  float* m;
  float* v;
  float keep, rate, root;
  bool aligned_all;

  __device__ bool packed() const { return aligned_all; }
  template <int N>
  __device__ void step(const AdamWConstants& c, int64_t i) const {
    Pack<float, N> weight = load_pack<float, N>(p + i), mean = load_pack<float, N>(m + i);
    Pack<float, N> square = load_pack<float, N>(v + i);
    const Pack<float, N> grad = load_pack<float, N>(g + i);
    TAXON_UNROLL
    for (int k = 0; k < N; ++k) {
      const float d = grad.v[k];
      mean.v[k] = c.b1 * mean.v[k] + c.c1 * d;
      square.v[k] = c.b2 * square.v[k] + c.c2 * (d * d);
      weight.v[k] = weight.v[k] * keep - rate * (mean.v[k] / (sqrtf(square.v[k]) / root + c.eps));
    }
    store_pack(p + i, weight);
    store_pack(m + i, mean);
    store_pack(v + i, square);
  }
};

void run_adamw(const AdamWArgs& a, const Exec& exec) {
  const AdamWConstants constants{static_cast<float>(a.beta1), static_cast<float>(a.beta2),
                                 static_cast<float>(1 - a.beta1), static_cast<float>(1 - a.beta2),
                                 static_cast<float>(a.eps)};
  const auto make = [&](int64_t i) {
    const AdamWTensor& t = a.tensors[i];
    return AdamWOne{static_cast<float*>(t.p),   static_cast<const float*>(t.g),
                    static_cast<float*>(t.m),   static_cast<float*>(t.v),
                    static_cast<float>(t.keep), static_cast<float>(t.rate),
                    static_cast<float>(t.root), all_aligned(16, t.p, t.g, t.m, t.v)};
  };
  start<AdamWOne>(a.count, constants, exec, make, [&](int64_t i) { return a.tensors[i].n; });
}

// --- moving averages ---

struct LerpConstants {
  float weight;
};
struct LerpOne {
  const float* x;
  float* y;
  bool aligned_all;

  __device__ bool packed() const { return aligned_all; }
  template <int N>
  __device__ void step(const LerpConstants& c, int64_t i) const {
    const Pack<float, N> to = load_pack<float, N>(x + i);
    Pack<float, N> at = load_pack<float, N>(y + i);
    TAXON_UNROLL
    for (int k = 0; k < N; ++k) at.v[k] += c.weight * (to.v[k] - at.v[k]);
    store_pack(y + i, at);
  }
};

void run_lerp(const LerpArgs& a, const Exec& exec) {
  const LerpConstants constants{static_cast<float>(a.weight)};
  const auto make = [&](int64_t i) {
    const LerpTensor& t = a.tensors[i];
    return LerpOne{static_cast<const float*>(t.x), static_cast<float*>(t.y),
                   all_aligned(16, t.x, t.y)};
  };
  start<LerpOne>(a.count, constants, exec, make, [&](int64_t i) { return a.tensors[i].n; });
}

}  // namespace

Rows<SgdArgs> sgd_rows(Type type) {
  static const Row<SgdArgs> f32[] = {
      {"sgd/cuda", Needs::baseline, true, nullptr, nullptr, run_sgd}};
  return pick(type, f32);
}
Rows<AdamWArgs> adamw_rows(Type type) {
  static const Row<AdamWArgs> f32[] = {
      {"adamw/cuda", Needs::baseline, false, nullptr, nullptr, run_adamw}};
  return pick(type, f32);
}
Rows<LerpArgs> lerp_rows(Type type) {
  static const Row<LerpArgs> f32[] = {
      {"lerp/cuda", Needs::baseline, true, nullptr, nullptr, run_lerp}};
  return pick(type, f32);
}

}  // namespace taxon::kernels::cuda
