// See recorded_step.h.
#include <taxon/base/error.h>
#include <taxon/core/devices.h>
#include <taxon/core/recording.h>
#include <taxon/core/storage.h>
#include <taxon/train/recorded_step.h>

namespace taxon {
namespace {

constexpr std::int64_t kBefore = 2;  // batches until libraries have their plans and memory is known

// The recording keeps as much memory as a step takes, and a batch outside of it takes that again.
std::string missing_room(Device device) {
  const MemoryStats s = memory_stats(device);
  const std::size_t step = s.peak - s.live, room = free_bytes(device) + s.cached;
  if (room >= 2 * step) return "";
  return text("a step takes ", step, " bytes of memory, of which there would have to be room for ",
              "two; there are ", room);
}

// Integers of a module stay on the host: forward counts there.
std::vector<std::pair<Tensor, std::int64_t>> counters_of(const Module& module) {
  std::vector<std::pair<Tensor, std::int64_t>> out;
  for (const NamedTensor& b : module.named_buffers()) {
    if (b.tensor.dtype() != DType::i64) continue;
    if (b.tensor.numel() == 1) out.push_back({b.tensor, b.tensor.view<std::int64_t>()[0]});
  }
  return out;
}

}  // namespace

RecordedStep::RecordedStep() = default;
RecordedStep::~RecordedStep() = default;
RecordedStep::RecordedStep(RecordedStep&&) noexcept = default;

RecordedStep::Kind RecordedStep::kind_of(const Module& module, const Tensor& x, const Tensor& y) {
  Kind k{&module, x.shape(), y.shape(), x.dtype(), y.dtype(), {}};
  for (const Tensor& p : module.parameters()) k.trains.push_back(p.requires_grad());
  return k;
}

bool RecordedStep::fewer_samples(const Kind& kind) const {
  if (kind_.module == nullptr || kind.x[0] >= kind_.x[0]) return false;
  Kind whole = kind;
  whole.x = kind_.x;
  whole.y = kind_.y;
  return whole == kind_;
}

void RecordedStep::forget() {
  seen_ = 0;
  gradients_.clear();
  counters_.clear();
  pass_ = {};
  x_ = y_ = {};
  recording_.reset();
}

Pass RecordedStep::run(Module& module, const Tensor& x, const Tensor& y, const Work& work) {
  if (!why_not_.empty() || !Recording::possible(x.device())) return work(x, y);
  Kind kind = kind_of(module, x, y);
  if (fewer_samples(kind)) return work(x, y);
  if (kind != kind_) {
    forget();
    kind_ = std::move(kind);
  }
  if (!recording_ && seen_ == kBefore) record(module, x, y, work);
  if (recording_) return repeat(x, y);
  ++seen_;
  return work(x, y);
}

// What the host did while recording is undone: repeat() does it each time.
void RecordedStep::record(Module& module, const Tensor& x, const Tensor& y, const Work& work) {
  const Device device = x.device();
  why_not_ = missing_room(device);
  if (!why_not_.empty()) return;
  const auto before = counters_of(module);
  x_ = Tensor::empty(x.shape(), x.dtype(), device);
  y_ = Tensor::empty(y.shape(), y.dtype(), device);
  try {
    recording_ = std::make_unique<Recording>(device, [&] { pass_ = work(x_, y_); });
    pass_.found.loss = pass_.found.loss.detach();
  } catch (const Error& e) {
    forget();
    why_not_ = e.what();
  }
  for (Tensor& p : module.parameters()) {
    if (recording_ && p.grad().defined()) gradients_.push_back({p, p.grad()});
    p.set_grad({});
  }
  for (auto [counter, value] : before) {
    std::int64_t& now = counter.mutable_view<std::int64_t>()[0];
    if (recording_ && now != value) counters_.push_back({counter, now - value});
    now = value;
  }
}

Pass RecordedStep::repeat(const Tensor& x, const Tensor& y) {
  x_.copy_from(x);
  y_.copy_from(y);
  recording_->repeat();
  for (auto& [parameter, gradient] : gradients_) parameter.set_grad(gradient);
  for (auto& [counter, step] : counters_) counter.mutable_view<std::int64_t>()[0] += step;
  return pass_;
}

}  // namespace taxon
