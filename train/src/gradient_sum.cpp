// See gradient_sum.h.
#include "gradient_sum.h"

#include <taxon/base/error.h>
#include <taxon/core/devices.h>

#include <algorithm>

namespace taxon {
namespace {

std::size_t bytes_of(const Tensor& t) {
  return static_cast<std::size_t>(t.numel()) * size_of(t.dtype());
}

char* at_byte(Tensor& t, std::size_t offset) {
  return static_cast<char*>(t.mutable_raw()) + offset;
}

}  // namespace

void GradientSum::forget() {
  planned_ = false;
}

void GradientSum::begin(const std::vector<Tensor>& params) {
  if (planned_) {
    for (Bucket& b : buckets_) {
      b.sent = false;
      b.missing = 0;
      for (const std::size_t i : b.parts) b.missing += parts_[i].times;
    }
  } else {
    parts_.clear();
    buckets_.clear();
    part_of_.clear();
    bucket_of_.clear();
    for (const Tensor& p : params) {
      part_of_[p.impl().get()] = parts_.size();
      parts_.push_back({p, 0});
    }
  }
  gradient_observer = this;
}

void GradientSum::arrived(const Tensor& leaf) {
  const TensorImpl* key = leaf.impl().get();
  if (!planned_) {
    const auto part = part_of_.find(key);
    if (part == part_of_.end()) return;
    Part moved = parts_[part->second];  // to the end: later ones are complete later
    ++moved.times;
    parts_[part->second].times = -1;
    part_of_[key] = parts_.size();
    parts_.push_back(std::move(moved));
    return;
  }
  group_.progress();
  const auto at = bucket_of_.find(key);
  if (at == bucket_of_.end()) return;
  Bucket& bucket = buckets_[at->second];
  if (bucket.sent) {
    fail<Error>("gradients of several processes: one of ", leaf,
                " came after they had been sent; backward is not what it was in the first step");
  }
  if (--bucket.missing == 0) send(bucket);
}

// Gradients that are complete one after the other share a bucket, up to its size and of one dtype
// and device.
void GradientSum::plan() {
  std::erase_if(parts_, [](const Part& p) { return p.times <= 0; });
  const Device place = group_.place();
  const std::int64_t most = place == cpu ? kBucket : kGpuBucket;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Tensor& p = parts_[i].param;
    const auto size = static_cast<std::int64_t>(bytes_of(p));
    const Tensor* last = buckets_.empty() ? nullptr : &parts_[i - 1].param;
    const bool fits = last != nullptr && bytes + size <= most && last->dtype() == p.dtype();
    if (!fits) {
      buckets_.emplace_back();
      bytes = 0;
    }
    bytes += size;
    buckets_.back().parts.push_back(i);
    bucket_of_[p.impl().get()] = buckets_.size() - 1;
  }
  for (Bucket& b : buckets_) {
    std::int64_t numel = 0;
    for (const std::size_t i : b.parts) numel += parts_[i].param.numel();
    b.values = Tensor::empty({numel}, parts_[b.parts.front()].param.dtype(), place);
  }
  planned_ = true;
}

void GradientSum::send(Bucket& bucket) {
  std::size_t offset = 0;
  for (const std::size_t i : bucket.parts) {
    const Tensor grad = parts_[i].param.grad();
    copy_bytes(at_byte(bucket.values, offset), bucket.values.device(), grad.raw(), grad.device(),
               bytes_of(grad));
    offset += bytes_of(grad);
  }
  group_.start_sum(bucket.values);
  bucket.sent = true;
}

void GradientSum::unpack(const Bucket& bucket) {
  std::size_t offset = 0;
  for (const std::size_t i : bucket.parts) {
    Tensor grad = parts_[i].param.grad();
    copy_bytes(grad.mutable_raw(), grad.device(),
               static_cast<const char*>(bucket.values.raw()) + offset, bucket.values.device(),
               bytes_of(grad));
    offset += bytes_of(grad);
  }
}

void GradientSum::finish() {
  gradient_observer = nullptr;
  if (!planned_) plan();
  for (Bucket& b : buckets_) {
    if (!b.sent) send(b);
  }
  group_.wait();
  for (const Bucket& b : buckets_) unpack(b);
}

}  // namespace taxon
