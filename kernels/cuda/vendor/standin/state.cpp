// The stand-ins: what tests ask of them, and what they know.
#include "standin/fake.h"

namespace taxon::kernels::cuda::vendor::standin {

State& state() {
  static State all;
  return all;
}

void refuse_call(int status, const std::string& text) {
  throw Refusal{status, text};
}

const Record& record() {
  return state().record;
}
void reset() {
  State& s = state();
  const std::lock_guard<std::recursive_mutex> lock(s.mutex);
  const int live = s.record.live;
  s.record = Record{};
  s.record.live = live;
  s.failures.clear();
  s.refused = nullptr;
  s.workspace = 0;
  s.first_notes.clear();
}
void fail_next(const std::string& function, int status) {
  state().failures[function] = status;
}
void refuse(std::function<bool(const std::string& operations)> refused) {
  state().refused = std::move(refused);
}
void set_workspace(std::int64_t bytes) {
  state().workspace = bytes;
}
void set_first_notes(std::vector<int> notes) {
  state().first_notes = std::move(notes);
}
const std::vector<int>& chosen_notes() {
  return state().chosen_notes;
}

}  // namespace taxon::kernels::cuda::vendor::standin
