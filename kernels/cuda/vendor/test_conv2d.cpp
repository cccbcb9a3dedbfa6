// cuDNN's rows of convolution, computed by the stand-in from what it is handed, against the CPU's
// reference: all three directions, strides, paddings, dilations, groups, odd sizes, bf16, and what
// is fused with the forward one; the cache of plans, the choice of engines, and what fails.
#include <cstring>
#include <set>
#include <thread>

#include "conv2d/conv_test.h"
#include "test_vendor.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::test;

namespace {

const Row<Conv2dArgs>& vendor_row(Direction direction, Type type) {
  if (direction == Direction::forward) return cuda::conv2d_forward_cudnn(type);
  if (direction == Direction::data) return cuda::conv2d_backward_data_cudnn(type);
  return cuda::conv2d_backward_weight_cudnn(type);
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {{1, 1, 1, 1, 1, 1, 1},
                                        {2, 5, 7, 3, 4, 1, 1},
                                        {1, 7, 5, 4, 6, 3, 3, 1, 1},
                                        {2, 9, 8, 3, 5, 3, 3, 2, 1},
                                        {1, 11, 9, 2, 3, 5, 3, 2, 2},
                                        {1, 9, 9, 3, 2, 3, 3, 1, 2, 2},
                                        {2, 6, 6, 4, 8, 3, 3, 1, 1, 1, 2},
                                        {1, 7, 7, 6, 6, 3, 3, 1, 1, 1, 6},
                                        {1, 8, 6, 4, 4, 2, 4, 2, 1, 1, 2, 1, 3},
                                        {1, 15, 15, 3, 8, 7, 7, 2, 3},
                                        {1, 4, 4, 2, 2, 1, 1, 2, 0},
                                        {1, 3, 3, 2, 3, 3, 3, 1, 4}};
  return all;
}

template <class T, class P>
std::vector<P> run_by(const Row<Conv2dArgs>& row, Conv<T, P>& conv, Direction direction, bool bias,
                      bool relu, bool add, bool vendor) {
  Conv2dArgs a = conv.args;
  Guarded<T> image(direction == Direction::data ? conv.x.size() : conv.y.size());
  Guarded<P> weight(conv.weight.size()), sums(conv.bias.size());
  a.x = direction == Direction::data ? image.data() : conv.x.data();
  a.y = direction == Direction::forward ? image.data() : conv.y.data();
  a.weight = direction == Direction::weight ? weight.data() : conv.weight.data();
  a.bias = !bias ? nullptr : direction == Direction::weight ? sums.data() : conv.bias.data();
  a.relu = relu;
  a.residual = add ? conv.residual.data() : nullptr;
  vendor ? run_vendor(row, a) : run_row(row, a);
  std::vector<P> values;
  if (direction == Direction::weight) {
    values.assign(weight.begin(), weight.end());
    if (bias) values.insert(values.end(), sums.begin(), sums.end());
  } else {
    for (const T& v : image) values.push_back(static_cast<P>(v));
  }
  return values;
}

/// The row against the last of the CPU's table, on integers.
template <class T, class P>
void check_case(const Case& c, Conv<T, P>& conv, Type type, Direction direction, bool bias,
                bool relu, bool add) {
  INFO(c << " direction " << static_cast<int>(direction) << " bias " << bias << " relu " << relu
         << " add " << add);
  const auto expected =
      run_by(reference_of(rows_of(direction, type)), conv, direction, bias, relu, add, false);
  const auto out = run_by(vendor_row(direction, type), conv, direction, bias, relu, add, true);
  CHECK(same_values(out.data(), expected.data(), static_cast<std::int64_t>(expected.size())));
}

template <class T, class P>
void check_all(const Case& c, Conv<T, P>& conv, Type type) {
  for (int bits = 0; bits < 8; ++bits) {
    check_case(c, conv, type, Direction::forward, (bits & 1) != 0, (bits & 2) != 0,
               (bits & 4) != 0);
  }
  check_case(c, conv, type, Direction::data, false, false, false);
  check_case(c, conv, type, Direction::weight, false, false, false);
  check_case(c, conv, type, Direction::weight, true, false, false);
}

bool runtime_only(const std::string& operations) {
  return operations.find("conv_forward+") == 0;
}

const Case kSmall = {1, 5, 6, 4, 3, 3, 3, 1, 1};

/// A forward call of kSmall with all its operands.
struct Small {
  Small() : conv(kSmall), out(conv.y.size()) {
    conv.fill_with_integers(2);
    args = conv.args;
    args.x = conv.x.data();
    args.weight = conv.weight.data();
    args.y = out.data();
  }
  std::string declines() const {
    const char* reason = cuda::conv2d_forward_cudnn(Type::f32).declines(args);
    return reason == nullptr ? "" : reason;
  }
  Conv<float> conv;
  Guarded<float> out;
  Conv2dArgs args;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("cudnn: convolutions are the reference's on integers") {
  const StandIn standin;
  for (const Case& c : cases()) {
    Conv<float> conv(c);
    conv.fill_with_integers(2);
    check_all(c, conv, Type::f32);
    Conv<bf16, float> narrow = conv.narrowed(c);
    check_all(c, narrow, Type::bf16);
  }
}

TEST_CASE("cudnn: convolutions where nothing is fused") {
  const StandIn standin;
  standin::refuse([](const std::string& operations) {
    return runtime_only(operations) && operations != "conv_forward+identity";
  });
  for (const Case& c : cases()) {
    Conv<float> conv(c);
    conv.fill_with_integers(2);
    Conv<bf16, float> narrow = conv.narrowed(c);
    for (int bits = 1; bits < 8; ++bits) {
      const bool bias = (bits & 1) != 0, relu = (bits & 2) != 0, add = (bits & 4) != 0;
      check_case(c, conv, Type::f32, Direction::forward, bias, relu, add);
      check_case(c, narrow, Type::bf16, Direction::forward, bias, relu, add);
    }
  }
}

TEST_CASE("cudnn: the gradient of a bias by our own kernel") {
  const StandIn standin;
  standin::refuse([](const std::string& operations) { return operations == "sum"; });
  standin::set_workspace(64);
  vendor::set_column_sums({[](Type, std::int64_t, std::int64_t) { return std::size_t{1000}; },
                           [](Type type, std::int64_t rows, std::int64_t cols, const void* x,
                              void* sums, const Exec& exec) {
                             std::memset(exec.scratch, 0, 1000);
                             for (std::int64_t j = 0; j < cols; ++j) {
                               float sum = 0;
                               for (std::int64_t i = 0; i < rows; ++i) {
                                 const std::int64_t at = i * cols + j;
                                 sum += type == Type::bf16
                                            ? static_cast<float>(static_cast<const bf16*>(x)[at])
                                            : static_cast<const float*>(x)[at];
                               }
                               static_cast<float*>(sums)[j] = sum;
                             }
                           }});
  for (const Case& c : cases()) {
    Conv<float> conv(c);
    conv.fill_with_integers(2);
    check_case(c, conv, Type::f32, Direction::weight, true, false, false);
    Conv<bf16, float> narrow = conv.narrowed(c);
    check_case(c, narrow, Type::bf16, Direction::weight, true, false, false);
  }
  vendor::set_column_sums({nullptr, nullptr});
  Small s;
  s.args.bias = s.conv.bias.data();
  const char* reason = cuda::conv2d_backward_weight_cudnn(Type::f32).declines(s.args);
  CHECK(std::string(reason == nullptr ? "" : reason) == "cuDNN has no engine: none offered");
}

TEST_CASE("cudnn: what a convolution is fused with") {
  const StandIn standin;
  Small s;
  Conv<bf16, float> narrow = s.conv.narrowed(kSmall);
  const auto graphs = [&](bool bias, bool relu, bool add) {
    ran();
    run_by(cuda::conv2d_forward_cudnn(Type::f32), s.conv, Direction::forward, bias, relu, add,
           true);
    return ran();
  };
  CHECK(graphs(false, false, false) == Names{"conv_forward"});
  CHECK(graphs(true, false, false) == Names{"conv_forward+add"});
  CHECK(graphs(true, true, true) == Names{"conv_forward+add+add+relu"});
  run_by(cuda::conv2d_forward_cudnn(Type::bf16), narrow, Direction::forward, true, true, false,
         true);
  CHECK(ran() == Names{"identity", "conv_forward+add+relu"});
  run_by(cuda::conv2d_backward_weight_cudnn(Type::bf16), narrow, Direction::weight, true, false,
         false, true);
  CHECK(ran() == Names{"conv_backward_weight+identity", "sum"});
  standin::refuse(runtime_only);
  vendor::release();
  CHECK(graphs(true, true, true) == Names{"conv_forward", "add+add+relu"});
}

TEST_CASE("cudnn: a convolution is planned once for each shape, alignment and switch") {
  const StandIn standin;
  Small s;
  const Row<Conv2dArgs>& row = cuda::conv2d_forward_cudnn(Type::f32);
  for (int i = 0; i < 5; ++i) run_vendor(row, s.args);
  CHECK(standin::record().plans == 1);
  CHECK(standin::record().handles == 1);
  Small other;  // the same shape elsewhere
  run_vendor(row, other.args);
  CHECK(standin::record().plans == 1);
  s.args.relu = true;
  run_vendor(row, s.args);
  CHECK(standin::record().plans == 2);
  vendor::set_tf32(true);
  run_vendor(row, s.args);
  CHECK(standin::record().plans == 3);
  vendor::set_fast(true);
  run_vendor(row, s.args);
  CHECK(standin::record().plans == 4);
  Guarded<float> shifted(s.conv.x.size() + 1);
  s.args.x = shifted.data() + 1 - reinterpret_cast<std::uintptr_t>(shifted.data()) / 4 % 2;
  fill_integers(shifted, 1);
  run_vendor(row, s.args);
  run_vendor(row, s.args);
  CHECK(standin::record().plans <= 5);
  CHECK(vendor::plans_kept() >= 4);
}

TEST_CASE("cudnn: plans are made once, and are right, on many threads") {
  const StandIn standin;
  Small s;
  const Row<Conv2dArgs>& row = cuda::conv2d_forward_cudnn(Type::f32);
  std::vector<Guarded<float>> outs(4, Guarded<float>(s.out.size()));
  std::vector<std::thread> threads;
  for (Guarded<float>& out : outs) {
    threads.emplace_back([&] {
      Conv2dArgs args = s.args;
      args.y = out.data();
      for (int i = 0; i < 20; ++i) {
        if (row.declines(args) == nullptr) row.run(args, {});
      }
    });
  }
  for (std::thread& t : threads) t.join();
  std::set<std::int64_t> alignments;  // y's are not equal in all
  for (const Guarded<float>& out : outs) alignments.insert(vendor::alignment_of(out.data()));
  CHECK(standin::record().plans == static_cast<int>(alignments.size()));
  CHECK(standin::record().handles <= 4);
  for (const Guarded<float>& out : outs) CHECK(same_bits(out, outs[0]));
}

TEST_CASE("cudnn: engines that round, or that differ from run to run, are passed over") {
  const StandIn standin;
  Small s;
  const Row<Conv2dArgs>& row = cuda::conv2d_forward_cudnn(Type::f32);
  const auto notes_with = [&](std::vector<int> first) {
    standin::set_first_notes(std::move(first));
    vendor::release();
    run_vendor(row, s.args);
    return standin::chosen_notes();
  };
  const std::vector<int> none, nondeterministic{CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC},
      tensor_core{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, winograd{CUDNN_NUMERICAL_NOTE_WINOGRAD};
  CHECK(notes_with(nondeterministic) == none);
  CHECK(notes_with(tensor_core) == none);
  CHECK(notes_with(winograd) == winograd);
  s.args.exact = true;
  CHECK(notes_with(winograd) == none);
  s.args.exact = false;
  vendor::set_fast(true);
  CHECK(notes_with(nondeterministic) == nondeterministic);
  CHECK(notes_with(tensor_core) == none);
  vendor::set_tf32(true);
  CHECK(notes_with(tensor_core) == tensor_core);
}

TEST_CASE("cudnn: workspace comes after what passes between graphs") {
  const StandIn standin;
  standin::refuse(runtime_only);
  standin::set_workspace(1000);
  Small s;
  s.args.relu = true;
  const Row<Conv2dArgs>& row = cuda::conv2d_forward_cudnn(Type::f32);
  REQUIRE(s.declines().empty());
  const auto bytes = static_cast<std::size_t>(s.out.size()) * 4;
  CHECK(row.scratch(s.args, 1) == (bytes + 255) / 256 * 256 + 1000);
  run_vendor(row, s.args);
  Guarded<float> expected(s.out.size());
  s.args.y = expected.data();
  run_row(reference_of(conv2d_forward_rows(Type::f32)), s.args);
  CHECK(same_values(s.out, expected));
}

TEST_CASE("cudnn: why a convolution declines") {
  const StandIn standin(75);
  Small s;
  CHECK(s.declines().empty());
  const char* narrow = cuda::conv2d_forward_cudnn(Type::bf16).declines(s.args);
  CHECK(std::string(narrow == nullptr ? "" : narrow) == "bf16 needs sm_80 or newer");
  s.args.oh += 1;
  CHECK(s.declines() == "an output that its padding does not give");
  s.args.oh -= 1;
  s.args.n = 0;
  CHECK(s.declines() == "an empty image or filter");
  s.args.n = 1;
  vendor::release();
  standin::refuse([](const std::string&) { return true; });
  CHECK(s.declines() == "cuDNN has no engine: none offered");
  CHECK(error_of([&] { cuda::conv2d_forward_cudnn(Type::f32).run(s.args, {}); }) ==
        "cuDNN has no engine: none offered");
  vendor::release();
  standin::fail_next("cudnnCreate", CUDNN_STATUS_NOT_INITIALIZED);
  CHECK(s.declines().find("cudnnCreate: ") == 0);
  standin::refuse(nullptr);
  CHECK(s.declines().empty());  // a handle may be had later
  vendor::use_cudnn(nullptr, "libcudnn.so.9 not found");
  CHECK(s.declines() == "libcudnn.so.9 not found");
}

TEST_CASE("cudnn: a call that fails is a DeviceError with its name, code and text") {
  const StandIn standin;
  Small s;
  const Row<Conv2dArgs>& row = cuda::conv2d_forward_cudnn(Type::f32);
  run_vendor(row, s.args);
  standin::fail_next("cudnnBackendExecute", CUDNN_STATUS_BAD_PARAM);
  CHECK(error_of([&] { row.run(s.args, {}); }) ==
        "cudnnBackendExecute: CUDNN_STATUS_BAD_PARAM (2000): as the test wants");
  standin::fail_next("cudnnSetStream", CUDNN_STATUS_BAD_PARAM);
  CHECK(error_of([&] { row.run(s.args, {}); }) ==
        "cudnnSetStream: CUDNN_STATUS_BAD_PARAM (2000): as the test wants");
  run_vendor(row, s.args);
}
