// Batches prepared ahead. Background threads and, while it would otherwise wait, the consumer take
// pieces of the earliest unfinished batch. Pieces are written to fixed places, so the result does
// not depend on who does what. Threads: one where samples are cheap; else one less than compute
// uses, but at least one, the consumer being the last: from two threads on they stay within the
// budget.
#include <taxon/base/error.h>
#include <taxon/base/parallel.h>
#include <taxon/core/upload.h>
#include <taxon/data/loader.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>

#include "assemble.h"
#include "batch_mix.h"
#include "resident.h"
#include "sampling.h"

namespace taxon {
namespace {

constexpr std::int64_t no_sample = std::numeric_limits<std::int64_t>::max();

// A batch in the making.
struct Slot {
  Batch batch;
  std::vector<std::int64_t> again;  // see Sampled
  // Where samples are written: numbers, or what a GPU makes them of (resident.h).
  float* x = nullptr;
  std::unique_ptr<Upload> upload, targets;
  std::int64_t epoch = 0;
  std::int64_t taken = 0, done = 0;  // samples
  bool ready = false;                // samples done and mixed, or failed
  std::int64_t failed = no_sample;   // the first sample (in the batch) that failed, and why
  std::exception_ptr error;
};

// Samples [begin, end) of a slot.
struct Piece {
  std::shared_ptr<Slot> slot;
  std::int64_t begin = 0, end = 0;
};

void check_options(const DatasetPtr& data, const LoaderOptions& o) {
  if (!data || data->size() == 0) {
    fail<OptionError>("loader: ", data ? data->name() : "no data set",
                      ": no samples, expected one or more");
  }
  if (o.part < 0 || o.part >= o.parts) {
    fail<OptionError>("loader: part ", o.part, " of ", o.parts);
  }
  if (o.batch < 1 || o.prefetch < 1) {
    fail<OptionError>("loader: batch ", o.batch, ", prefetch ", o.prefetch, ", expected 1 or more");
  }
  if (!o.weights.empty()) {
    check_weights(o.weights, *data);
  }
  o.preprocess.validate();
  o.augment.validate(o.preprocess.height, o.preprocess.width);
  for (const auto& [name, value] : {std::pair{"mixup", o.mixup}, std::pair{"cutmix", o.cutmix}}) {
    if (!(value >= 0) || !std::isfinite(value)) {
      fail<OptionError>("loader: ", name, " is ", value, ", expected 0 or above");
    }
  }
  if (o.rows.defined() &&
      (o.rows.dtype() != DType::f32 || o.rows.rank() < 2 || o.rows.dim(0) != data->size() ||
       o.augment.enabled() || o.mixup > 0 || o.cutmix > 0)) {
    fail<OptionError>("loader: rows ", o.rows, ", expected f32 [", data->size(),
                      ", ...], neither augmented nor mixed");
  }
  if (o.drop_last && data->size() < o.batch) {
    fail<OptionError>("loader: ", data->size(), " samples with drop_last make no batch of ",
                      o.batch);
  }
}

}  // namespace

struct Loader::Impl {
  Impl(DatasetPtr d, LoaderOptions o)
      : data(std::move(d)),
        options((check_options(data, o), std::move(o))),
        assembler(data, options),
        on_gpu(options.device != cpu && !options.rows.defined() && options.mixup == 0 &&
               options.cutmix == 0),
        piece(assembler.direct() ? options.batch : 1) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    work.notify_all();
    for (std::thread& t : threads) {
      t.join();
    }
  }

  std::int64_t batches() const {
    return options.drop_last ? data->size() / options.batch
                             : (data->size() + options.batch - 1) / options.batch;
  }

  Shape batch_shape(std::int64_t n) const {
    const Preprocess& p = options.preprocess;
    if (!options.rows.defined()) return {n, p.height, p.width, p.channels};
    std::vector<std::int64_t> dims{n};
    for (int i = 1; i < options.rows.rank(); ++i) dims.push_back(options.rows.dim(i));
    return Shape(std::span<const std::int64_t>(dims));
  }

  void start(std::int64_t new_epoch, std::int64_t first_batch);
  bool next(Batch& out);
  void open_slot();
  bool take(Piece& out);
  void make(const Piece& p);
  std::exception_ptr completed(Slot& slot) const;
  void run();

  const DatasetPtr data;
  const LoaderOptions options;
  Assembler assembler;
  std::unique_ptr<Resident> resident;  // or null: looked for when the first epoch starts
  bool started = false;
  const bool on_gpu;  // batches are finished there
  const std::int64_t piece;

  std::mutex mutex;
  std::condition_variable work, ready;
  std::vector<std::thread> threads;
  bool stop = false;
  std::int64_t epoch = 0, next_batch = 0;
  Sampled samples;
  std::deque<std::shared_ptr<Slot>> slots;  // in the order of their batches
  double waited = 0;
};

void Loader::Impl::start(std::int64_t new_epoch, std::int64_t first_batch) {
  if (new_epoch < 0 || first_batch < 0 || first_batch > batches()) {
    fail<OptionError>("loader: start at epoch ", new_epoch, ", batch ", first_batch,
                      ", expected batch 0 to ", batches());
  }
  if (!started) resident = Resident::of(*data, options);
  started = true;
  Sampled new_samples = draw_samples(options, data->size(), new_epoch);
  {
    const std::lock_guard lock(mutex);
    samples = std::move(new_samples);
    epoch = new_epoch;
    next_batch = first_batch;
    slots.clear();
    waited = 0;
    const int wanted = assembler.direct() ? 1 : std::clamp(num_threads() - 1, 1, 32);
    while (static_cast<int>(threads.size()) < wanted) {
      threads.emplace_back([this] { run(); });
    }
  }
  work.notify_all();
}

// With the lock held.
void Loader::Impl::open_slot() {
  const auto slot = std::make_shared<Slot>();
  Batch& b = slot->batch;
  b.number = next_batch++;
  const std::int64_t first = b.number * options.batch;
  const std::int64_t whole = std::min(options.batch, data->size() - first);
  const std::int64_t begin = first + whole * options.part / options.parts;
  const std::int64_t end = first + whole * (options.part + 1) / options.parts;
  b.indices.assign(samples.order.begin() + begin, samples.order.begin() + end);
  if (!samples.again.empty()) {
    slot->again.assign(samples.again.begin() + begin, samples.again.begin() + end);
  }
  slot->epoch = epoch;
  slots.push_back(slot);
  try {
    if (b.size() == 0) {  // of fewer samples than parts
      b.x = Tensor::empty(batch_shape(0), DType::f32, options.device);
      b.y = data->targets(b.indices).to(options.device);
      slot->ready = true;
      return;
    }
    if (resident) {
      slot->upload =
          std::make_unique<Upload>(options.device, Shape{b.size(), Resident::kPlan}, DType::i32);
    } else if (on_gpu) {
      slot->upload = std::make_unique<Upload>(options.device, batch_shape(b.size()), DType::u8);
    } else {
      b.x = Tensor::empty(batch_shape(b.size()));
      slot->x = b.x.mutable_view<float>().data();
    }
    b.y = data->targets(b.indices);
  } catch (...) {
    slot->error = std::current_exception();
    slot->taken = slot->done = b.size();
    slot->ready = true;
  }
}

// With the lock held: the next piece of work, if there is one.
bool Loader::Impl::take(Piece& out) {
  const auto open = [](const std::shared_ptr<Slot>& s) { return s->taken < s->batch.size(); };
  auto hit = std::find_if(slots.begin(), slots.end(), open);
  if (hit == slots.end()) {
    if (static_cast<int>(slots.size()) >= options.prefetch || next_batch >= batches()) {
      return false;
    }
    open_slot();
    if (!open(slots.back())) {
      ready.notify_all();
      return false;
    }
    hit = slots.end() - 1;
  }
  out.slot = *hit;
  out.begin = out.slot->taken;
  out.end = std::min(out.begin + piece, out.slot->batch.size());
  out.slot->taken = out.end;
  return true;
}

// Without the lock.
void Loader::Impl::make(const Piece& p) {
  Slot& slot = *p.slot;
  const std::int64_t numel = batch_shape(1).numel();
  std::int64_t failed = no_sample;
  std::exception_ptr error;
  for (std::int64_t i = p.begin; i < p.end; ++i) {
    try {
      const auto at = static_cast<std::size_t>(i);
      const std::int64_t again = slot.again.empty() ? 0 : slot.again[at];
      const std::int64_t drawn_as = augment_epoch(slot.epoch, again);
      if (resident) {
        static_cast<kernels::ImagePlan*>(slot.upload->host())[at] =
            resident->plan(drawn_as, slot.batch.indices[at]);
      } else if (on_gpu) {
        assembler.pixels(drawn_as, slot.batch.indices[at],
                         static_cast<std::uint8_t*>(slot.upload->host()) + i * numel);
      } else {
        assembler.sample(drawn_as, slot.batch.indices[at], slot.x + i * numel);
      }
    } catch (...) {
      if (failed == no_sample) {
        failed = i;
        error = std::current_exception();
      }
    }
  }
  std::unique_lock lock(mutex);
  if (failed < slot.failed) {
    slot.failed = failed;
    slot.error = error;
  }
  slot.done += p.end - p.begin;
  if (slot.done < slot.batch.size()) {
    return;
  }
  if (!slot.error) {
    lock.unlock();
    error = completed(slot);
    lock.lock();
    slot.error = error;
  }
  slot.ready = true;
  ready.notify_all();
}

// Without the lock, for a slot whose samples are done: mixes them and brings them to the device.
// What went wrong, if anything did.
std::exception_ptr Loader::Impl::completed(Slot& slot) const {
  try {
    Batch& b = slot.batch;
    if (options.mixup > 0 || options.cutmix > 0) {
      const BatchMix mix = draw_mix(options, slot.epoch, b.number);
      mix_images(b.x, mix);
      b.y = mix_targets(b.y, data->classes(), mix);
    }
    if (!slot.upload) {
      b.x = b.x.to(options.device);
      b.y = b.y.to(options.device);
      return nullptr;
    }
    slot.upload->start();
    slot.targets = std::make_unique<Upload>(options.device, b.y);
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

void Loader::Impl::run() {
  for (;;) {
    Piece p;
    {
      std::unique_lock lock(mutex);
      work.wait(lock, [&] { return stop || take(p); });
      if (stop) {
        return;
      }
    }
    make(p);
  }
}

bool Loader::Impl::next(Batch& out) {
  const auto begin = std::chrono::steady_clock::now();
  std::shared_ptr<Slot> slot;
  std::unique_lock lock(mutex);
  for (;;) {
    if (slots.empty() && next_batch >= batches()) {
      return false;
    }
    if (samples.order.empty()) {
      fail<OptionError>("loader: next() before start(epoch)");
    }
    if (!slots.empty() && slots.front()->ready) {
      break;
    }
    Piece p;
    if (take(p)) {
      lock.unlock();
      make(p);
      lock.lock();
    } else if (!slots.empty() && !slots.front()->ready) {
      ready.wait(lock);
    }
  }
  slot = std::move(slots.front());
  slots.pop_front();
  waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  lock.unlock();
  work.notify_all();
  if (slot->error) {
    std::rethrow_exception(slot->error);
  }
  out = std::move(slot->batch);
  if (slot->upload) {
    const Tensor there = slot->upload->finish();
    out.x = resident ? resident->batch(there) : normalized(there, options.preprocess);
    out.y = slot->targets->finish();
  }
  return true;
}

Loader::Loader(DatasetPtr data, LoaderOptions options)
    : impl_(std::make_unique<Impl>(std::move(data), std::move(options))) {}
Loader::~Loader() = default;
Loader::Loader(Loader&&) noexcept = default;
Loader& Loader::operator=(Loader&&) noexcept = default;

const Dataset& Loader::dataset() const {
  return *impl_->data;
}
const LoaderOptions& Loader::options() const {
  return impl_->options;
}
std::int64_t Loader::batches() const {
  return impl_->batches();
}
std::int64_t Loader::samples() const {
  return options().drop_last ? batches() * options().batch : dataset().size();
}
void Loader::start(std::int64_t epoch, std::int64_t first_batch) {
  impl_->start(epoch, first_batch);
}
bool Loader::next(Batch& batch) {
  return impl_->next(batch);
}
double Loader::waited() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->waited;
}

}  // namespace taxon
