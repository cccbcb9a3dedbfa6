#include "library.h"

#include <taxon/base/error.h>

#include <dlfcn.h>

namespace taxon::fetch {

SharedLibrary::SharedLibrary(std::string title, const std::string& purpose,
                             std::initializer_list<const char*> names)
    : title_(std::move(title)), handle_(nullptr) {
  for (const char* name : names) {
    handle_ = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle_ != nullptr) return;
  }
  const char* reason = ::dlerror();
  fail<IoError>(purpose, " needs ", title_, ", which is not installed here",
                reason == nullptr ? "" : text(" (", reason, ")"));
}

void* SharedLibrary::find(const char* name) const {
  void* found = ::dlsym(handle_, name);
  if (found == nullptr) fail<IoError>(title_, ": this version has no function ", name);
  return found;
}

}  // namespace taxon::fetch
