// See reference.h. Sums run in double, in the order of the loops.
#include "reference.h"

#include <taxon/base/dtype.h>

namespace taxon::kernels {
namespace {

double wide(double x) {
  return x;
}
double wide(bf16 x) {
  return static_cast<double>(static_cast<float>(x));
}
template <class T>
T rounded(double x) {
  if constexpr (sizeof(T) < sizeof(float)) {
    return T(static_cast<float>(x));
  } else {
    return static_cast<T>(x);
  }
}
/// The type of weights, biases and their gradients beside images of T.
template <class T>
struct Parameter {
  using type = T;
};
template <>
struct Parameter<bf16> {
  using type = float;
};
template <class T>
using ParameterOf = typename Parameter<T>::type;

/// The sizes of one group, and where things lie.
struct Sizes {
  explicit Sizes(const Conv2dArgs& a) : channels(a.c / a.groups), filters(a.k / a.groups) {}
  int64_t channels, filters;
};

/// Input row (or column) that output point o reads at tap t, or -1 outside the input.
int64_t input_at(int64_t o, int64_t t, int64_t stride, int64_t pad, int64_t dilation,
                 int64_t size) {
  const int64_t i = o * stride + t * dilation - pad;
  return i < size ? i : -1;
}

/// Output point that reads input point i at tap t, or -1 if none does.
int64_t output_at(int64_t i, int64_t t, int64_t stride, int64_t pad, int64_t dilation,
                  int64_t size) {
  const int64_t o = i + pad - t * dilation;
  return o >= 0 && o % stride == 0 && o / stride < size ? o / stride : -1;
}

template <class T>
double dot(const T* a, const ParameterOf<T>* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += wide(a[i]) * wide(b[i]);
  return sum;
}

}  // namespace

template <class T>
void reference_forward(const Conv2dArgs& a, const Exec& exec) {
  const Sizes s(a);
  const auto* x = static_cast<const T*>(a.x);
  const auto* weight = static_cast<const ParameterOf<T>*>(a.weight);
  const auto* bias = static_cast<const ParameterOf<T>*>(a.bias);
  const auto* residual = static_cast<const T*>(a.residual);
  auto* y = static_cast<T*>(a.y);
  const auto point = [&](int64_t n, int64_t oy, int64_t ox, int64_t k) {
    const int64_t group = k / s.filters;
    double sum = 0;
    for (int64_t r = 0; r < a.r; ++r) {
      const int64_t iy = input_at(oy, r, a.stride_h, a.pad_h, a.dilation_h, a.h);
      if (iy < 0) continue;
      for (int64_t t = 0; t < a.s; ++t) {
        const int64_t ix = input_at(ox, t, a.stride_w, a.pad_w, a.dilation_w, a.w);
        if (ix < 0) continue;
        sum += dot(x + ((n * a.h + iy) * a.w + ix) * a.c + group * s.channels,
                   weight + ((k * a.r + r) * a.s + t) * s.channels, s.channels);
      }
    }
    if (bias != nullptr) sum += wide(bias[k]);
    const int64_t at = ((n * a.oh + oy) * a.ow + ox) * a.k + k;
    if (residual != nullptr) sum += wide(residual[at]);
    return rounded<T>(a.relu && sum < 0 ? 0 : sum);
  };
  parallel(exec, a.n * a.oh, [&](int64_t row, int) {
    for (int64_t i = 0; i < a.ow * a.k; ++i) {
      y[row * a.ow * a.k + i] = point(row / a.oh, row % a.oh, i / a.k, i % a.k);
    }
  });
}

template <class T>
void reference_backward_data(const Conv2dArgs& a, const Exec& exec) {
  const Sizes s(a);
  auto* x = static_cast<T*>(a.x);
  const auto* weight = static_cast<const ParameterOf<T>*>(a.weight);
  const auto* y = static_cast<const T*>(a.y);
  const auto point = [&](int64_t n, int64_t iy, int64_t ix, int64_t c) {
    const int64_t group = c / s.channels;
    double sum = 0;
    for (int64_t r = 0; r < a.r; ++r) {
      const int64_t oy = output_at(iy, r, a.stride_h, a.pad_h, a.dilation_h, a.oh);
      if (oy < 0) continue;
      for (int64_t t = 0; t < a.s; ++t) {
        const int64_t ox = output_at(ix, t, a.stride_w, a.pad_w, a.dilation_w, a.ow);
        if (ox < 0) continue;
        const T* dy = y + ((n * a.oh + oy) * a.ow + ox) * a.k;
        for (int64_t k = group * s.filters; k < (group + 1) * s.filters; ++k) {
          sum +=
              wide(dy[k]) * wide(weight[((k * a.r + r) * a.s + t) * s.channels + c % s.channels]);
        }
      }
    }
    return rounded<T>(sum);
  };
  parallel(exec, a.n * a.h, [&](int64_t row, int) {
    for (int64_t i = 0; i < a.w * a.c; ++i) {
      x[row * a.w * a.c + i] = point(row / a.h, row % a.h, i / a.c, i % a.c);
    }
  });
}

template <class T>
void reference_backward_weight(const Conv2dArgs& a, const Exec& exec) {
  const Sizes s(a);
  const auto* x = static_cast<const T*>(a.x);
  auto* weight = static_cast<ParameterOf<T>*>(a.weight);
  auto* bias = static_cast<ParameterOf<T>*>(a.bias);
  const auto* y = static_cast<const T*>(a.y);
  const auto tap = [&](int64_t k, int64_t r, int64_t t, int64_t c) {
    double sum = 0;
    for (int64_t n = 0; n < a.n; ++n) {
      for (int64_t oy = 0; oy < a.oh; ++oy) {
        const int64_t iy = input_at(oy, r, a.stride_h, a.pad_h, a.dilation_h, a.h);
        if (iy < 0) continue;
        for (int64_t ox = 0; ox < a.ow; ++ox) {
          const int64_t ix = input_at(ox, t, a.stride_w, a.pad_w, a.dilation_w, a.w);
          if (ix < 0) continue;
          sum += wide(x[((n * a.h + iy) * a.w + ix) * a.c + c]) *
                 wide(y[((n * a.oh + oy) * a.ow + ox) * a.k + k]);
        }
      }
    }
    return rounded<ParameterOf<T>>(sum);
  };
  parallel(exec, a.k, [&](int64_t k, int) {
    const int64_t first = k / s.filters * s.channels;
    for (int64_t i = 0; i < a.r * a.s * s.channels; ++i) {
      const int64_t c = i % s.channels, rs = i / s.channels;
      weight[k * a.r * a.s * s.channels + i] = tap(k, rs / a.s, rs % a.s, first + c);
    }
    if (bias == nullptr) return;
    double sum = 0;
    for (int64_t p = 0; p < a.n * a.oh * a.ow; ++p) sum += wide(y[p * a.k + k]);
    bias[k] = rounded<ParameterOf<T>>(sum);
  });
}

template void reference_forward<float>(const Conv2dArgs&, const Exec&);
template void reference_forward<bf16>(const Conv2dArgs&, const Exec&);
template void reference_forward<double>(const Conv2dArgs&, const Exec&);
template void reference_backward_data<float>(const Conv2dArgs&, const Exec&);
template void reference_backward_data<bf16>(const Conv2dArgs&, const Exec&);
template void reference_backward_data<double>(const Conv2dArgs&, const Exec&);
template void reference_backward_weight<float>(const Conv2dArgs&, const Exec&);
template void reference_backward_weight<bf16>(const Conv2dArgs&, const Exec&);
template void reference_backward_weight<double>(const Conv2dArgs&, const Exec&);

}  // namespace taxon::kernels
