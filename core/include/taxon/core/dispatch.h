// From an op to a kernel: chooses the row for the arguments and the instruction set in force,
// provides scratch memory and the thread pool, and runs it.
#pragma once

#include <taxon/base/cpu.h>
#include <taxon/base/dtype.h>
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/core/storage.h>
#include <taxon/kernels/exec.h>

#include <typeinfo>
#include <vector>

namespace taxon {

static_assert(static_cast<int>(kernels::Needs::amx) == static_cast<int>(Isa::amx));

/// The kernels' name of a dtype.
kernels::Type kernel_type(DType dtype);

/// Throws DTypeError naming `op` unless dtype is f32 or f64: what the tables with a Type have.
kernels::Type float_type(std::string_view op, DType dtype);

/// A parallel loop for kernels, on the thread pool.
kernels::Exec make_exec(std::size_t scratch_bytes);

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

/// Runs the row of `rows` that select_row chose.
template <class Args>
void run_row(kernels::Rows<Args> rows, const kernels::Row<Args>& row, const Args& args) {
  const auto run = [&] {
    const std::size_t bytes = row.scratch == nullptr ? 0 : row.scratch(args, num_threads());
    row.run(args, make_exec(bytes));
  };
  if (kernel_observer == nullptr) return run();
  const KernelCall call = describe(rows, row, args, static_cast<kernels::Needs>(active_isa()));
  if (!kernel_observer->before(call)) return;
  run();
  kernel_observer->after(call);
}

template <class Args>
void run_kernel(kernels::Rows<Args> rows, const Args& args) {
  run_row(rows, select_row(rows, args), args);
}

/// What `row` makes once of weights that do not change, kept with them; null if it makes nothing.
template <class Args>
const void* prepared_for(const kernels::Row<Args>& row, const Args& args, Storage& weights,
                         const Shape& shape, std::int64_t groups) {
  if (row.prepare == nullptr) return nullptr;
  return weights.prepared(&row, shape, groups, row.prepared_bytes(args), [&](void* to) {
    const std::size_t bytes = row.scratch == nullptr ? 0 : row.scratch(args, num_threads());
    row.prepare(args, make_exec(bytes), to);
  });
}

}  // namespace taxon
