// A call to something given later: what std::function is, without <functional>, which costs every
// file that includes a Taxon header a fifth of a second to compile.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace taxon {

template <class Signature>
class Callback;

/// Holds anything callable as R(Args...), or nothing. Copies share what they hold (std::function
/// copies it). Calling an empty one is a mistake of the caller: test it as a bool first.
template <class R, class... Args>
class Callback<R(Args...)> {
 public:
  Callback() = default;
  Callback(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): as std::function

  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Callback> &&
           std::is_invocable_r_v<R, std::remove_cvref_t<F>&, Args...>)
      Callback(F&& f)  // NOLINT(google-explicit-constructor): a lambda is given as it is
      : held_(std::make_shared<std::remove_cvref_t<F>>(std::forward<F>(f))),
        call_([](void* held, Args... args) -> R {
          return (*static_cast<std::remove_cvref_t<F>*>(held))(std::forward<Args>(args)...);
        }) {}

  explicit operator bool() const { return call_ != nullptr; }
  R operator()(Args... args) const { return call_(held_.get(), std::forward<Args>(args)...); }

 private:
  std::shared_ptr<void> held_;
  R (*call_)(void*, Args...) = nullptr;
};

}  // namespace taxon
