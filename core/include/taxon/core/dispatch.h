// From an op to a kernel: chooses the row for the arguments and the instruction set in force,
// provides scratch memory and the thread pool, and runs it.
#pragma once

#include <taxon/base/cpu.h>
#include <taxon/base/dtype.h>
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/kernels/exec.h>

namespace taxon {

static_assert(static_cast<int>(kernels::Needs::amx) == static_cast<int>(Isa::amx));

/// The kernels' name of a dtype.
kernels::Type kernel_type(DType dtype);

/// Throws DTypeError naming `op` unless dtype is f32 or f64: what the tables with a Type have.
kernels::Type float_type(std::string_view op, DType dtype);

/// A parallel loop for kernels, on the thread pool.
kernels::Exec make_exec(std::size_t scratch_bytes);

template <class Args>
void run_kernel(kernels::Rows<Args> rows, const Args& args) {
  const auto have = static_cast<kernels::Needs>(active_isa());
  const kernels::Row<Args>& row = kernels::select(rows, args, have);
  const std::size_t bytes = row.scratch == nullptr ? 0 : row.scratch(args, num_threads());
  row.run(args, make_exec(bytes));
}

}  // namespace taxon
