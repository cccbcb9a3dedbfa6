// Stand-ins for cuDNN and cuBLASLt, with which tests run what is handed to them on the CPU. They
// have exactly the functions that the rows call, keep every attribute of every descriptor, refuse
// what is wrong in them, and compute a call's results from the descriptors alone: a wrong stride
// gives wrong numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "library.h"

namespace taxon::kernels::cuda::vendor::standin {

extern const Cudnn cudnn_functions;
extern const CublasLt cublaslt_functions;

/// What was done since reset().
struct Record {
  int live = 0;  ///< descriptors and handles that were made and not destroyed
  int handles = 0, plans = 0, heuristics = 0;  ///< made
  std::vector<std::string> executed;  ///< "conv_forward+add+relu", "softmax", "matmul+bias", ...
  std::vector<void*> streams;         ///< that each ran in
  std::vector<std::string> errors;    ///< what was refused, and why
};
const Record& record();
void reset();  ///< also takes back what follows

/// The next call of this function returns this status (by its number).
void fail_next(const std::string& function, int status);
/// Graphs for which this is true have no engine; it is told the names of the operations
/// ("conv_forward+add+relu").
void refuse(std::function<bool(const std::string& operations)> refused);
/// Bytes of workspace that each plan and product asks for (and whose being there is checked by
/// writing to it).
void set_workspace(std::int64_t bytes);
/// The numerical notes of the first engine that is offered; the second has none.
void set_first_notes(std::vector<int> notes);
/// The notes of the engine of the last plan that was made.
const std::vector<int>& chosen_notes();

}  // namespace taxon::kernels::cuda::vendor::standin
