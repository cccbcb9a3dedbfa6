// All tables, type-erased, for the walks of `taxon info --kernels`, tests and benchmarks.
#pragma once

#include <taxon/kernels/exec.h>

namespace taxon::kernels {

struct TableRow {
  const char* name;
  Needs needs;
  bool exact;
  bool picky;  ///< may decline a call for its shape
};
struct Table {
  const char* op;  ///< "conv2d_forward"
  Type type;
  /// Calls visit(context, row) for each row, best first.
  void (*each)(Type type, void (*visit)(void* context, const TableRow& row), void* context);
};
/// Tables are listed as they are, without the wrapping of Row.
template <>
struct Rows<Table> {
  const Table* first;
  size_t count;
  const Table* begin() const { return first; }
  const Table* end() const { return first + count; }
};
Rows<Table> all_tables();

}  // namespace taxon::kernels
