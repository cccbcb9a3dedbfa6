// Sums over GPUs: what NCCL and the streams are asked to do, with a stand-in whose members are
// threads.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "standin/nccl.h"
#include "test_vendor.h"

using namespace taxon;
using namespace taxon::test;
using Catch::Contains;
using kernels::Collectives;
using kernels::Type;

namespace {

// Streams and events that only write down what they are asked, each thread for itself.
thread_local std::vector<std::string> asked;
thread_local int made = 0;
std::atomic<int> alive{0};

struct Mark {
  std::string name;
};
void* new_mark(const char* name) {
  ++alive;
  return new Mark{name + std::to_string(++made)};
}
void free_mark(void* mark) {
  --alive;
  delete static_cast<Mark*>(mark);
}
const std::string& name_of(void* mark) {
  return static_cast<Mark*>(mark)->name;
}

const vendor::Streams streams = {
    [](int device) { asked.push_back("use " + std::to_string(device)); },
    [] { return new_mark("stream "); },
    [] { return new_mark("event "); },
    [](void* e, void* s) { asked.push_back("record " + name_of(e) + " in " + name_of(s)); },
    [](void* s, void* e) { asked.push_back(name_of(s) + " waits for " + name_of(e)); },
    free_mark,
    free_mark};

/// The stand-in for as long as this lives.
class NcclStandIn {
 public:
  NcclStandIn() {
    vendor::set_streams(streams);
    vendor::use_nccl(&standin::nccl_functions);
  }
  ~NcclStandIn() {
    vendor::use_nccl(nullptr);
    CHECK(standin::live_communicators() == 0);
    CHECK(alive == 0);
  }
  NcclStandIn(const NcclStandIn&) = delete;
  NcclStandIn& operator=(const NcclStandIn&) = delete;
};

// `body(rank, member, stream)` in a thread for each member of a new group.
template <class F>
void together(int size, const F& body) {
  const Collectives& c = vendor::nccl_collectives();
  unsigned char id[Collectives::id_bytes];
  c.make_id(id);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      void* member = c.join(rank + 3, id, rank, size);
      Mark stream{"compute"};
      asked.clear();
      body(rank, member, &stream);
      c.leave(member);
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace

TEST_CASE("NCCL: sums of every type over the members, beside the computation", "[nccl]") {
  const NcclStandIn in_place;
  const Collectives& c = vendor::nccl_collectives();
  REQUIRE(c.absence() == nullptr);
  constexpr int size = 3;
  std::vector<std::vector<float>> floats(size);
  std::vector<std::vector<double>> doubles(size);
  std::vector<std::vector<std::int64_t>> integers(size);
  std::vector<std::vector<std::string>> steps(size);
  together(size, [&](int rank, void* member, void* stream) {
    const auto r = static_cast<std::size_t>(rank);
    floats[r] = {1.5F * static_cast<float>(rank), 2};
    doubles[r] = {0.25 * rank};
    integers[r] = {rank, std::int64_t{1} << 40, -rank};
    c.start_sum(member, floats[r].data(), 2, Type::f32, stream);
    c.start_sum(member, doubles[r].data(), 1, Type::f64, stream);
    c.start_sum(member, integers[r].data(), 3, Type::i64, stream);
    c.wait(member, stream);
    steps[r] = asked;
  });
  for (std::size_t r = 0; r < size; ++r) {
    CHECK(floats[r] == std::vector<float>{4.5F, 6});
    CHECK(doubles[r] == std::vector<double>{0.75});
    CHECK(integers[r] == std::vector<std::int64_t>{3, std::int64_t{3} << 40, -3});
    const std::string use = "use " + std::to_string(r + 3);
    // Each sum begins when the computation has come to it; the computation goes on after all.
    std::vector<std::string> expected;
    for (int sum = 0; sum < 3; ++sum)
      expected.insert(expected.end(),
                      {use, "record event 2 in compute", "stream 1 waits for event 2"});
    expected.insert(expected.end(),
                    {use, "record event 3 in stream 1", "compute waits for event 3"});
    CHECK(steps[r] == expected);
  }
}

TEST_CASE("NCCL: what goes wrong is told with the call, its text and its code", "[nccl]") {
  const NcclStandIn in_place;
  const Collectives& c = vendor::nccl_collectives();
  unsigned char id[Collectives::id_bytes];
  c.make_id(id);
  CHECK_THROWS_WITH(c.join(0, id, 1, 1),
                    Contains("ncclCommInitRank: invalid argument (4): said by the stand-in"));
  const int aborted = standin::aborted_communicators();
  together(1, [&](int, void* member, void* stream) {
    float value = 1;
    CHECK_THROWS_WITH(c.start_sum(member, &value, 1, Type::u8, stream),
                      Contains("f32, f64 or i64"));
    c.start_sum(member, &value, 1, Type::f32, stream);
    standin::set_async_error(ncclRemoteError);
    CHECK_THROWS_WITH(c.wait(member, stream), Contains("NCCL: remote process exited (6)"));
    standin::set_async_error(ncclSuccess);
  });
  CHECK(standin::aborted_communicators() == aborted + 1);  // it does not wait for who is gone
}

TEST_CASE("NCCL: where it is absent or too old, that is said", "[nccl]") {
  const NcclStandIn in_place;
  vendor::use_nccl(nullptr, "not here");
  CHECK(std::string(vendor::nccl_collectives().absence()) == "not here");
  vendor::use_nccl(&standin::nccl_functions);
  vendor::set_streams({});
  CHECK(vendor::nccl_collectives().absence() != nullptr);
  vendor::Nccl functions;
  const char* names[] = {"libnccl-of-nobody.so"};
  const vendor::Loaded none = vendor::load_nccl(names, 1, &functions);
  CHECK_FALSE(none.there);
  CHECK_THAT(none.absence, Contains("NCCL 2 not found: libnccl-of-nobody.so"));
}

#ifdef TAXON_NCCL_LIBRARY
TEST_CASE("real NCCL: all that is called is there", "[.real]") {
  vendor::Nccl functions;
  const char* names[] = {TAXON_NCCL_LIBRARY};
  const vendor::Loaded loaded = vendor::load_nccl(names, 1, &functions);
  INFO((loaded.absence == nullptr ? "" : loaded.absence));
  REQUIRE(loaded.there);
  CHECK(std::string(functions.error_string(ncclInvalidArgument)).find("invalid argument") !=
        std::string::npos);
}
#endif
