// Batch normalisation over a batch of which each process has a part. Both directions need sums over
// the whole of it; they are formed from those of the parts, which the kernels of the plain
// batch-norm give.
#include <taxon/core/group.h>

#include <algorithm>
#include <cmath>

#include "impl.h"
#include "norm.h"

namespace taxon {
namespace ops {
namespace {

// Sums over the processes of [parts, c] in double.
std::vector<double> sums_of(Group& group, std::vector<double> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  Tensor t = Tensor::from(std::move(values), {n});
  group.sum(t);
  return t.to_vector<double>();
}

std::vector<double> in_double(const Tensor& t) {
  return t.to(cpu).to(DType::f64).to_vector<double>();
}

Tensor like(const Tensor& t, const std::vector<double>& values) {
  return Tensor::from(values, t.shape()).to(t.dtype()).to(t.device());
}

// From count, mean and variance of the part to those of the whole, in place. Returns its count.
double join_statistics(Group& group, double count, Tensor& mean, Tensor& var) {
  const std::vector<double> m = in_double(mean), v = in_double(var);
  const std::size_t c = m.size();
  std::vector<double> parts(2 * c + 1);
  for (std::size_t i = 0; i < c; ++i) {
    parts[i] = count * m[i];
    parts[c + i] = count * (v[i] + m[i] * m[i]);
  }
  parts[2 * c] = count;
  const std::vector<double> whole = sums_of(group, std::move(parts));
  const double n = whole[2 * c];
  std::vector<double> means(c), vars(c);
  for (std::size_t i = 0; i < c; ++i) {
    means[i] = whole[i] / n;
    vars[i] = std::max(0.0, whole[c + i] / n - means[i] * means[i]);
  }
  mean = like(mean, means);
  var = like(var, vars);
  return n;
}

}  // namespace

Specs BatchNormShared::infer(const Specs& in, const Options&) {
  Specs out = infer_batch_norm(info.name, in);
  out.push_back({Shape{}, DType::f64, false});  // made in forward
  return out;
}

void BatchNormShared::forward(Context& context, const Tensors& in, Tensors& out, const Options& o) {
  kernels::BatchNormArgs args = batch_norm_args(in, o, true);
  args.y = out[0].mutable_raw();
  args.mean = out[1].mutable_raw();
  args.var = out[2].mutable_raw();
  run_kernel<&kernels::Tables::batch_norm>(in[0], args);  // y is the part's: written again below
  const double n = join_statistics(*o.group, static_cast<double>(args.rows), out[1], out[2]);
  args.training = false;
  args.mean = out[1].mutable_raw();
  args.var = out[2].mutable_raw();
  run_kernel<&kernels::Tables::batch_norm>(in[0], args);
  save_for_backward(context, in, out[1], out[2], out[0], o);
  out[3] = Tensor::scalar(n, DType::f64);  // on the CPU, wherever x is
  context.save(out[3]);
}

// With x' = (x - mean) / sqrt(var + eps) and sums over the n rows of the whole batch (Ioffe and
// Szegedy 2015): dx = w / sqrt(var + eps) * (dy - sum(dy) / n - x' sum(dy x') / n). The first term
// is what inference gives; the others are linear in x', so a batch-norm of x with other weights
// adds them.
Tensors BatchNormShared::backward(Context& context, const Tensors& dout, const Options& o) {
  const Tensor x = context.saved(0), weight = context.saved(1);
  const Tensor mean = context.saved(3), var = context.saved(4);
  const double n = context.saved(6).item();
  Tensors d = batch_norm_grad(context, dout[0], o, false, 3, true);
  std::vector<double> parts = in_double(d[1]), bias = in_double(d[2]);
  const std::size_t c = parts.size();
  parts.insert(parts.end(), bias.begin(), bias.end());
  std::vector<double> sums = sums_of(*o.group, std::move(parts));
  if (!context.needs_grad(0)) return d;
  const std::vector<double> v = in_double(var);
  const std::vector<double> w = weight.defined() ? in_double(weight) : std::vector<double>(c, 1.0);
  std::vector<double> slope(c), offset(c);
  for (std::size_t i = 0; i < c; ++i) {
    const double scale = -w[i] / std::sqrt(v[i] + o.eps) / n;
    slope[i] = scale * sums[i];
    offset[i] = scale * sums[c + i];
  }
  d[0] =
      batch_norm_infer(x, like(mean, slope), like(mean, offset), mean, var, o.eps, {d[0], false});
  return d;
}

}  // namespace ops

BatchNormResult batch_norm_shared(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                  Group& group, double eps, const Epilogue& after) {
  ops::BatchNormShared::Options options;
  options.eps = eps;
  options.relu = after.relu;
  options.group = &group;
  Tensors out = apply_all<ops::BatchNormShared>({x, weight, bias, after.residual}, options);
  return {out[0], out[1], out[2], out[3].item()};
}

}  // namespace taxon
