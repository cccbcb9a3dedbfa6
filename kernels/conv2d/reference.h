// Convolution by its definition, for float, double and bf16 images: what every other row is
// measured against.
#pragma once

#include <taxon/kernels/conv2d.h>

namespace taxon::kernels {

template <class T>
void reference_forward(const Conv2dArgs& args, const Exec& exec);
template <class T>
void reference_backward_data(const Conv2dArgs& args, const Exec& exec);
template <class T>
void reference_backward_weight(const Conv2dArgs& args, const Exec& exec);

}  // namespace taxon::kernels
