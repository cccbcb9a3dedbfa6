// Batch normalisation over the rows of a [rows, channels] view (NHWC: rows = n*h*w), and layer
// normalisation over the columns of a [rows, cols] view.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

/// Training forward: mean[c] and var[c] (biased) over the rows, then
/// y = (x - mean) / sqrt(var + eps) * weight + bias [+ residual] [then ReLU].
/// Inference forward (training = false): reads mean and var instead of writing them.
struct BatchNormArgs {
  int64_t rows = 0, channels = 0;
  double eps = 1e-5;
  bool training = true;
  const void* x = nullptr;
  const void* weight = nullptr;    ///< [channels] or null: 1
  const void* bias = nullptr;      ///< [channels] or null: 0
  void* mean = nullptr;            ///< [channels]
  void* var = nullptr;             ///< [channels], biased
  const void* residual = nullptr;  ///< [rows, channels] to add, or null
  bool relu = false;
  void* y = nullptr;
};

/// Backward of the above. In training mode the statistics depend on x.
struct BatchNormGradArgs {
  int64_t rows = 0, channels = 0;
  double eps = 1e-5;
  bool training = true;
  const void* x = nullptr;
  const void* weight = nullptr;  ///< or null: 1
  const void* mean = nullptr;    ///< as forward wrote or read them
  const void* var = nullptr;
  bool relu = false;           ///< as forward: dy counts where y > 0 only
  const void* bias = nullptr;  ///< for y's sign, or null: 0
  const void* y = nullptr;     ///< y itself; null: recomputed as forward did (no residual)
  const void* dy = nullptr;
  void* dx = nullptr;         ///< or null: not wanted
  void* dweight = nullptr;    ///< [channels], or null
  void* dbias = nullptr;      ///< [channels], or null
  void* dresidual = nullptr;  ///< [rows, channels], or null
};

/// y = (x - mean_row) / sqrt(var_row + eps) * weight + bias, statistics over each row's cols.
struct LayerNormArgs {
  int64_t rows = 0, cols = 0;
  double eps = 1e-5;
  const void* x = nullptr;
  const void* weight = nullptr;  ///< [cols] or null: 1
  const void* bias = nullptr;    ///< [cols] or null: 0
  void* mean = nullptr;          ///< [rows], written
  void* rstd = nullptr;          ///< [rows], written: 1 / sqrt(var + eps)
  void* y = nullptr;
};

struct LayerNormGradArgs {
  int64_t rows = 0, cols = 0;
  const void* x = nullptr;
  const void* weight = nullptr;
  const void* mean = nullptr;
  const void* rstd = nullptr;
  const void* dy = nullptr;
  void* dx = nullptr;       ///< or null
  void* dweight = nullptr;  ///< [cols], or null
  void* dbias = nullptr;    ///< [cols], or null
};

Rows<BatchNormArgs> batch_norm_rows(Type type);           ///< f32, f64, bf16
Rows<BatchNormGradArgs> batch_norm_grad_rows(Type type);  ///< f32, f64, bf16
Rows<LayerNormArgs> layer_norm_rows(Type type);           ///< f32, f64, bf16
Rows<LayerNormGradArgs> layer_norm_grad_rows(Type type);  ///< f32, f64, bf16

}  // namespace taxon::kernels
