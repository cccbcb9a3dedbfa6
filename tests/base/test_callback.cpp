// Callback: what it holds, its copies, and that it is empty at first.
#include <taxon/base/callback.h>

#include <functional>
#include <memory>
#include <string>

#include "catch.h"

using taxon::Callback;

namespace {
int doubled(int x) {
  return 2 * x;
}
}  // namespace

TEST_CASE("callback: holds a lambda with its state, by value and by reference") {
  int calls = 0;
  Callback<void(int)> count = [&calls](int by) { calls += by; };
  count(2);
  count(3);
  CHECK(calls == 5);
  Callback<std::string(const std::string&)> greet =
      [word = std::string("hello ")](const std::string& name) { return word + name; };
  CHECK(greet("you") == "hello you");
}

TEST_CASE("callback: empty is false, and can be made empty again") {
  Callback<void()> none;
  CHECK_FALSE(none);
  Callback<int()> one = [] { return 1; };
  REQUIRE(one);
  CHECK(one() == 1);
  one = nullptr;
  CHECK_FALSE(one);
}

TEST_CASE("callback: copies share what they hold, and it is destroyed with the last") {
  auto alive = std::make_shared<int>(0);
  std::weak_ptr<int> seen = alive;
  Callback<int()> next = [alive = std::move(alive)] { return ++*alive; };
  Callback<int()> copy = next;
  CHECK(next() == 1);
  CHECK(copy() == 2);
  next = nullptr;
  CHECK_FALSE(seen.expired());
  copy = nullptr;
  CHECK(seen.expired());
}

TEST_CASE("callback: an argument that only moves arrives") {
  Callback<int(std::unique_ptr<int>)> take = [](std::unique_ptr<int> p) { return *p; };
  CHECK(take(std::make_unique<int>(7)) == 7);
}

TEST_CASE("callback: a function, a result that is not wanted, an empty std::function") {
  Callback<int(int)> function = doubled;
  CHECK(function(4) == 8);
  int calls = 0;
  Callback<void(int)> unwanted = [&calls](int x) { return calls += x; };
  unwanted(3);
  CHECK(calls == 3);
  CHECK_FALSE(Callback<int(int)>(std::function<int(int)>()));
  CHECK_FALSE(Callback<int(int)>(static_cast<int (*)(int)>(nullptr)));
  CHECK(Callback<int(int)>(std::function<int(int)>(doubled))(5) == 10);
  CHECK_FALSE(std::is_constructible_v<Callback<int(int)>, int>);
}
