// What the tests of a GPU share: the device under test, and comparison with the CPU.
#pragma once

#include <taxon/core/tensor.h>

#include <vector>

namespace taxon::test {

/// cuda:0: a stand-in for one, see host_backend.cpp.
Device gpu();

/// The largest |a - b| / max(1, |b|) of two tensors of equal shape and dtype, wherever they are.
/// NaN equals NaN.
double difference(const Tensor& a, const Tensor& b);

}  // namespace taxon::test
