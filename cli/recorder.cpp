#include "recorder.h"

#include <taxon/base/error.h>

#include "command.h"
#include "kernels.h"

#include <algorithm>

namespace taxon::cli {

using kernels::Conv2dArgs;
using kernels::ConvPoolArgs;
using kernels::GemmArgs;
using kernels::Type;

namespace {

/// A pass over memory by a normalisation: images it reads or writes, and how many bytes an element.
void describe(std::string_view pass, std::int64_t rows, std::int64_t cols, int images, bool half,
              Call& call) {
  call.pass = pass;
  call.shape = text(rows, 'x', cols);
  call.gbyte = 1e-9 * images * (half ? 2 : 4) * static_cast<double>(rows * cols);
}

}  // namespace

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

void Recorder::note_norm(const KernelCall& kernel, Call& call) {
  const auto wanted = [](const void* image) { return image == nullptr ? 0 : 1; };
  const auto is = [&](auto rows) { return kernel.table == rows(Type::bf16).first; };
  if (const auto* a = kernel.as<kernels::BatchNormArgs>()) {
    call.layer = layer(a->weight);
    const int images = 2 + wanted(a->residual);
    describe("forward", a->rows, a->channels, images, is(kernels::batch_norm_rows), call);
  }
  if (const auto* a = kernel.as<kernels::BatchNormGradArgs>()) {
    call.layer = layer(a->weight);
    const int images = 3 + wanted(a->y) + wanted(a->dresidual);
    describe("backward", a->rows, a->channels, images, is(kernels::batch_norm_grad_rows), call);
  }
  if (const auto* a = kernel.as<kernels::LayerNormArgs>()) {
    call.layer = layer(a->weight);
    describe("forward", a->rows, a->cols, 2, is(kernels::layer_norm_rows), call);
  }
  if (const auto* a = kernel.as<kernels::LayerNormGradArgs>()) {
    call.layer = layer(a->weight);
    const int images = 2 + wanted(a->dx);
    describe("backward", a->rows, a->cols, images, is(kernels::layer_norm_grad_rows), call);
  }
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
  if (const auto* pool = kernel.as<ConvPoolArgs>()) note_conv_pool(*pool, call);
  note_norm(kernel, call);
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

// The gradient of the weights counts in full, though three of four of the convolution's results get
// none: so does that of a convolution before a pool of its own.
void Recorder::note_conv_pool(const ConvPoolArgs& a, Call& call) {
  const bool weights = call.row.rfind("conv_pool_backward_weight", 0) == 0;
  const std::array<std::int64_t, 8> extents{a.n, a.h, a.w, a.c, a.k, a.r, a.s, 1};
  call.pass = weights ? "weights" : "forward";
  call.layer = weights ? match(extents) : layer(a.weight);
  if (!weights) open_.emplace_back(call.layer, extents);
  call.shape = text(a.r, 'x', a.s, ' ', a.c, "->", a.k, ' ', a.h, 'x', a.w, ", pool");
  call.gflop =
      8e-9 * static_cast<double>(a.n * a.oh * a.ow * a.k) * static_cast<double>(a.r * a.s * a.c);
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
