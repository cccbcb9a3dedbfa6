// Libraries of the system that are loaded when they are first needed: the program starts as fast as
// without them, and runs where they are not installed.
#pragma once

#include <initializer_list>
#include <string>

namespace taxon::fetch {

class SharedLibrary {
 public:
  /// Loads the first of `names` that the system has. Throws IoError: `purpose` needs `title`.
  SharedLibrary(std::string title, const std::string& purpose,
                std::initializer_list<const char*> names);

  /// Sets `function` to the library's one of this name. Declared as decltype(&name) it has the type
  /// that the library's header gives it.
  template <class F>
  void bind(F*& function, const char* name) const {
    function = reinterpret_cast<F*>(find(name));
  }

 private:
  void* find(const char* name) const;
  std::string title_;
  void*
      handle_;  // never closed: libcurl and libcrypto register clean-ups for the end of the process
};

}  // namespace taxon::fetch
