// A row that runs plans of cuDNN: the same few steps for every op. An Op says how its arguments
// become graphs; here they are looked up, built once, and run.
//
//   struct Op {
//     using Args = ...;
//     static constexpr std::int64_t kId = ...;  // of the kind of op, for the key
//     static constexpr bool kBf16 = ...;
//     static const char* declines(const Args&);       // for sizes; nullptr: worth a try
//     static Key sizes(const Args&);                   // all that the graphs depend on but
//     pointers static Pointers pointers(const Args&);           // by id of tensor static Forms
//     forms(const Args&, const Pointers&);  // best first; the first that works is taken static
//     bool exact(const Args&);
//   };
#pragma once

#include <taxon/base/error.h>
#include <taxon/kernels/exec.h>

#include <memory>
#include <vector>

#include "cache.h"
#include "plan.h"

namespace taxon::kernels::cuda::vendor {

/// Ways to do the same thing.
using Forms = std::vector<Recipe>;

/// The graphs of one op for one set of sizes, alignments and switches on one device.
struct Entry {
  std::unique_ptr<const Program> program;  ///< null: no form works
  const char* reason = nullptr;            ///< why none does
  std::size_t form = 0;                    ///< which one was taken
};

/// Bytes, at most 16, that divide the address; 0 for a null pointer.
std::int64_t alignment_of(const void* pointer);

/// A handle of the device that only this call uses, set to its stream.
class Handle {
 public:
  Handle(int device, void* stream);
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  cudnnHandle_t get() const { return handle_; }

 private:
  int device_;
  cudnnHandle_t handle_ = nullptr;
};

/// The entry of this key; made with forms() and the key's device where it is new.
struct Wanted {
  std::int64_t op;
  bool bf16, exact;
  int device;
  Key sizes;
  const Pointers* pointers;
};
std::shared_ptr<const Entry> entry_of(const Wanted& wanted, const std::function<Forms()>& forms);

/// Plans made and kept so far; for tests.
std::size_t plans_kept();
/// For tests: from now on plans are made for a device that is not there, of these properties (JSON,
/// see device_properties), without a handle; they cannot run. nullptr: as usual again.
void plan_for_absent_device(const char* json);

void execute(const Entry& entry, const Pointers& pointers, const Exec& exec);

template <class Op>
struct CudnnRow {
  using Args = typename Op::Args;

  static std::shared_ptr<const Entry> entry(const Args& args, int device) {
    const Pointers pointers = Op::pointers(args);
    return entry_of({Op::kId, Op::kBf16, Op::exact(args), device, Op::sizes(args), &pointers},
                    [&] { return Op::forms(args, pointers); });
  }
  static const char* declines(const Args& args) {
    if (const char* reason = unusable(cudnn_absence(), Op::kBf16)) return reason;
    if (const char* reason = Op::declines(args)) return reason;
    try {
      return entry(args, devices().current())->reason;
    } catch (const DeviceError& e) {  // no handle, for now
      return lasting(e.what());
    }
  }
  static std::size_t scratch(const Args& args, int) {
    const auto found = entry(args, devices().current());
    return found->program == nullptr ? 0 : found->program->scratch();
  }
  static void run(const Args& args, const Exec& exec) {
    execute(*entry(args, exec.device), Op::pointers(args), exec);
  }
  static const Row<Args>& row(const char* name, bool exact) {
    static const Row<Args> it{name, Needs::baseline, exact, declines, scratch, run};
    return it;
  }
};

// What the descriptions of tensors share.

/// n images of h x w x c elements, NHWC in memory.
Tensor image(std::int64_t id, std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c,
             cudnnDataType_t type, const Pointers& pointers);
/// One f32 a channel.
Tensor vector_of(std::int64_t id, std::int64_t channels, const Pointers& pointers);
/// `t` under another id: the same, but passed on inside the graph as f32; or in scratch memory.
Tensor as_virtual(Tensor t, std::int64_t id);
Tensor as_temporary(Tensor t, std::int64_t id, cudnnDataType_t type);
/// A number given by value.
Tensor number(std::int64_t id, double value);

constexpr cudnnDataType_t data_type(bool bf16) {
  return bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

}  // namespace taxon::kernels::cuda::vendor
