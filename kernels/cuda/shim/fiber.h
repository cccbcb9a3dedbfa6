// A stack of its own to run code on: what a thread of a block is under the shim. Code on it runs
// until it suspends itself, and goes on from there when it is resumed.
#pragma once

#include <cstddef>
#include <memory>

namespace taxon::shim {

class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Runs body(arg) on the fiber's stack until it suspends or returns. Called by the owner's
  /// thread, never by a fiber. The body throws nothing.
  void start(void (*body)(void*), void* arg);
  /// Goes on where suspend() was called.
  void resume();
  /// Called on the fiber: back to whoever started or resumed it.
  void suspend();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace taxon::shim
