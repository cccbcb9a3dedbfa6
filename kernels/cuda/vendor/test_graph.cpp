// The stand-in for cuDNN itself: it refuses what is wrong in a graph or a call, and wrong strides,
// steps or paddings give wrong numbers.
#include "graph.h"
#include "ops.h"
#include "plan.h"
#include "test_vendor.h"

using namespace taxon;
using namespace taxon::kernels;
using namespace taxon::kernels::cuda;
using namespace taxon::test;
using vendor::Convolution;
using vendor::ConvolutionKind;
using vendor::Graph;
using vendor::Pointers;
using vendor::Pointwise;

namespace {

/// A 3x3 convolution of 1 x 4 x 5 x 2 to 3 channels, with its operands.
struct Sample {
  Sample() : x(4 * 5 * 2), w(3 * 9 * 2), y(4 * 5 * 3) {
    fill_small(x, 1);
    fill_small(w, 2);
    pointers[1] = x.data();
    pointers[2] = w.data();
    pointers[3] = y.data();
    graph = {{vendor::image(1, 1, 4, 5, 2, CUDNN_DATA_FLOAT, pointers),
              vendor::image(2, 3, 3, 3, 2, CUDNN_DATA_FLOAT, pointers),
              vendor::image(3, 1, 4, 5, 3, CUDNN_DATA_FLOAT, pointers)},
             {Convolution{ConvolutionKind::forward, 1, 2, 3, {1, 1}, {1, 1}, {1, 1}, {1, 1}}}};
  }
  Convolution& convolution() { return std::get<Convolution>(graph.operations[0]); }
  std::vector<float> run() {
    const vendor::Handle handle(0, nullptr);
    const vendor::Plan plan(graph, {handle.get(), nullptr}, {});
    plan.execute(handle.get(), pointers, {}, nullptr);
    return {y.begin(), y.end()};
  }
  Guarded<float> x, w, y;
  Pointers pointers{};
  Graph graph;
};

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("standin: wrong strides and steps give wrong numbers") {
  const StandIn standin;
  Sample right;
  const std::vector<float> expected = right.run();
  CHECK(Sample().run() == expected);
  {
    Sample wrong;  // rows and columns of the image exchanged, within its memory
    wrong.graph.tensors[0].strides = {40, 1, 2, 8};
    CHECK(wrong.run() != expected);
  }
  {
    Sample wrong;  // NCHW
    wrong.graph.tensors[0].strides = {40, 20, 5, 1};
    CHECK(wrong.run() != expected);
  }
  {
    Sample wrong;
    wrong.graph.tensors[1].strides = {18, 9, 3, 1};
    CHECK(wrong.run() != expected);
  }
  {
    Sample wrong;
    wrong.graph.tensors[2].strides = {60, 20, 5, 1};
    CHECK(wrong.run() != expected);
  }
  {
    Sample wrong;  // the same size of output by other padding
    wrong.convolution().pad_before = {2, 0};
    wrong.convolution().pad_after = {0, 2};
    CHECK(wrong.run() != expected);
  }
}

TEST_CASE("standin: what does not fit together is refused") {
  const StandIn standin;
  const auto refused = [](auto change) {
    Sample s;
    change(s);
    return error_of([&] { s.run(); });
  };
  CHECK(refused([](Sample&) {}).empty());
  CHECK(contains(refused([](Sample& s) {
                   s.graph.tensors[0].strides = {40, 1, 2, 2};
                 }),
                 "elements overlap"));
  CHECK(contains(refused([](Sample& s) { s.graph.tensors[2].dims[2] = 5; }),
                 "the size of the output"));
  CHECK(contains(refused([](Sample& s) {
                   s.convolution().stride = {2, 1};
                 }),
                 "the size of the output"));
  CHECK(contains(refused([](Sample& s) { s.graph.tensors[0].dims.pop_back(); }),
                 "has not 3 elements"));
  CHECK(contains(refused([](Sample& s) { s.graph.tensors[0].alignment = 3; }), "power of two"));
  CHECK(contains(refused([](Sample& s) { s.graph.tensors[1].type = CUDNN_DATA_BFLOAT16; }),
                 "factors of different types"));
  CHECK(
      contains(refused([](Sample& s) { s.graph.tensors[2].is_virtual = true; }), "is never read"));
  CHECK(contains(refused([](Sample& s) { s.pointers[2] = nullptr; }), "no pointer for tensor 2"));
  CHECK(contains(refused([](Sample& s) {
                   s.pointers[1] = reinterpret_cast<char*>(s.pointers[1]) - 4;
                   s.graph.tensors[0].alignment = 16;
                   s.graph.tensors[1].alignment = 4;
                 }),
                 "lies otherwise than its alignment says"));
}

TEST_CASE("standin: descriptors have a life") {
  const StandIn standin;
  const vendor::Cudnn& c = standin::cudnn_functions;
  cudnnBackendDescriptor_t d = nullptr;
  REQUIRE(c.create_descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, &d) == CUDNN_STATUS_SUCCESS);
  CHECK(c.finalize(d) == CUDNN_STATUS_BAD_PARAM);  // nothing was set
  const std::int64_t id = 1;
  CHECK(c.set_attribute(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id) ==
        CUDNN_STATUS_SUCCESS);
  CHECK(c.set_attribute(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_FLOAT, 1, &id) ==
        CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  CHECK(c.set_attribute(d, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &id) ==
        CUDNN_STATUS_NOT_SUPPORTED);
  CHECK(standin::record().live == 1);
  CHECK(c.destroy_descriptor(d) == CUDNN_STATUS_SUCCESS);
  CHECK(c.destroy_descriptor(d) != CUDNN_STATUS_SUCCESS);
  CHECK(c.finalize(d) != CUDNN_STATUS_SUCCESS);
  CHECK(standin::record().live == 0);
}

TEST_CASE("cudnn: what cannot be loaded says why") {
  const char* const nowhere[] = {"libtaxon-no-such-library.so.1", "libtaxon-nor-this.so.2"};
  vendor::Cudnn functions;
  const vendor::Loaded absent = vendor::load_cudnn(nowhere, 2, &functions);
  CHECK_FALSE(absent.there);
  CHECK(contains(absent.absence, "cuDNN 9 not found: libtaxon-no-such-library.so.1"));
  CHECK(contains(absent.absence, "libtaxon-nor-this.so.2"));
  const char* const other[] = {"libc.so.6"};
  vendor::CublasLt products;
  CHECK(std::string(vendor::load_cublaslt(other, 1, &products).absence) ==
        "cuBLASLt has no cublasLtGetVersion");
}

TEST_CASE("cudnn: the cache drops what was used longest ago") {
  vendor::Cache<int> cache(2);
  int made = 0;
  const auto get = [&](std::int64_t key) {
    return *cache.get({key}, [&] { return std::make_shared<const int>(++made); });
  };
  CHECK(get(1) == 1);
  CHECK(get(2) == 2);
  CHECK(get(1) == 1);
  CHECK(get(3) == 3);  // 2 goes
  CHECK(get(1) == 1);
  CHECK(get(2) == 4);
  CHECK(cache.size() == 2);
}
