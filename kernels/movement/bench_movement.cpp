// Times copies: NHWC to NCHW and back, a transposed matrix, padding.
#include "arrays.h"

#include <taxon/kernels/movement.h>

#include <algorithm>

using namespace taxon::kernels;
using namespace taxon::bench;

namespace {

struct Layout {
  const char* name;
  std::vector<std::int64_t> dims, x_strides, y_strides;
};
const Layout kLayouts[] = {
    {"nhwc_to_nchw/128x32x32x64", {128, 64, 1024}, {65536, 1, 64}, {65536, 1024, 1}},
    {"nchw_to_nhwc/128x32x32x3", {128, 1024, 3}, {3072, 1, 1024}, {3072, 3, 1}},
    {"transpose/1024x1024", {1024, 1024}, {1, 1024}, {1024, 1}},
    {"contiguous/8388608", {8388608}, {1}, {1}}};

const bool registered = add_family([] {
  for (const Layout& l : kLayouts) {
    CopyArgs args;
    args.rank = static_cast<int>(l.dims.size());
    std::copy(l.dims.begin(), l.dims.end(), args.dims);
    std::copy(l.x_strides.begin(), l.x_strides.end(), args.x_strides);
    std::copy(l.y_strides.begin(), l.y_strides.end(), args.y_strides);
    std::int64_t n = 1;
    for (const std::int64_t d : l.dims) n *= d;
    add_arrays<CopyArgs>(copy_rows(), args, l.name, 8.0 * static_cast<double>(n), {n}, {n},
                         [](CopyArgs& g, float* const* in, float* const* out) {
                           g.x = in[0];
                           g.y = out[0];
                         });
  }
});

}  // namespace
