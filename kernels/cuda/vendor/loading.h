// Libraries that are found at run time, once, by any of several names.
#pragma once

#include <taxon/base/error.h>

#include <atomic>
#include <mutex>
#include <string>

#include <dlfcn.h>

#include "library.h"

namespace taxon::kernels::cuda::vendor {

/// A library's functions, loaded by the first who asks.
template <class T>
struct Loading {
  std::once_flag once;
  T functions;
  std::atomic<const T*> in_use{nullptr};
  std::atomic<const char*> absence{nullptr};
};
template <class T>
std::size_t version_of(const T& functions) {
  return functions.version();
}

/// The first library of these names that can be opened; else the reasons why none can.
inline void* open_first(const char* const* names, int count, std::string& reasons) {
  for (int i = 0; i < count; ++i) {
    if (void* library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL)) return library;
    const char* reason = dlerror();
    if (i > 0) reasons += "; ";
    reasons += reason != nullptr ? reason : names[i];
  }
  return nullptr;
}

template <class F>
bool find(void* library, const char* name, F& function, std::string& missing) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (function == nullptr && missing.empty()) missing = name;
  return function != nullptr;
}

inline Loaded absent(const std::string& reason) {
  return {false, lasting(reason.c_str())};
}

/// Functions that lack none, of a version that is at least `least`.
template <class T, class FindAll>
Loaded load(const char* what, std::size_t least, const char* const* names, int count, T* to,
            FindAll find_all) {
  std::string reasons, missing;
  void* library = open_first(names, count, reasons);
  if (library == nullptr) return absent(text(what, " not found: ", reasons));
  T functions;
  find_all(library, functions, missing);
  if (!missing.empty()) return absent(text(what, " has no ", missing));
  const std::size_t version = version_of(functions);
  if (version < least) return absent(text(what, " is too old: ", version, "; expected ", least));
  *to = functions;
  return {true, nullptr};
}

template <class T, class Load>
const T* in_use(Loading<T>& loading, Load load_it) {
  std::call_once(loading.once, [&] {
    const Loaded loaded = load_it(&loading.functions);
    loading.absence = loaded.absence;
    if (loaded.there) loading.in_use = &loading.functions;
  });
  return loading.in_use;
}

template <class T>
void put(Loading<T>& loading, const T* functions, const char* absence) {
  std::call_once(loading.once, [] {});
  loading.in_use = functions;
  loading.absence = functions != nullptr ? nullptr : lasting(absence);
}

}  // namespace taxon::kernels::cuda::vendor
