// From an op to a kernel: the device's table, the row for the arguments and the instruction set in
// force, scratch memory, and the thread pool or the device's stream.
#pragma once

#include <taxon/base/cpu.h>
#include <taxon/base/dtype.h>
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/core/tensor.h>
#include <taxon/kernels/backend.h>

#include <typeinfo>
#include <vector>

namespace taxon {

static_assert(static_cast<int>(kernels::Needs::amx) == static_cast<int>(Isa::amx));

/// The kernels' name of a dtype.
kernels::Type kernel_type(DType dtype);

/// Throws DTypeError naming `op` unless dtype is f32 or f64: what the tables with a Type have.
kernels::Type float_type(std::string_view op, DType dtype);

/// The functions of a device that is not the CPU. Throws DeviceError as tables_of.
const kernels::Backend& backend_of(Device device);

/// The kernels of a device. Throws DeviceError if this build or this machine has no such device.
const kernels::Tables& tables_of(Device device);

/// What a kernel runs on: the thread pool, or the device's stream; with scratch memory.
kernels::Exec make_exec(Device device, std::size_t scratch_bytes);

/// A row above the chosen one, and why it declined; nullptr: it needs more than the level of ISA.
struct PassedOver {
  const char* row;
  kernels::Needs needs;
  const char* reason;
};

/// A kernel about to run.
struct KernelCall {
  const char* row;
  kernels::Needs needs;
  const void* table;           ///< its first row, which tells the element type
  const std::type_info& type;  ///< of the argument struct
  const void* args;
  std::vector<PassedOver> passed_over;
  /// The arguments if they are of this struct, else nullptr.
  template <class Args>
  const Args* as() const {
    return type == typeid(Args) ? static_cast<const Args*>(args) : nullptr;
  }
};

/// Watches the kernels that one thread's ops run.
class KernelObserver {
 public:
  virtual ~KernelObserver() = default;
  /// False: the kernel is not run, and its results stay whatever was in their memory.
  virtual bool before(const KernelCall& call) = 0;
  virtual void after(const KernelCall& call) = 0;
};
/// The calling thread's observer: nullptr in normal use.
extern constinit thread_local KernelObserver* kernel_observer;

template <class Args>
KernelCall describe(kernels::Rows<Args> rows, const kernels::Row<Args>& chosen, const Args& args,
                    kernels::Needs have) {
  KernelCall call{chosen.name, chosen.needs, rows.first, typeid(Args), &args, {}};
  for (const kernels::Row<Args>* row = rows.begin(); row != &chosen; ++row) {
    call.passed_over.push_back(
        {row->name, row->needs, row->needs > have ? nullptr : row->declines(args)});
  }
  return call;
}

template <class Args>
const kernels::Row<Args>& select_row(kernels::Rows<Args> rows, const Args& args) {
  return kernels::select(rows, args, static_cast<kernels::Needs>(active_isa()));
}

/// Runs the row of `rows`, a table of the device, that select_row chose.
template <class Args>
void run_row(Device device, kernels::Rows<Args> rows, const kernels::Row<Args>& row,
             const Args& args) {
  const auto run = [&] {
    const std::size_t bytes = row.scratch == nullptr ? 0 : row.scratch(args, num_threads());
    row.run(args, make_exec(device, bytes));
  };
  if (kernel_observer == nullptr) return run();
  const KernelCall call = describe(rows, row, args, static_cast<kernels::Needs>(active_isa()));
  if (!kernel_observer->before(call)) return;
  run();
  kernel_observer->after(call);
}

/// The rows of a table (a member of kernels::Tables) for a device and, where the table has one, an
/// element type.
template <auto table>
auto rows_of(Device device, [[maybe_unused]] kernels::Type type) {
  const auto find = tables_of(device).*table;
  if constexpr (requires { find(type); }) {
    return find(type);
  } else {
    return find();
  }
}

/// Runs the best kernel of a table: `run_kernel<&kernels::Tables::softmax>(device, type, args)`.
template <auto table, class Args>
void run_kernel(Device device, kernels::Type type, const Args& args) {
  const kernels::Rows<Args> rows = rows_of<table>(device, type);
  run_row(device, rows, select_row(rows, args), args);
}

/// The same for the device and the dtype of a tensor.
template <auto table, class Args>
void run_kernel(const Tensor& like, const Args& args) {
  run_kernel<table>(like.device(), kernel_type(like.dtype()), args);
}

/// What `row` makes once of weights that do not change, kept with them; null if it makes nothing.
template <class Args>
const void* prepared_for(const kernels::Row<Args>& row, const Args& args, Storage& weights,
                         const Shape& shape, std::int64_t groups) {
  if (row.prepare == nullptr) return nullptr;
  return weights.prepared(&row, shape, groups, row.prepared_bytes(args), [&](void* to) {
    const std::size_t bytes = row.scratch == nullptr ? 0 : row.scratch(args, num_threads());
    row.prepare(args, make_exec(weights.device(), bytes), to);
  });
}

}  // namespace taxon
