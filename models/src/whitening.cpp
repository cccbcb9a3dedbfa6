// Filters that whiten an image's patches, by an eigen-decomposition.
#include "whitening.h"

#include <taxon/base/error.h>
#include <taxon/base/parallel.h>

#include <cmath>

#include <Eigen/Eigenvalues>

namespace taxon {
namespace {

using Matrix = Eigen::MatrixXd;

constexpr double kEpsilon = 5e-4;
constexpr std::int64_t kChunks = 8;  // partial sums, whatever the threads

// The sum of the outer products of the patches of images [first, last).
Matrix second_moments(const Tensor& images, std::int64_t side, std::int64_t first,
                      std::int64_t last) {
  const std::int64_t h = images.dim(1), w = images.dim(2), c = images.dim(3);
  const float* pixels = images.view<float>().data();
  const std::int64_t run = side * c;
  Eigen::VectorXd patch(side * run);
  Matrix sum = Matrix::Zero(patch.size(), patch.size());
  for (std::int64_t n = first; n < last; ++n) {
    for (std::int64_t y = 0; y + side <= h; ++y) {
      for (std::int64_t x = 0; x + side <= w; ++x) {
        for (std::int64_t dy = 0; dy < side; ++dy) {
          const float* row = pixels + ((n * h + y + dy) * w + x) * c;
          for (std::int64_t i = 0; i < run; ++i) patch[dy * run + i] = static_cast<double>(row[i]);
        }
        sum.selfadjointView<Eigen::Lower>().rankUpdate(patch);
      }
    }
  }
  return sum;
}

}  // namespace

Tensor whitening_filters(const Tensor& images, std::int64_t side) {
  if (images.rank() != 4 || images.dim(0) < 1 || images.dim(1) < side || images.dim(2) < side) {
    fail<ShapeError>("whitening_filters: images ", images.shape(), ", expected [n, h, w, c] of ",
                     side, "x", side, " pixels or more");
  }
  const std::int64_t n = images.dim(0), c = images.dim(3), size = side * side * c;
  std::vector<Matrix> parts(kChunks);
  parallel_chunks(kChunks, [&](std::int64_t i) {
    parts[static_cast<std::size_t>(i)] =
        second_moments(images, side, n * i / kChunks, n * (i + 1) / kChunks);
  });
  Matrix sum = Matrix::Zero(size, size);
  for (const Matrix& part : parts) sum += part;
  const auto patches =
      static_cast<double>(n * (images.dim(1) - side + 1) * (images.dim(2) - side + 1));
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(sum / patches);  // reads the lower half

  Tensor filters = Tensor::empty({2 * size, side, side, c});
  float* out = filters.mutable_view<float>().data();
  for (std::int64_t k = 0; k < size; ++k) {
    const std::int64_t from = size - 1 - k;  // eigenvalues come smallest first
    const double scale = 1 / std::sqrt(std::max(0.0, solver.eigenvalues()[from]) + kEpsilon);
    for (std::int64_t i = 0; i < size; ++i) {
      const auto value = static_cast<float>(solver.eigenvectors()(i, from) * scale);
      out[k * size + i] = value;
      out[(size + k) * size + i] = -value;
    }
  }
  return filters;
}

}  // namespace taxon
