#include "recorder.h"

#include <taxon/base/error.h>

#include "command.h"
#include "kernels.h"

#include <algorithm>
#include <type_traits>

namespace taxon::cli {

using kernels::BatchNormArgs;
using kernels::BatchNormGradArgs;
using kernels::Conv2dArgs;
using kernels::GemmArgs;

double Call::median_ms() const {
  if (ms.empty()) return 0;
  std::vector<double> sorted = ms;
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

Recorder::Recorder(const Module& module, bool run) : run_(run) {
  for (const NamedTensor& p : module.named_parameters()) {
    layer_of_[p.tensor.raw()] = p.name.substr(0, p.name.rfind('.'));
  }
  kernel_observer = this;
}

bool Recorder::before(const KernelCall& kernel) {
  if (steps_ == 0) calls_.push_back(note(kernel));
  start_ = now();
  return run_;
}

void Recorder::after(const KernelCall&) {
  const double ms = 1e3 * (now() - start_);
  if (steps_ > 0 && next_ < calls_.size()) calls_[next_].ms.push_back(ms);
  ++next_;
}

std::string Recorder::layer(const void* parameter) const {
  const auto found = layer_of_.find(parameter);
  return found == layer_of_.end() ? "" : found->second;
}

std::string Recorder::match(const std::array<std::int64_t, 8>& extents) {
  for (auto p = open_.rbegin(); p != open_.rend(); ++p) {
    if (p->second != extents) continue;
    const std::string name = p->first;
    open_.erase(std::next(p).base());
    return name;
  }
  return "";
}

template <class Args>
void Recorder::note_norm(const Args& a, int bytes, Call& call) {
  call.pass = std::is_same_v<Args, BatchNormArgs> ? "forward" : "backward";
  call.layer = layer(a.weight);
  call.shape = text(a.rows, 'x', a.channels);
  call.gbyte = 1e-9 * bytes * static_cast<double>(a.rows * a.channels);
}

Call Recorder::note(const KernelCall& kernel) {
  Call call;
  call.row = kernel.row;
  call.needs = kernel.needs;
  for (const PassedOver& p : kernel.passed_over) {
    call.passed_over.emplace_back(p.row, p.reason == nullptr ? lacks(p.needs) : p.reason);
  }
  if (const auto* conv = kernel.as<Conv2dArgs>()) note_conv(*conv, call);
  if (const auto* gemm = kernel.as<GemmArgs>()) note_gemm(*gemm, call);
  if (const auto* norm = kernel.as<BatchNormArgs>()) {
    const bool half = kernel.table == kernels::batch_norm_rows(kernels::Type::bf16).first;
    note_norm(*norm, (norm->residual == nullptr ? 2 : 3) * (half ? 2 : 4), call);
  }
  if (const auto* norm = kernel.as<BatchNormGradArgs>()) {
    const bool half = kernel.table == kernels::batch_norm_grad_rows(kernels::Type::bf16).first;
    const int masks = norm->y == nullptr ? 0 : 1, gradients = norm->dresidual == nullptr ? 0 : 1;
    note_norm(*norm, (3 + masks + gradients) * (half ? 2 : 4), call);
  }
  return call;
}

void Recorder::note_conv(const Conv2dArgs& a, Call& call) {
  const bool weights = call.row.rfind("conv2d_backward_weight", 0) == 0;
  const bool data = call.row.rfind("conv2d_backward_data", 0) == 0;
  const std::array<std::int64_t, 8> extents{a.n, a.h, a.w, a.c, a.k, a.r, a.s, a.stride_h};
  call.pass = weights ? "weights" : data ? "data" : "forward";
  call.layer = weights ? match(extents) : layer(a.weight);
  if (!weights && !data) open_.emplace_back(call.layer, extents);
  call.shape = text(a.r, 'x', a.s, ' ', a.c, "->", a.k, ' ', a.h, 'x', a.w);
  if (a.stride_h != 1) call.shape += text(" /", a.stride_h);
  if (a.groups != 1) call.shape += text(" groups ", a.groups);
  call.gflop = 2e-9 * static_cast<double>(a.n * a.oh * a.ow * a.k) *
               static_cast<double>(a.r * a.s * a.c / a.groups);
}

void Recorder::note_gemm(const GemmArgs& a, Call& call) {
  const bool weights = a.trans_a && !a.trans_b;
  call.pass = weights ? "weights" : a.trans_b ? "forward" : "data";
  call.layer = weights ? match({a.m, a.n, a.k}) : layer(a.b);
  if (a.trans_b) open_.push_back({call.layer, {a.n, a.k, a.m}});  // the gradient: n x k, sums of m
  call.shape = text(a.m, 'x', a.k, " * ", a.k, 'x', a.n);
  call.gflop = 2e-9 * static_cast<double>(a.batch * a.m * a.n) * static_cast<double>(a.k);
}

}  // namespace taxon::cli
