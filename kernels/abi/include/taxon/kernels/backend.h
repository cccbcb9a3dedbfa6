// A kind of device: the tables of its kernels and, for all but the CPU, its memory. Ops choose a
// kernel from the tables of the device that their tensors are on.
#pragma once

#include <taxon/kernels/collectives.h>
#include <taxon/kernels/conv2d.h>
#include <taxon/kernels/conv_pool.h>
#include <taxon/kernels/exec.h>
#include <taxon/kernels/gemm.h>
#include <taxon/kernels/images.h>
#include <taxon/kernels/movement.h>
#include <taxon/kernels/norm.h>
#include <taxon/kernels/optim.h>
#include <taxon/kernels/pointwise.h>
#include <taxon/kernels/pool.h>
#include <taxon/kernels/reduce.h>
#include <taxon/kernels/softmax.h>

namespace taxon::kernels {

/// One function a table: its rows for an element type. CUDA has f32 and bf16 (softmax, losses,
/// gather_grad and optimizers: f32), no f64, and no conv_pool (null).
struct Tables {
  Rows<GemmArgs> (*gemm)(Type);
  Rows<Conv2dArgs> (*conv2d_forward)(Type);
  Rows<Conv2dArgs> (*conv2d_backward_data)(Type);
  Rows<Conv2dArgs> (*conv2d_backward_weight)(Type);
  Rows<ConvPoolArgs> (*conv_pool)(Type);
  Rows<ConvPoolArgs> (*conv_pool_backward_weight)(Type);
  Rows<ConvPoolSpreadArgs> (*conv_pool_spread)(Type);
  Rows<UnaryArgs> (*unary)(Type);
  Rows<UnaryGradArgs> (*unary_grad)(Type);
  Rows<BinaryArgs> (*binary)(Type);
  Rows<CastArgs> (*cast)();
  Rows<DropoutArgs> (*dropout)(Type);
  Rows<ReduceArgs> (*reduce)(Type);
  Rows<ArgmaxArgs> (*argmax)(Type);
  Rows<SpreadArgs> (*spread)(Type);
  Rows<BatchNormArgs> (*batch_norm)(Type);
  Rows<BatchNormGradArgs> (*batch_norm_grad)(Type);
  Rows<LayerNormArgs> (*layer_norm)(Type);
  Rows<LayerNormGradArgs> (*layer_norm_grad)(Type);
  Rows<SoftmaxArgs> (*softmax)(Type);
  Rows<SoftmaxGradArgs> (*softmax_grad)(Type);
  Rows<CrossEntropyArgs> (*cross_entropy)(Type);
  Rows<BceArgs> (*bce)(Type);
  Rows<BceGradArgs> (*bce_grad)(Type);
  Rows<PoolArgs> (*max_pool)(Type);
  Rows<PoolGradArgs> (*max_pool_grad)(Type);
  Rows<PoolArgs> (*avg_pool)(Type);
  Rows<PoolGradArgs> (*avg_pool_grad)(Type);
  Rows<AdaptiveAvgPoolArgs> (*adaptive_avg_pool)(Type);
  Rows<AdaptiveAvgPoolArgs> (*adaptive_avg_pool_grad)(Type);
  Rows<CopyArgs> (*copy)();
  Rows<ImagesArgs> (*images)();
  Rows<GatherArgs> (*gather)();
  Rows<GatherGradArgs> (*gather_grad)(Type);
  Rows<SgdArgs> (*sgd)(Type);
  Rows<AdamWArgs> (*adamw)(Type);
  Rows<LerpArgs> (*lerp)(Type);
};
extern const Tables cpu_tables;

/// Memory and kernels of devices whose memory the CPU does not read. All functions throw
/// DeviceError with the call that failed, its code and text, unless said otherwise. A device has
/// one stream for all threads: work is done in the order in which it is given, and memory that one
/// thread frees can be used by another at once.
struct Backend {
  const char* name;       ///< "cuda"
  int (*device_count)();  ///< 0 where there is no device or no driver; never throws
  const char* (
      *absence)();  ///< why device_count is 0: "no CUDA device", "the driver is too old..."
  const char* (*device_name)(int device);
  bool (*has_bf16)(int device);  ///< its matrix units take bf16 (CUDA: sm_80 and newer)
  /// Makes the device current for the calling thread: before rows are asked whether they decline.
  void (*use)(int device);

  void* (*allocate)(int device, size_t bytes);  ///< 256-byte aligned; nullptr: out of memory
  void (*release)(int device, void* memory);    ///< never throws
  void (*memory)(int device, size_t* free, size_t* total);

  /// The device's stream: what Exec::stream is for its kernels.
  void* (*stream)(int device);
  /// The rest in the order of the stream; host memory may be reused when they return, but for what
  /// is pinned (allocate_pinned), which must stay until the stream has come to it.
  void (*to_device)(int device, void* to, const void* from, size_t bytes, void* stream);
  void (*to_host)(int device, void* to, const void* from, size_t bytes, void* stream);  ///< waits
  void (*copy)(int device, void* to, const void* from, size_t bytes, void* stream);
  void (*zero)(int device, void* to, size_t bytes, void* stream);
  void (*synchronize)(int device, void* stream);

  /// What is given to the stream that start_recording returns (by one thread; one recording a
  /// device at a time) is not done but kept, until end_recording, whose result is what repeat does
  /// in the order of `stream`. end_recording throws if a part could not be recorded. Null: this
  /// backend cannot.
  void* (*start_recording)(int device);
  void* (*end_recording)(int device, void* recording_stream);
  void (*repeat)(int device, void* recorded, void* stream);
  void (*free_recording)(void* recorded);  ///< once the device is done with it; never throws

  /// A copy from pinned memory beside the computation: it begins when the stream has done what it
  /// was given so far. The result names it.
  void* (*start_upload)(int device, void* to, const void* pinned, size_t bytes);
  void (*await_upload)(int device, void* upload);  ///< what the stream is given later waits for it
  void (*end_upload)(int device, void* upload);    ///< the host waits for it; never throws

  void* (*allocate_pinned)(size_t bytes);  ///< host memory for fast copies; nullptr: none to be had
  void (*release_pinned)(void* memory);

  /// Allows algorithms whose results may differ between two runs, and f32 products of factors
  /// rounded to TF32 (10 bits); null: there are none. Off at first.
  void (*set_fast)(bool on);
  const Collectives& (*collectives)();  ///< null: this build has none

  Tables tables;
};

/// The CUDA backend; nullptr in a build without CUDA.
const Backend* cuda_backend();

}  // namespace taxon::kernels
