// See device_group.h.
#include "device_group.h"

#include <taxon/base/error.h>
#include <taxon/core/devices.h>
#include <taxon/core/dispatch.h>

namespace taxon {
namespace {

class DeviceGroup final : public Group {
 public:
  DeviceGroup(Group& host, Device device, const kernels::Collectives& collectives,
              const std::string& id)
      : host_(host), device_(device), collectives_(collectives) {
    member_ = collectives_.join(device.index, reinterpret_cast<const unsigned char*>(id.data()),
                                host.rank(), host.size());
  }
  ~DeviceGroup() override { collectives_.leave(member_); }
  DeviceGroup(const DeviceGroup&) = delete;
  DeviceGroup& operator=(const DeviceGroup&) = delete;

  int rank() const override { return host_.rank(); }
  int size() const override { return host_.size(); }
  int local_rank() const override { return host_.local_rank(); }
  Device place() const override { return device_; }

  void sum(Tensor& t) override {
    if (!(t.device() == device_)) return host_.sum(t);
    start_sum(t);
    wait();
  }

  void start_sum(Tensor& t) override {
    if (!(t.device() == device_))
      fail<DeviceError>("a sum in the background: ", t, " is not on ", device_);
    collectives_.start_sum(member_, t.mutable_raw(), static_cast<std::size_t>(t.numel()),
                           kernel_type(t.dtype()), stream());
  }
  void progress() override {}  // the GPU does so by itself
  void wait() override { collectives_.wait(member_, stream()); }
  std::string broadcast(const std::string& s) override { return host_.broadcast(s); }

 private:
  void* stream() const { return backend_of(device_).stream(device_.index); }

  Group& host_;
  const Device device_;
  const kernels::Collectives& collectives_;
  void* member_ = nullptr;
};

// What is missing here; "": nothing.
std::string missing(Device device) {
  const auto collectives = backend_of(device).collectives;
  if (collectives == nullptr) return "this build is without NCCL";
  const char* absence = collectives().absence();
  return absence != nullptr ? absence : "";
}

}  // namespace

Device own_device(const Group& group, Device asked) {
  const int index = asked.index + group.local_rank();
  const auto count = static_cast<int>(available_devices().size()) - 1;
  if (index >= count)
    fail<DeviceError>("process ", group.rank(), " is number ", group.local_rank() + 1,
                      " on this machine, which has ", count, " GPUs from cuda:0 on; from ", asked,
                      " on there is none for it: expected at most a process a GPU");
  return {asked.type, static_cast<std::int8_t>(index)};
}

std::unique_ptr<Group> join_gpus(Group& host, Device device, std::string& why) {
  why = missing(device);
  Tensor without = Tensor::full({1}, why.empty() ? 0 : 1, DType::i64);
  host.sum(without);
  const auto count = without.to_vector<std::int64_t>()[0];
  if (count > 0) {
    if (why.empty()) why = text(count, " of the processes cannot use NCCL");
    return nullptr;
  }
  const kernels::Collectives& collectives = backend_of(device).collectives();
  std::string id(kernels::Collectives::id_bytes, '\0');
  if (host.first()) collectives.make_id(reinterpret_cast<unsigned char*>(id.data()));
  return std::make_unique<DeviceGroup>(host, device, collectives, host.broadcast(id));
}

}  // namespace taxon
