// Samples that lie far from all others of their class.
#include <taxon/base/random.h>
#include <taxon/core/ops.h>

#include "features.h"
#include "findings.h"
#include "progress.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace taxon::check {
namespace {

constexpr std::int64_t most_references = 2000, block = 1024;
constexpr std::size_t neighbours = 5, least_members = 12;

std::vector<double> squares(const Tensor& rows) {
  std::vector<double> out;
  const auto values = rows.view<float>();
  const auto width = static_cast<std::size_t>(rows.dim(1));
  for (std::size_t i = 0; i < values.size(); i += width) {
    double sum = 0;
    for (std::size_t k = i; k < i + width; ++k) sum += values[k] * values[k];
    out.push_back(sum);
  }
  return out;
}

// Mean distance of a sample to the nearest references; a reference is not its own neighbour.
double nearest_mean(std::span<const float> products, double own, std::int64_t self,
                    const std::vector<std::int64_t>& references,
                    const std::vector<double>& lengths) {
  std::array<double, neighbours> least;
  least.fill(1e30);
  for (std::size_t r = 0; r < references.size(); ++r) {
    if (references[r] == self) continue;
    const double d = own + lengths[r] - 2 * static_cast<double>(products[r]);
    if (d >= least.back()) continue;
    least.back() = d;
    for (std::size_t k = neighbours - 1; k > 0 && least[k] < least[k - 1]; --k) {
      std::swap(least[k], least[k - 1]);
    }
  }
  double sum = 0;
  for (const double d : least) sum += std::sqrt(std::max(0.0, d));
  return sum / neighbours;
}

std::vector<double> distances(const Looks& looks, const std::vector<std::int64_t>& members,
                              const std::vector<std::int64_t>& references) {
  const Tensor to = feature_rows(looks, references);
  const std::vector<double> lengths = squares(to);
  std::vector<double> out;
  const auto n = static_cast<std::int64_t>(members.size());
  for (std::int64_t begin = 0; begin < n; begin += block) {
    const std::span part(members.data() + begin,
                         static_cast<std::size_t>(std::min(block, n - begin)));
    const Tensor x = feature_rows(looks, part);
    const std::vector<double> own = squares(x);
    const Tensor products = matmul(x, to, {false, true});
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto row = products.view<float>().subspan(i * references.size(), references.size());
      out.push_back(nearest_mean(row, own[i], part[i], references, lengths));
    }
  }
  return out;
}

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

void add_outliers(const std::vector<std::int64_t>& members, const std::vector<double>& distance,
                  double least_z, std::vector<Outlier>& out) {
  const double middle = median(distance);
  std::vector<double> deviations;
  for (const double d : distance) deviations.push_back(std::abs(d - middle));
  // Where most are the same (many duplicates) any difference would be endless.
  const double scale = std::max(1.4826 * median(std::move(deviations)), 0.01);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const double z = (distance[i] - middle) / scale;
    if (z >= least_z) out.push_back({members[i], distance[i], z});
  }
}

std::vector<std::int64_t> some_of(const std::vector<std::int64_t>& members, std::uint64_t seed,
                                  std::uint64_t stream) {
  std::vector<std::int64_t> out;
  for (const std::int64_t k :
       permutation(static_cast<std::int64_t>(members.size()), seed, stream)) {
    if (static_cast<std::int64_t>(out.size()) == most_references) break;
    out.push_back(members[static_cast<std::size_t>(k)]);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Tensor feature_rows(const Looks& looks, std::span<const std::int64_t> members) {
  Tensor out = Tensor::empty({static_cast<std::int64_t>(members.size()), feature_count});
  float* to = out.mutable_view<float>().data();
  for (const std::int64_t m : members) {
    const std::uint8_t* from = looks.features.data() + m * feature_count;
    for (std::int64_t k = 0; k < feature_count; ++k) *to++ = static_cast<float>(from[k]) / 255;
  }
  return out;
}

std::vector<Outlier> find_outliers(const Samples& samples, const Looks& looks,
                                   const CheckOptions& options) {
  const NoGrad no_grad;
  const bool single = samples.task() == Task::single;
  std::vector<std::vector<std::int64_t>> groups(single ? static_cast<std::size_t>(samples.classes())
                                                       : 1);
  for (std::int64_t n = 0; n < samples.size(); ++n) {
    if (!looks.samples[static_cast<std::size_t>(n)].readable) continue;
    groups[single ? static_cast<std::size_t>(samples.label(n)) : 0].push_back(n);
  }
  std::vector<Outlier> out;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    report(options, "outliers", static_cast<std::int64_t>(g),
           static_cast<std::int64_t>(groups.size()));
    if (groups[g].size() < least_members) continue;
    const auto references = some_of(groups[g], mix(options.seed, 0x0071), g);
    add_outliers(groups[g], distances(looks, groups[g], references), options.outlier_z, out);
  }
  std::sort(out.begin(), out.end(), [](const Outlier& a, const Outlier& b) {
    return a.z != b.z ? a.z > b.z : a.sample < b.sample;
  });
  return out;
}

}  // namespace taxon::check
