// Pooling by cuDNN: what it calls resampling. Its place of a maximum is our code (row of the window
// times its width, plus column, the first of equals), in 8 bits; where the two mean different
// things (ReLU, indices into the image, windows beyond the padded edge) the row declines. The
// gradient of a maximum is left to our own kernel: its codes may say "nowhere" (255, after ReLU),
// and cuDNN does not say what it does with a place outside the window.
#include "cudnn_row.h"
#include "ops.h"
#include "rows.h"

namespace taxon::kernels::cuda::vendor {
namespace {

enum Id : std::int64_t { kX = 1, kY, kCode };

/// The padding after the image: what the last window reaches, which is no more than before it.
std::int64_t pad_after(std::int64_t in, std::int64_t out, std::int64_t window, std::int64_t stride,
                       std::int64_t pad) {
  const std::int64_t needed = (out - 1) * stride + window - in - pad;
  return needed > 0 ? needed : 0;
}

template <class Args>
const char* declines_window(const Args& a) {
  if (a.n < 1 || a.c < 1 || a.oh < 1 || a.ow < 1) return "an empty image";
  if (a.pad_h >= a.r || a.pad_w >= a.s) return "padding as wide as the window";
  if (pad_after(a.h, a.oh, a.r, a.stride_h, a.pad_h) > a.pad_h ||
      pad_after(a.w, a.ow, a.s, a.stride_w, a.pad_w) > a.pad_w)
    return "windows beyond the padded edge";
  return nullptr;
}

template <class Args>
Key sizes_of(const Args& a) {
  return {a.n,
          a.h,
          a.w,
          a.c,
          a.oh,
          a.ow,
          a.r,
          a.s,
          a.stride_h,
          a.stride_w,
          a.pad_h,
          a.pad_w,
          a.count_include_pad};
}

template <class Args>
Graph pooling(const Args& a, cudnnResampleMode_t mode, bool backward, cudnnDataType_t type,
              const Pointers& p) {
  Graph graph{{image(kX, a.n, a.h, a.w, a.c, type, p), image(kY, a.n, a.oh, a.ow, a.c, type, p)},
              {Resample{backward,
                        mode,
                        kX,
                        kY,
                        p[kCode] != nullptr ? std::int64_t{kCode} : 0,
                        {a.r, a.s},
                        {a.stride_h, a.stride_w},
                        {a.pad_h, a.pad_w},
                        {pad_after(a.h, a.oh, a.r, a.stride_h, a.pad_h),
                         pad_after(a.w, a.ow, a.s, a.stride_w, a.pad_w)}}}};
  if (p[kCode] != nullptr)
    graph.tensors.push_back(image(kCode, a.n, a.oh, a.ow, a.c, CUDNN_DATA_INT8, p));
  return graph;
}

template <class Args>
cudnnResampleMode_t average(const Args& a) {
  return a.count_include_pad ? CUDNN_RESAMPLE_AVGPOOL_INCLUDE_PADDING
                             : CUDNN_RESAMPLE_AVGPOOL_EXCLUDE_PADDING;
}

constexpr std::int64_t kMostPlaces = 128;  // of 8 bits with a sign

template <bool Bf16>
struct MaxPool {
  using Args = PoolArgs;
  static constexpr std::int64_t kId = kMaxPool;
  static constexpr bool kBf16 = Bf16;

  static const char* declines(const Args& a) {
    if (a.index != nullptr) return "places as indices into the image";
    if (a.relu) return "ReLU";
    if (a.code != nullptr && a.r * a.s > kMostPlaces) return "a window of more than 128 places";
    return declines_window(a);
  }
  static bool exact(const Args&) { return false; }
  static Key sizes(const Args& a) { return sizes_of(a); }
  static Pointers pointers(const Args& a) {
    Pointers p{};
    p[kX] = const_cast<void*>(a.x);
    p[kY] = a.y;
    p[kCode] = a.code;
    return p;
  }
  static Forms forms(const Args& a, const Pointers& p) {
    return {{pooling(a, CUDNN_RESAMPLE_MAXPOOL, false, data_type(Bf16), p)}};
  }
};

template <bool Bf16>
struct AvgPool {
  using Args = PoolArgs;
  static constexpr std::int64_t kId = kAvgPool;
  static constexpr bool kBf16 = Bf16;

  static const char* declines(const Args& a) { return declines_window(a); }
  static bool exact(const Args&) { return false; }
  static Key sizes(const Args& a) { return sizes_of(a); }
  static Pointers pointers(const Args& a) {
    Pointers p{};
    p[kX] = const_cast<void*>(a.x);
    p[kY] = a.y;
    return p;
  }
  static Forms forms(const Args& a, const Pointers& p) {
    return {{pooling(a, average(a), false, data_type(Bf16), p)}};
  }
};

template <bool Bf16>
struct AvgPoolGrad {
  using Args = PoolGradArgs;
  static constexpr std::int64_t kId = kAvgPoolGrad;
  static constexpr bool kBf16 = Bf16;

  static const char* declines(const Args& a) { return declines_window(a); }
  static bool exact(const Args&) { return false; }
  static Key sizes(const Args& a) { return sizes_of(a); }
  static Pointers pointers(const Args& a) {
    Pointers p{};
    p[kX] = a.dx;
    p[kY] = const_cast<void*>(a.dy);
    return p;
  }
  static Forms forms(const Args& a, const Pointers& p) {
    return {{pooling(a, average(a), true, data_type(Bf16), p)}};
  }
};

}  // namespace
}  // namespace taxon::kernels::cuda::vendor

namespace taxon::kernels::cuda {

const Row<PoolArgs>& max_pool_cudnn(Type type) {
  return vendor::row_of<vendor::MaxPool>(type, "max_pool/cudnn", false);
}
const Row<PoolArgs>& avg_pool_cudnn(Type type) {
  return vendor::row_of<vendor::AvgPool>(type, "avg_pool/cudnn", false);
}
const Row<PoolGradArgs>& avg_pool_grad_cudnn(Type type) {
  return vendor::row_of<vendor::AvgPoolGrad>(type, "avg_pool_grad/cudnn", false);
}

}  // namespace taxon::kernels::cuda
