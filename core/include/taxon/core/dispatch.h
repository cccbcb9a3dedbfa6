// From an op to a kernel: chooses the row for the arguments and the instruction set in force,
// provides scratch memory and the thread pool, and runs it.
#pragma once

#include <taxon/base/cpu.h>
#include <taxon/base/dtype.h>
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/core/storage.h>
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
const kernels::Row<Args>& select_row(kernels::Rows<Args> rows, const Args& args) {
  return kernels::select(rows, args, static_cast<kernels::Needs>(active_isa()));
}

template <class Args>
void run_row(const kernels::Row<Args>& row, const Args& args) {
  const std::size_t bytes = row.scratch == nullptr ? 0 : row.scratch(args, num_threads());
  row.run(args, make_exec(bytes));
}

template <class Args>
void run_kernel(kernels::Rows<Args> rows, const Args& args) {
  run_row(select_row(rows, args), args);
}

/// What `row` makes once of weights that do not change, kept with them; null if it makes nothing.
/// `part`: in how many groups they are used.
template <class Args>
const void* prepared_for(const kernels::Row<Args>& row, const Args& args, Storage& weights,
                         std::int64_t part) {
  if (row.prepare == nullptr) return nullptr;
  return weights.prepared(&row, part, row.prepared_bytes(args), [&](void* to) {
    const std::size_t bytes = row.scratch == nullptr ? 0 : row.scratch(args, num_threads());
    row.prepare(args, make_exec(bytes), to);
  });
}

}  // namespace taxon
