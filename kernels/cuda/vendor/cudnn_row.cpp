// See cudnn_row.h.
#include "cudnn_row.h"

#include <taxon/base/error.h>

#include <map>
#include <string>

namespace taxon::kernels::cuda::vendor {
namespace {

constexpr std::size_t kMostPlans = 1024;

// Never destroyed but by release(): at the end of a program the library may have gone before.
Cache<Entry>& plans() {
  static Cache<Entry>& cache = *new Cache<Entry>(kMostPlans);
  return cache;
}

/// Handles that no call uses at the moment. There are as many as calls ever ran at once.
struct Idle {
  std::mutex mutex;
  std::multimap<int, cudnnHandle_t> handles;
};
Idle& idle() {
  static Idle& all = *new Idle;
  return all;
}

void drop() {
  plans().clear();
  const std::lock_guard<std::mutex> lock(idle().mutex);
  for (const auto& [device, handle] : idle().handles) cudnn()->destroy(handle);
  idle().handles.clear();
}

std::unique_ptr<const Descriptor>& absent_device() {
  static auto& properties = *new std::unique_ptr<const Descriptor>;
  return properties;
}

Policy policy_of(const Wanted& wanted) {
  return {fast(), tf32(), wanted.exact};
}

/// Takes the first recipe that works.
void take_first(Entry& entry, const Forms& forms, const Target& target, const Policy& policy) {
  for (const Recipe& recipe : forms) {
    try {
      entry.program = std::make_unique<Program>(recipe, target, policy);
      entry.reason = nullptr;
      return;
    } catch (const DeviceError& e) {
      if (entry.reason == nullptr) entry.reason = lasting(e.what());  // the best one's
      ++entry.form;
    }
  }
}

std::shared_ptr<const Entry> make(const Wanted& wanted, const std::function<Forms()>& forms) {
  auto entry = std::make_shared<Entry>();
  if (absent_device() != nullptr) {
    take_first(*entry, forms(), {nullptr, absent_device().get()}, policy_of(wanted));
    return entry;
  }
  // Without a handle this throws: nothing is kept, and the next call tries again.
  const Handle handle(wanted.device, nullptr);
  take_first(*entry, forms(), {handle.get(), nullptr}, policy_of(wanted));
  return entry;
}

}  // namespace

std::int64_t alignment_of(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  if (address == 0) return 0;
  const auto divides = static_cast<std::int64_t>(address & (~address + 1));
  return divides < 16 ? divides : 16;
}

Handle::Handle(int device, void* stream) : device_(device) {
  on_release(drop);
  devices().use(device);
  {
    const std::lock_guard<std::mutex> lock(idle().mutex);
    const auto found = idle().handles.find(device);
    if (found != idle().handles.end()) {
      handle_ = found->second;
      idle().handles.erase(found);
    }
  }
  if (handle_ == nullptr) check(cudnn()->create(&handle_), "cudnnCreate");
  const cudnnStatus_t status = cudnn()->set_stream(handle_, static_cast<cudaStream_t>(stream));
  if (status == CUDNN_STATUS_SUCCESS) return;
  cudnn()->destroy(handle_);
  fail_call("cudnnSetStream", status);
}
Handle::~Handle() {
  const std::lock_guard<std::mutex> lock(idle().mutex);
  idle().handles.emplace(device_, handle_);
}

std::shared_ptr<const Entry> entry_of(const Wanted& wanted, const std::function<Forms()>& forms) {
  const Policy policy = policy_of(wanted);
  Key key{wanted.op, wanted.bf16, wanted.device, policy.fast, policy.tf32, policy.exact};
  key.insert(key.end(), wanted.sizes.begin(), wanted.sizes.end());
  for (const void* pointer : *wanted.pointers) key.push_back(alignment_of(pointer));
  return plans().get(key, [&] { return make(wanted, forms); });
}

std::size_t plans_kept() {
  return plans().size();
}
void plan_for_absent_device(const char* json) {
  release();
  on_release(drop);
  absent_device().reset();
  if (json != nullptr)
    absent_device() = std::make_unique<const Descriptor>(device_properties(json));
}

void execute(const Entry& entry, const Pointers& pointers, const Exec& exec) {
  if (entry.program == nullptr) fail<DeviceError>(entry.reason);
  const Handle handle(exec.device, exec.stream);
  entry.program->execute(handle.get(), pointers, exec.scratch);
}

Tensor image(std::int64_t id, std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c,
             cudnnDataType_t type, const Pointers& pointers) {
  Tensor t;
  t.id = id;
  t.dims = {n, c, h, w};
  t.strides = {h * w * c, 1, w * c, c};
  t.type = type;
  if (id < kArguments) t.alignment = alignment_of(pointers[static_cast<std::size_t>(id)]);
  return t;
}
Tensor vector_of(std::int64_t id, std::int64_t channels, const Pointers& pointers) {
  return image(id, 1, 1, 1, channels, CUDNN_DATA_FLOAT, pointers);
}
Tensor as_virtual(Tensor t, std::int64_t id) {
  t.id = id;
  t.type = CUDNN_DATA_FLOAT;
  t.alignment = 16;
  t.is_virtual = true;
  return t;
}
Tensor as_temporary(Tensor t, std::int64_t id, cudnnDataType_t type) {
  t.id = id;
  t.type = type;
  t.alignment = 16;
  return t;
}
Tensor number(std::int64_t id, double value) {
  Tensor t;
  t.id = id;
  t.dims = t.strides = {1, 1, 1, 1};
  t.by_value = true;
  t.value = static_cast<float>(value);
  t.alignment = 4;
  return t;
}

}  // namespace taxon::kernels::cuda::vendor
