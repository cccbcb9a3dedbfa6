// Fibers: on x86-64 with a switch of a few instructions of our own, elsewhere with ucontext. The
// sanitizers are told about each switch.
#include "cuda/shim/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <new>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace taxon::shim {
namespace {

// Touched pages only cost memory; the sanitizers' frames are large.
constexpr std::size_t stack_bytes = 256 * 1024;

}  // namespace

#if defined(__x86_64__)

// Saves what a function must preserve, exchanges the stacks, and returns on the other one.
extern "C" void taxon_shim_switch(void** from, void* to);
asm(R"(
.text
.globl taxon_shim_switch
.hidden taxon_shim_switch
.type taxon_shim_switch, @function
taxon_shim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size taxon_shim_switch, .-taxon_shim_switch
)");

struct Context {
  void* top = nullptr;
};
void prepare(Context& c, unsigned char* stack, void (*entry)()) {
  auto* top = reinterpret_cast<void**>(stack + stack_bytes);
  *--top = nullptr;  // where entry, which never returns, would return to; keeps the stack aligned
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--top = nullptr;  // the registers
  c.top = top;
}
void exchange(Context& from, Context& to) {
  taxon_shim_switch(&from.top, to.top);
}

#else

struct Context {
  ucontext_t context{};
};
void prepare(Context& c, unsigned char* stack, void (*entry)()) {
  getcontext(&c.context);
  c.context.uc_stack.ss_sp = stack;
  c.context.uc_stack.ss_size = stack_bytes;
  c.context.uc_link = nullptr;
  makecontext(&c.context, entry, 0);
}
void exchange(Context& from, Context& to) {
  swapcontext(&from.context, &to.context);
}

#endif

struct Fiber::State {
  Context own, owner;
  unsigned char* stack = nullptr;  ///< above a page that cannot be touched
  void (*body)(void*) = nullptr;
  void* arg = nullptr;
  // For the sanitizers: the other side's stack.
  void* fake_stack = nullptr;
  const void* owner_stack = nullptr;
  std::size_t owner_bytes = 0;
  void* tsan_own = nullptr;
  void* tsan_owner = nullptr;

  static inline thread_local State* entering = nullptr;

  void enter();
  void leave();
  static void entry();
  void arrived();
};

/// First thing on the fiber after every switch to it.
void Fiber::State::arrived() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, &owner_stack, &owner_bytes);
#endif
}

/// A fiber outlives what it runs: it waits here for the next body.
void Fiber::State::entry() {
  State& s = *entering;
  s.arrived();
  for (;;) {
    s.body(s.arg);
    s.leave();
  }
}

void Fiber::State::enter() {
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, stack, stack_bytes);
#endif
#if defined(__SANITIZE_THREAD__)
  tsan_owner = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(tsan_own, 0);
#endif
  entering = this;
  exchange(owner, own);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

void Fiber::State::leave() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&fake_stack, owner_stack, owner_bytes);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(tsan_owner, 0);
#endif
  exchange(own, owner);
  arrived();
}

Fiber::Fiber() : state_(std::make_unique<State>()) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, page + stack_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, page, PROT_NONE);
  state_->stack = static_cast<unsigned char*>(memory) + page;
  prepare(state_->own, state_->stack, &State::entry);
#if defined(__SANITIZE_THREAD__)
  state_->tsan_own = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
#if defined(__SANITIZE_THREAD__)
  __tsan_destroy_fiber(state_->tsan_own);
#endif
  munmap(state_->stack - page, page + stack_bytes);
}

void Fiber::start(void (*body)(void*), void* arg) {
  state_->body = body;
  state_->arg = arg;
  state_->enter();
}
void Fiber::resume() {
  state_->enter();
}
void Fiber::suspend() {
  state_->leave();
}

}  // namespace taxon::shim
