// See upload.h.
#include <taxon/base/error.h>
#include <taxon/core/dispatch.h>
#include <taxon/core/upload.h>

#include <cstring>
#include <map>
#include <mutex>

namespace taxon {
namespace {

// Page-locked memory takes long to get: pieces that nothing uses are kept, by their size.
struct Pool {
  std::mutex mutex;
  std::multimap<std::size_t, void*> pieces;
};
// Never destroyed: the driver may be gone when the program ends.
Pool& pool() {
  static auto* const instance = new Pool;
  return *instance;
}

void* taken(std::size_t bytes, Device device) {
  {
    Pool& all = pool();
    const std::lock_guard lock(all.mutex);
    const auto at = all.pieces.find(bytes);
    if (at != all.pieces.end()) {
      void* memory = at->second;
      all.pieces.erase(at);
      return memory;
    }
  }
  void* memory = backend_of(device).allocate_pinned(bytes);
  if (memory == nullptr)
    fail<OutOfMemoryError>("out of page-locked memory of the host: ", bytes, " bytes asked for");
  return memory;
}

void give(std::size_t bytes, void* memory) {
  Pool& all = pool();
  const std::lock_guard lock(all.mutex);
  all.pieces.emplace(bytes, memory);
}

}  // namespace

Upload::Upload(Device device, const Shape& shape, DType dtype)
    : device_(device),
      there_(Tensor::empty(shape, dtype, device)),
      bytes_(static_cast<std::size_t>(shape.numel()) * size_of(dtype)),
      host_(taken(bytes_, device)) {}

Upload::Upload(Device device, const Tensor& from) : Upload(device, from.shape(), from.dtype()) {
  std::memcpy(host_, from.raw(), bytes_);
  start();
}

Upload::~Upload() {
  // Until it is done, the copy reads the host's memory and writes to the tensor's.
  if (ticket_ != nullptr) backend_of(device_).end_upload(device_.index, ticket_);
  give(bytes_, host_);
}

void* Upload::host() const {
  return host_;
}

void Upload::start() {
  const kernels::Backend& b = backend_of(device_);
  ticket_ = b.start_upload(device_.index, there_.mutable_raw(), host_, bytes_);
}

Tensor Upload::finish() {
  if (ticket_ == nullptr) fail<Error>("Upload: finish() before start()");
  backend_of(device_).await_upload(device_.index, ticket_);
  return there_;
}

}  // namespace taxon
