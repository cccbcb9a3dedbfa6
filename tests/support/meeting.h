// Threads that wait for each other.
#pragma once

#include <condition_variable>
#include <mutex>

namespace taxon::test {

class Meeting {
 public:
  explicit Meeting(int size) : size_(size) {}
  void meet() {
    std::unique_lock lock(mutex_);
    const int round = round_;
    if (++here_ == size_) {
      here_ = 0;
      ++round_;
      all_.notify_all();
      return;
    }
    all_.wait(lock, [&] { return round_ != round; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_;
  const int size_;
  int here_ = 0, round_ = 0;
};

}  // namespace taxon::test
