// Running a block: its threads, barriers and what is wrong with them.
#include "cuda/shim/block.h"

#include <algorithm>
#include <bit>

namespace taxon::shim {
namespace {

struct Cancelled {};  // unwinds the threads of a block that has failed

const char* name_of(Wait kind) {
  switch (kind) {
    case Wait::nothing:
      return "nothing";
    case Wait::barrier:
      return "__syncthreads";
    case Wait::warp_barrier:
      return "__syncwarp";
    case Wait::shuffle:
      return "a shuffle";
    case Wait::vote:
      return "a vote";
  }
  return "";
}

bool same_place(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         std::string_view(a.file_name()) == b.file_name();
}

std::string text_of(Dim3 at) {
  return text("(", at.x, ", ", at.y, ", ", at.z, ")");
}

}  // namespace

struct Block::Thread {
  enum class State : std::uint8_t { fresh, running, waits, ended };
  State state = State::fresh;
  Wait wait = Wait::nothing;
  std::uint32_t mask = 0;
  std::uint64_t value = 0;
  std::source_location at;
  std::unique_ptr<Fiber> fiber;
  std::uint16_t number = 0;
  Dim3 index;
};

struct Block::Warp {
  std::uint32_t sync = 0;  ///< how many __syncwarp it has passed
  std::uint64_t values[warp_size] = {};
};

struct Block::Array {
  const void* site;
  SharedBytes bytes;
};

Block::Block() : memory_(max_shared + 16), shadows_(max_shared) {}
Block::~Block() = default;

Block& current() {
  if (now.in == nullptr) throw Fault("a word of kernels was used outside of one");
  return *now.in;
}

std::uint64_t Block::random(std::uint64_t below) {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return random_ % below;
}

void Block::begin(const char* kernel, Dim3 grid, Dim3 block, std::uint64_t index,
                  std::uint64_t seed) {
  kernel_ = kernel;
  count_ = std::size_t{block.x} * block.y * block.z;
  if (count_ < 1 || count_ > max_threads) {
    throw Fault(
        text(kernel, ": blocks of ", count_, " threads; 1 to ", max_threads, " are possible"));
  }
  block_size_ = block;
  block_index_ = {static_cast<unsigned>(index % grid.x),
                  static_cast<unsigned>(index / grid.x % grid.y),
                  static_cast<unsigned>(index / grid.x / grid.y)};
  random_ = (seed + index * 0x9E3779B97F4A7C15u) * 0xD1B54A32D192ED03u | 1;
  threads_.resize(count_);
  warps_.assign((count_ + warp_size - 1) / warp_size, Warp{});
  ready_.resize(count_);
  for (std::size_t i = 0; i < count_; ++i) {
    Thread& t = threads_[i];
    t.state = Thread::State::fresh;
    t.wait = Wait::nothing;
    t.number = static_cast<std::uint16_t>(i);
    t.index = {static_cast<unsigned>(i % block.x), static_cast<unsigned>(i / block.x % block.y),
               static_cast<unsigned>(i / block.x / block.y)};
    ready_[i] = static_cast<std::uint32_t>(i);
  }
  arrays_.clear();
  used_ = used_shadows_ = ended_ = at_barrier_ = 0;
  first_interval_ = ++interval_;
  cancelled_ = false;
  fault_.clear();
}

void Block::run(const char* kernel, Dim3 grid, Dim3 block, std::uint64_t index, std::uint64_t seed,
                void (*body)(void*), void* arg) {
  begin(kernel, grid, block, index, seed);
  body_ = body;
  arg_ = arg;
  const Indices before = now;
  now = {{}, block_index_, block, grid, this};
  while (ended_ < count_) {
    if (ready_.empty()) {
      fault_ = stuck();
      cancel();
    }
    step(random(ready_.size()));
    if (!fault_.empty() && !cancelled_) cancel();
  }
  now = before;
  if (!fault_.empty()) throw Fault(fault_);
}

/// Lets one of the threads that are ready run until it waits or ends.
void Block::step(std::size_t at) {
  Thread& t = threads_[ready_[at]];
  ready_[at] = ready_.back();
  ready_.pop_back();
  now_ = &t;
  now.thread = t.index;
  if (t.state == Thread::State::fresh) {
    if (idle_.empty()) idle_.push_back(std::make_unique<Fiber>());
    t.fiber = std::move(idle_.back());
    idle_.pop_back();
    t.state = Thread::State::running;
    t.fiber->start(&Block::thread_body, this);
  } else {
    t.state = Thread::State::running;
    t.fiber->resume();
  }
  if (t.state != Thread::State::ended) return;
  idle_.push_back(std::move(t.fiber));
  ++ended_;
}

void Block::thread_body(void* block) {
  auto& self = *static_cast<Block*>(block);
  Thread& t = *self.now_;
  try {
    self.body_(self.arg_);
  } catch (const Cancelled&) {
  } catch (const std::exception& e) {
    if (self.fault_.empty()) self.fault_ = e.what();
  }
  t.state = Thread::State::ended;
}

/// After a fault: threads that wait are unwound, those not yet begun never begin.
void Block::cancel() {
  cancelled_ = true;
  ready_.clear();
  for (Thread& t : threads_) {
    if (t.state == Thread::State::waits) ready_.push_back(t.number);
    if (t.state != Thread::State::fresh) continue;
    t.state = Thread::State::ended;
    ++ended_;
  }
}

void Block::wait(Wait kind, std::uint32_t mask, const std::source_location& at) {
  Thread& t = *now_;
  t.wait = kind;
  t.mask = mask;
  t.at = at;
  t.state = Thread::State::waits;
  if (kind == Wait::barrier) {
    ++at_barrier_;
    try_barrier();
  } else if (warp_is_here(t)) {
    release_warp(t);
  }
  t.fiber->suspend();
  if (cancelled_) throw Cancelled();
}

void Block::barrier(const std::source_location& at) {
  wait(Wait::barrier, 0, at);
}

/// Releases the barrier when all threads wait at the same one.
void Block::try_barrier() {
  if (at_barrier_ < count_) return;
  for (const Thread& t : threads_) {
    if (!same_place(t.at, threads_[0].at)) return;  // stuck: reported when nobody can go on
  }
  at_barrier_ = 0;
  ++interval_;
  for (Thread& t : threads_) {
    t.wait = Wait::nothing;
    ready_.push_back(t.number);
  }
}

const std::uint64_t* Block::exchange(Wait kind, std::uint32_t mask, std::uint64_t value,
                                     const std::source_location& at) {
  Thread& t = *now_;
  const unsigned lane = t.number % warp_size;
  if ((mask >> lane & 1) == 0) {
    fault(text(shim::name_of(kind), " at ", at.file_name(), ":", at.line(),
               " by a thread that its mask leaves out"));
  }
  t.value = value;
  wait(kind, mask, at);
  return warps_[t.number / warp_size].values;
}

/// Whether all lanes that `thread` waits for wait at the same place.
bool Block::warp_is_here(const Thread& thread) const {
  const std::size_t first = thread.number / warp_size * warp_size;
  for (std::uint32_t rest = thread.mask; rest != 0; rest &= rest - 1) {
    const std::size_t i = first + static_cast<std::size_t>(std::countr_zero(rest));
    if (i >= count_) return false;
    const Thread& t = threads_[i];
    if (t.wait != thread.wait || t.mask != thread.mask || !same_place(t.at, thread.at)) {
      return false;
    }
  }
  return true;
}

void Block::release_warp(const Thread& thread) {
  Warp& warp = warps_[thread.number / warp_size];
  const std::size_t first = thread.number / warp_size * warp_size;
  if (thread.wait == Wait::warp_barrier && thread.mask == 0xffffffffu) ++warp.sync;
  for (std::uint32_t rest = thread.mask; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::size_t>(std::countr_zero(rest));
    Thread& t = threads_[first + lane];
    warp.values[lane] = t.value;
    t.wait = Wait::nothing;
    ready_.push_back(t.number);
  }
}

std::string Block::name_of(const Thread& t) const {
  return text(kernel_, ", block ", text_of(block_index_), ", thread ", text_of(t.index));
}

std::string Block::describe(const Thread& t) const {
  if (t.state == Thread::State::ended) return text("thread ", text_of(t.index), " has ended");
  return text("thread ", text_of(t.index), " waits in ", shim::name_of(t.wait), " at ",
              t.at.file_name(), ":", t.at.line());
}

/// Why nobody can go on: a thread that waits, and one that never comes.
std::string Block::stuck() const {
  for (const Thread& t : threads_) {
    if (t.wait == Wait::nothing || t.wait == Wait::barrier) continue;
    const std::size_t first = t.number / warp_size * warp_size;
    for (std::size_t lane = 0; lane < warp_size; ++lane) {
      if ((t.mask >> lane & 1) == 0) continue;
      if (first + lane >= count_) {
        return text(name_of(t), ": its mask names lane ", lane, ", which the block does not have");
      }
      const Thread& other = threads_[first + lane];
      if (other.wait != t.wait || other.mask != t.mask || !same_place(other.at, t.at)) {
        return text(name_of(t), ": divergent ",
                    t.wait == Wait::warp_barrier ? "barrier" : "shuffle", ": it waits in ",
                    shim::name_of(t.wait), " at ", t.at.file_name(), ":", t.at.line(), ", but ",
                    describe(other));
      }
    }
  }
  for (const Thread& t : threads_) {
    if (t.wait != Wait::barrier) continue;
    for (const Thread& other : threads_) {
      if (other.wait == Wait::barrier && same_place(other.at, t.at)) continue;
      return text(name_of(t), ": divergent barrier: it waits in __syncthreads at ",
                  t.at.file_name(), ":", t.at.line(), ", but ", describe(other));
    }
  }
  return text(kernel_, ": no thread can go on");
}

void Block::fault(const std::string& what) {
  throw Fault(text(name_of(*now_), ": ", what));
}

SharedBytes Block::shared(const void* site, std::size_t count, std::size_t element,
                          const char* name) {
  for (const Array& a : arrays_) {
    if (a.site == site) return a.bytes;
  }
  const std::size_t first = (used_ + 15) / 16 * 16, bytes = count * element;
  if (first + bytes > max_shared) {
    fault(text("shared array ", name, " of ", bytes, " bytes: more than ", max_shared,
               " bytes in all"));
  }
  auto* base = memory_.data();
  base += (16 - reinterpret_cast<std::uintptr_t>(base) % 16) % 16;
  std::fill_n(base + first, bytes, static_cast<unsigned char>(0xff));
  const SharedBytes array{base + first, shadows_.data() + used_shadows_, count, element};
  used_ = first + bytes;
  used_shadows_ += count;
  arrays_.push_back({site, array});
  return array;
}

void Block::note_read(const SharedBytes& array, std::size_t i, const char* name) {
  if (i >= array.count) {
    fault(text("shared array ", name, ": element ", static_cast<std::int64_t>(i), " of ",
               array.count, " is read"));
  }
  Shadow& s = array.shadows[i];
  const std::uint16_t me = now_->number;
  const std::uint32_t sync = warps_[me / warp_size].sync;
  if (s.written < first_interval_) {
    fault(text("shared array ", name, ": element ", i, " is read but was never written"));
  }
  if (s.written == interval_ && s.writer != me &&
      (s.writer / warp_size != me / warp_size || s.written_sync == sync)) {
    fault(text("race: shared array ", name, ": element ", i, " is read, and written by thread ",
               text_of(threads_[s.writer].index), " without a barrier between"));
  }
  if (s.read != interval_) {
    s.several_readers = s.several_warps = false;
  } else {
    s.several_warps = s.several_warps || s.reader / warp_size != me / warp_size;
    s.several_readers = s.read_sync == sync && (s.several_readers || s.reader != me);
  }
  s.read = interval_;
  s.read_sync = sync;
  s.reader = me;
}

void Block::note_write(const SharedBytes& array, std::size_t i, const char* name) {
  if (i >= array.count) {
    fault(text("shared array ", name, ": element ", static_cast<std::int64_t>(i), " of ",
               array.count, " is written"));
  }
  Shadow& s = array.shadows[i];
  const std::uint16_t me = now_->number;
  const std::uint32_t sync = warps_[me / warp_size].sync;
  const auto unordered = [&](std::uint16_t other, std::uint32_t other_sync) {
    return other / warp_size != me / warp_size || (other != me && other_sync == sync);
  };
  if (s.written == interval_ && unordered(s.writer, s.written_sync)) {
    fault(text("race: shared array ", name, ": element ", i, " is written, and also by thread ",
               text_of(threads_[s.writer].index), " without a barrier between"));
  }
  if (s.read == interval_ && (s.several_warps || unordered(s.reader, s.read_sync) ||
                              (s.several_readers && s.read_sync == sync))) {
    fault(text("race: shared array ", name, ": element ", i,
               " is written, and read by another thread without a barrier between"));
  }
  s.written = interval_;
  s.written_sync = sync;
  s.writer = me;
}

}  // namespace taxon::shim
