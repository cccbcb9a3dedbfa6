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

/// Holds anything callable with Args..., or nothing (as which a null pointer and an empty
/// std::function count). Copies share what they hold (std::function copies it). Calling an empty
/// one is a mistake of the caller: test it as a bool first.
template <class R, class... Args>
class Callback<R(Args...)> {
 public:
  Callback() = default;
  Callback(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): as std::function

  template <class F, class Held = std::decay_t<F>>
  requires(!std::is_same_v<Held, Callback> && std::is_invocable_r_v<R, Held&, Args...> &&
           !std::is_member_pointer_v<Held>)
      Callback(F&& f) {  // NOLINT(google-explicit-constructor): a lambda is given as it is
    if constexpr (!std::is_function_v<std::remove_reference_t<F>> && requires { f == nullptr; }) {
      if (f == nullptr) return;
    }
    held_ = std::make_shared<Held>(std::forward<F>(f));
    call_ = [](void* held, Args... args) -> R {
      Held& callable = *static_cast<Held*>(held);
      if constexpr (std::is_void_v<R>) {
        callable(std::forward<Args>(args)...);
      } else {
        return callable(std::forward<Args>(args)...);
      }
    };
  }

  explicit operator bool() const { return call_ != nullptr; }
  R operator()(Args... args) const { return call_(held_.get(), std::forward<Args>(args)...); }

 private:
  std::shared_ptr<void> held_;
  R (*call_)(void*, Args...) = nullptr;
};

}  // namespace taxon
