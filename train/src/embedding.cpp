// See embedding.h.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/random.h>
#include <taxon/base/text.h>
#include <taxon/train/embedding.h>

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include <algorithm>
#include <array>
#include <cmath>

namespace taxon {
namespace {

// Two axes are wanted; the others make the iteration converge where the second and the third
// variance are close.
constexpr int width = 8;
constexpr int most_iterations = 100;
using Basis = Eigen::Matrix<double, Eigen::Dynamic, width, Eigen::RowMajor>;
using Row = Eigen::Matrix<double, 1, width>;
using Small = Eigen::Matrix<double, width, width>;

class Rows {
 public:
  Rows(std::span<const float> x, std::int64_t features)
      : x_(x), f_(features), n_(static_cast<std::int64_t>(x.size()) / features), mean_(f_) {
    mean_.setZero();
    for (std::int64_t i = 0; i < n_; ++i)
      for (std::int64_t k = 0; k < f_; ++k) mean_[k] += at(i, k);
    mean_ /= static_cast<double>(n_);
  }
  std::int64_t count() const { return n_; }

  // Where row i lies along the columns of v.
  Row project(std::int64_t i, const Basis& v) const {
    Row out = Row::Zero();
    for (std::int64_t k = 0; k < f_; ++k) out += (at(i, k) - mean_[k]) * v.row(k);
    return out;
  }

  // (sum over rows of (x - mean)^T (x - mean)) v, in a fixed number of parts summed in order.
  Basis scatter_times(const Basis& v) const {
    std::array<Basis, 8> parts;
    parallel_chunks(8, [&](std::int64_t chunk) {
      Basis& sum = parts[static_cast<std::size_t>(chunk)];
      sum = Basis::Zero(f_, width);
      for (std::int64_t i = n_ * chunk / 8; i < n_ * (chunk + 1) / 8; ++i) {
        const Row z = project(i, v);
        for (std::int64_t k = 0; k < f_; ++k) sum.row(k) += (at(i, k) - mean_[k]) * z;
      }
    });
    for (std::size_t i = 1; i < parts.size(); ++i) parts[0] += parts[i];
    return parts[0];
  }

 private:
  double at(std::int64_t i, std::int64_t k) const {
    return x_[static_cast<std::size_t>(i * f_ + k)];
  }

  std::span<const float> x_;
  std::int64_t f_, n_;
  Eigen::VectorXd mean_;
};

// Gram-Schmidt, twice for accuracy; a column that depends on those before becomes 0.
void orthonormalise(Basis& v) {
  for (int c = 0; c < width; ++c) {
    const double before = v.col(c).norm();
    for (int pass = 0; pass < 2; ++pass)
      for (int d = 0; d < c; ++d) v.col(c) -= v.col(d).dot(v.col(c)) * v.col(d);
    const double norm = v.col(c).norm();
    if (norm > 1e-12 * before && norm > 0) {
      v.col(c) /= norm;
    } else {
      v.col(c).setZero();
    }
  }
}

// The columns of the result: principal axes, largest variance first.
Basis principal_axes(const Rows& rows, std::int64_t features) {
  Basis v(features, width);
  Rng rng(0);
  for (std::int64_t k = 0; k < features; ++k)
    for (int c = 0; c < width; ++c) v(k, c) = rng.normal();
  orthonormalise(v);
  double before = -1;
  for (int step = 0; step < most_iterations; ++step) {
    const Basis image = rows.scatter_times(v);
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> ritz(
        Eigen::MatrixXd(v.transpose().lazyProduct(image)));
    const Small turn = ritz.eigenvectors().rowwise().reverse();
    const double now = ritz.eigenvalues()[width - 1] + ritz.eigenvalues()[width - 2];
    const bool settled = std::abs(now - before) <= 1e-12 * now;
    v = (settled ? v : image).lazyProduct(turn).eval();
    if (settled) break;
    orthonormalise(v);
    before = now;
  }
  for (int c = 0; c < 2; ++c) {
    Eigen::Index largest = 0;
    v.col(c).cwiseAbs().maxCoeff(&largest);
    if (v(largest, c) < 0) v.col(c) *= -1;
  }
  return v;
}

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string out = "\"";
  for (const char c : cell) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

}  // namespace

std::vector<double> principal_plane(std::span<const float> x, std::int64_t features) {
  if (features < 1 || x.empty() || x.size() % static_cast<std::size_t>(features) != 0) {
    fail<ShapeError>("principal_plane: ", x.size(), " values are not rows of ", features,
                     " features");
  }
  const Rows rows(x, features);
  const Basis axes = principal_axes(rows, features);
  std::vector<double> out;
  for (std::int64_t i = 0; i < rows.count(); ++i) {
    const Row z = rows.project(i, axes);
    out.insert(out.end(), {z[0], z[1]});
  }
  return out;
}

std::string embedding_csv(const Predictions& predictions, const FeatureSample& sample) {
  const std::vector<double> plane = principal_plane(sample.values, sample.features);
  std::string out = "id,x,y\n";
  for (std::size_t i = 0; i < plane.size() / 2; ++i) {
    const std::size_t row = i * static_cast<std::size_t>(sample.step);
    const auto rounded = [&](std::size_t k) { return static_cast<float>(plane[2 * i + k]); };
    out += text(quoted(predictions.id.at(row)), ',', rounded(0), ',', rounded(1), '\n');
  }
  return out;
}

}  // namespace taxon
