// Out-of-fold probabilities in seconds: ridge regression on random features.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/base/random.h>
#include <taxon/core/ops.h>

#include "features.h"
#include "findings.h"
#include "progress.h"

#include <algorithm>
#include <cmath>

namespace taxon::check {
namespace {

constexpr std::int64_t width = 1024, folds = 5, block = 2048;
using Matrix = std::vector<double>;  // rows one after the other

// x -> max(0, R (x - mean) / deviation + b), R and b normal: one row of weights an output.
struct Projection {
  Tensor weight, bias;

  Projection(const Looks& looks, const std::vector<std::int64_t>& members, std::uint64_t seed) {
    std::vector<double> sum(feature_count), squares(feature_count);
    for (const std::int64_t m : members) {
      const std::uint8_t* row = looks.features.data() + m * feature_count;
      for (std::size_t k = 0; k < sum.size(); ++k) {
        const double v = row[k] / 255.0;
        sum[k] += v;
        squares[k] += v * v;
      }
    }
    const auto n = static_cast<double>(members.size());
    weight = Tensor::empty({width, feature_count});
    bias = Tensor::empty({width});
    Rng rng(seed, 0xfea7);
    float* w = weight.mutable_view<float>().data();
    for (float& b : bias.mutable_view<float>()) {
      double shift = 0.5 * rng.normal();
      for (std::size_t k = 0; k < sum.size(); ++k) {
        const double mean = sum[k] / n;
        const double deviation = std::sqrt(std::max(0.0, squares[k] / n - mean * mean)) + 0.05;
        const double v = rng.normal() / std::sqrt(static_cast<double>(feature_count)) / deviation;
        *w++ = static_cast<float>(v);
        shift -= v * mean;
      }
      b = static_cast<float>(shift);
    }
  }

  // [members, width + 1], the last one 1.
  Tensor rows(const Looks& looks, std::span<const std::int64_t> members) const {
    const Tensor z = linear(feature_rows(looks, members), weight, bias, true);
    return concat({z, Tensor::ones({z.dim(0), 1})}, 1);
  }
};

void add_to(Matrix& sum, const Tensor& part) {
  const auto values = part.view<float>();
  if (sum.empty()) sum.resize(values.size());
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
}

// The upper factor U of A = U'U, in place. A must be symmetric and positive.
void factor(Matrix& a, std::size_t n) {
  for (std::size_t k = 0; k < n; ++k) {
    double* pivot = a.data() + k * n;
    const double root = std::sqrt(pivot[k]);
    for (std::size_t j = k; j < n; ++j) pivot[j] /= root;
    for (std::size_t i = k + 1; i < n; ++i) {
      double* row = a.data() + i * n;
      const double f = pivot[i];
      for (std::size_t j = i; j < n; ++j) row[j] -= f * pivot[j];
    }
  }
}

// x with U'U x = b, in place; b is [n, columns].
void solve(const Matrix& u, std::size_t n, Matrix& b, std::size_t columns) {
  const auto subtract = [&](std::size_t from, std::size_t to, double f) {
    for (std::size_t c = 0; c < columns; ++c) b[to * columns + c] -= f * b[from * columns + c];
  };
  const auto divide = [&](std::size_t row) {
    for (std::size_t c = 0; c < columns; ++c) b[row * columns + c] /= u[row * n + row];
  };
  for (std::size_t k = 0; k < n; ++k) {
    divide(k);
    for (std::size_t i = k + 1; i < n; ++i) subtract(k, i, u[k * n + i]);
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t i = k + 1; i < n; ++i) subtract(i, k, u[k * n + i]);
    divide(k);
  }
}

class Fast {
 public:
  Fast(const Samples& samples, const Looks& looks, const CheckOptions& options)
      : samples_(samples), looks_(looks), options_(options), parts_(folds) {
    for (std::int64_t n = 0; n < samples.size(); ++n) {
      if (looks.samples[at(n)].readable) out_.samples.push_back(n);
    }
  }

  Probabilities run() {
    const NoGrad no_grad;
    if (out_.samples.empty()) return {};
    deal();
    const Projection projection(looks_, out_.samples, options_.seed);
    std::vector<Matrix> gram(folds), moment(folds);
    for (std::size_t f = 0; f < folds; ++f) accumulate(projection, f, gram[f], moment[f]);
    regress(gram, moment);
    out_.values.resize(out_.samples.size() * classes());
    for (std::size_t f = 0; f < folds; ++f) predict(projection, f, moment[f]);
    samples_.task() == Task::single ? soften() : clip();
    return std::move(out_);
  }

 private:
  static std::size_t at(std::int64_t n) { return static_cast<std::size_t>(n); }
  std::size_t classes() const { return at(samples_.classes()); }

  // The samples of each class (with several labels: all) in turn to the folds.
  void deal() {
    const auto n = static_cast<std::int64_t>(out_.samples.size());
    std::vector<std::size_t> next(classes(), 0);
    for (const std::int64_t k : permutation(n, mix(options_.seed, 0xf01d), 0)) {
      const std::int64_t sample = out_.samples[at(k)];
      std::size_t& turn = next[samples_.task() == Task::single ? at(samples_.label(sample)) : 0];
      // Classes begin at different folds, or small ones would all lie in the first.
      const std::size_t first = samples_.task() == Task::single ? at(samples_.label(sample)) : 0;
      parts_[(first + turn++) % folds].push_back(k);
    }
    for (auto& part : parts_) std::sort(part.begin(), part.end());
  }

  template <class F>
  void for_blocks(const Projection& projection, std::size_t fold, F f) {
    const std::vector<std::int64_t>& part = parts_[fold];
    for (std::size_t begin = 0; begin < part.size(); begin += block) {
      const std::span rows(part.data() + begin, std::min<std::size_t>(block, part.size() - begin));
      report(options_, "labels", done_, 2 * static_cast<std::int64_t>(out_.samples.size()));
      done_ += static_cast<std::int64_t>(rows.size());
      std::vector<std::int64_t> members;
      for (const std::int64_t k : rows) members.push_back(out_.samples[at(k)]);
      f(rows, members, projection.rows(looks_, members));
    }
  }

  void accumulate(const Projection& projection, std::size_t fold, Matrix& gram, Matrix& moment) {
    gram.resize((width + 1) * (width + 1));
    moment.resize((width + 1) * classes());
    for_blocks(projection, fold,
               [&](auto, const std::vector<std::int64_t>& members, const Tensor& z) {
                 Tensor y = Tensor::zeros({z.dim(0), samples_.classes()});
                 float* hot = y.mutable_view<float>().data();
                 for (const std::int64_t m : members) {
                   for (std::int64_t c = 0; c < samples_.classes(); ++c) {
                     *hot++ = samples_.has_label(m, c) ? 1.0F : 0.0F;
                   }
                 }
                 add_to(gram, matmul(z, z, {true, false}));
                 add_to(moment, matmul(z, y, {true, false}));
               });
  }

  // moment[f] becomes the weights that all folds but f give.
  void regress(const std::vector<Matrix>& gram, std::vector<Matrix>& moment) const {
    Matrix all(gram.front().size()), sum(moment.front().size());
    for (std::size_t f = 0; f < folds; ++f) {
      for (std::size_t i = 0; i < all.size(); ++i) all[i] += gram[f][i];
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += moment[f][i];
    }
    constexpr std::size_t n = width + 1;
    double trace = 0;
    for (std::size_t i = 0; i < n; ++i) trace += all[i * n + i];
    const double ridge = trace / n * (1e-3 + 20 / static_cast<double>(out_.samples.size()));
    parallel_chunks(folds, [&](std::int64_t f) {
      Matrix a = all, &b = moment[at(f)];
      for (std::size_t i = 0; i < a.size(); ++i) a[i] -= gram[at(f)][i];
      for (std::size_t i = 0; i < n; ++i) a[i * n + i] += ridge;
      for (std::size_t i = 0; i < b.size(); ++i) b[i] = sum[i] - b[i];
      factor(a, n);
      solve(a, n, b, classes());
    });
  }

  void predict(const Projection& projection, std::size_t fold, const Matrix& weights) {
    Tensor w = Tensor::empty({width + 1, samples_.classes()});
    std::transform(weights.begin(), weights.end(), w.mutable_view<float>().begin(),
                   [](double v) { return static_cast<float>(v); });
    for_blocks(projection, fold,
               [&](std::span<const std::int64_t> rows, const auto&, const Tensor& z) {
                 const Tensor y = matmul(z, w);
                 const auto values = y.view<float>();
                 for (std::size_t i = 0; i < values.size(); ++i) {
                   out_.values[at(rows[i / classes()]) * classes() + i % classes()] = values[i];
                 }
               });
  }

  double log_loss(double scale) const {
    double sum = 0;
    for (std::size_t i = 0; i < out_.samples.size(); ++i) {
      const double* s = out_.values.data() + i * classes();
      double total = 0;
      const double top = *std::max_element(s, s + classes());
      for (std::size_t c = 0; c < classes(); ++c) total += std::exp(scale * (s[c] - top));
      sum += std::log(total) - scale * (s[at(samples_.label(out_.samples[i]))] - top);
    }
    return sum;
  }

  // Golden-section search for the logarithm of the scale; the loss has one minimum.
  double best_scale() const {
    const double golden = (std::sqrt(5.0) - 1) / 2;
    double low = 0, high = std::log(100.0);
    for (int step = 0; step < 20; ++step) {
      const double a = high - golden * (high - low), b = low + golden * (high - low);
      if (log_loss(std::exp(a)) < log_loss(std::exp(b))) {
        high = b;
      } else {
        low = a;
      }
    }
    return std::exp((low + high) / 2);
  }

  void soften() {
    const double scale = best_scale();
    for (std::size_t i = 0; i < out_.values.size(); i += classes()) {
      double* s = out_.values.data() + i;
      const double top = *std::max_element(s, s + classes());
      double total = 0;
      for (std::size_t c = 0; c < classes(); ++c) total += s[c] = std::exp(scale * (s[c] - top));
      for (std::size_t c = 0; c < classes(); ++c) s[c] /= total;
    }
  }

  void clip() {
    for (double& v : out_.values) v = std::clamp(v, 0.0, 1.0);
  }

  const Samples& samples_;
  const Looks& looks_;
  const CheckOptions& options_;
  std::vector<std::vector<std::int64_t>> parts_;  // rows of each fold
  Probabilities out_;
  std::int64_t done_ = 0;
};

}  // namespace

Probabilities fast_probabilities(const Samples& samples, const Looks& looks,
                                 const CheckOptions& options) {
  return Fast(samples, looks, options).run();
}

}  // namespace taxon::check
