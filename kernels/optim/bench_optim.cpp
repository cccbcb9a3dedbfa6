// Times optimizer updates of whole networks' parameters.
#include "kernel_bench.h"

#include <taxon/kernels/optim.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace taxon::kernels;
using namespace taxon::bench;
using namespace taxon::test;

namespace {

using Sizes = std::vector<std::int64_t>;

/// A list of tensors, each with an array that is read (the first) and some that are updated.
/// `point` sets one tensor's pointers to them.
template <class Args, class Tensor>
class Updates {
 public:
  using Point = void (*)(Tensor& t, float* const* arrays);

  Updates(Rows<Args> rows, const Args& args, const Tensor& settings, const Sizes& sizes,
          std::size_t arrays, Point point)
      : rows_(rows), args_(args), point_(point), arrays_(arrays) {
    for (const std::int64_t n : sizes) {
      tensors_.push_back(settings);
      tensors_.back().n = n;
      for (std::size_t i = 0; i < arrays_; ++i) buffers_.emplace_back(n, 64);
    }
    bind(tensors_, buffers_);
    args_.count = static_cast<std::int64_t>(tensors_.size());
    args_.tensors = tensors_.data();
    fill(buffers_);
  }
  const Args& args() const { return args_; }

  template <class Run>
  bool check(Run run) {
    auto expected = buffers_;
    std::vector<Tensor> tensors = tensors_;
    bind(tensors, expected);
    Args reference = args_;
    reference.tensors = tensors.data();
    run_row(reference_of(rows_), reference);
    run();
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      if (!close_values(buffers_[i], expected[i], 1e-4, 1e-4)) return false;
    }
    return true;
  }
  void prepare() { fill(buffers_); }

 private:
  using Buffers = std::vector<Guarded<float>>;

  static void fill(Buffers& buffers) {
    for (std::size_t i = 0; i < buffers.size(); ++i) fill_reals(buffers[i], i, 0, 1);
  }
  void bind(std::vector<Tensor>& tensors, Buffers& buffers) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      float* pointers[4] = {};
      for (std::size_t k = 0; k < arrays_; ++k) pointers[k] = buffers[i * arrays_ + k].data();
      point_(tensors[i], pointers);
    }
  }

  Rows<Args> rows_;
  Args args_;
  Point point_;
  std::size_t arrays_;
  std::vector<Tensor> tensors_;
  Buffers buffers_;
};

/// `moves`: arrays read or written.
template <class Args, class Tensor>
void add_updates(Rows<Args> rows, const Args& args, const Tensor& settings,
                 const std::pair<std::string, Sizes>& network, std::size_t arrays, double moves,
                 typename Updates<Args, Tensor>::Point point) {
  double bytes = 0;
  for (const std::int64_t n : network.second) bytes += 4 * moves * static_cast<double>(n);
  add_rows(rows, args, network.first, {0, bytes}, [=] {
    return Updates<Args, Tensor>(rows, args, settings, network.second, arrays, point);
  });
}

/// ResNet-20: a convolution and two vectors of batch-norm a layer.
Sizes resnet20() {
  Sizes sizes;
  const auto layer = [&](std::int64_t in, std::int64_t out, std::int64_t kernel) {
    for (const std::int64_t n : {in * out * kernel * kernel, out, out}) sizes.push_back(n);
  };
  layer(3, 16, 3);
  for (const std::int64_t c : {16, 32, 64}) {
    layer(c == 16 ? c : c / 2, c, 3);
    if (c > 16) layer(c / 2, c, 1);
    for (int i = 0; i < 5; ++i) layer(c, c, 3);
  }
  for (const std::int64_t n : {640, 10}) sizes.push_back(n);
  return sizes;
}

const bool registered = add_family([] {
  const std::pair<std::string, Sizes> networks[] = {{"11173962", {11173962}},
                                                    {"mlp", {401408, 512, 131072, 256, 2560, 10}},
                                                    {"resnet20", resnet20()}};
  for (const auto& network : networks) {
    SgdArgs sgd;
    sgd.momentum = 0.9;
    sgd.nesterov = true;
    SgdTensor by_sgd;
    by_sgd.lr = 1e-3;
    by_sgd.weight_decay = 5e-4;
    add_updates<SgdArgs, SgdTensor>(sgd_rows(Type::f32), sgd, by_sgd, network, 3, 5,
                                    [](SgdTensor& t, float* const* arrays) {
                                      t.g = arrays[0];
                                      t.p = arrays[1];
                                      t.v = arrays[2];
                                    });
    AdamWTensor by_adamw;
    by_adamw.keep = 1 - 1e-5;
    by_adamw.rate = 1e-3;
    add_updates<AdamWArgs, AdamWTensor>(adamw_rows(Type::f32), AdamWArgs(), by_adamw, network, 4, 7,
                                        [](AdamWTensor& t, float* const* arrays) {
                                          t.g = arrays[0];
                                          t.p = arrays[1];
                                          t.m = arrays[2];
                                          t.v = arrays[3];
                                        });
    LerpArgs lerp;
    lerp.weight = 1e-3;
    add_updates<LerpArgs, LerpTensor>(lerp_rows(Type::f32), lerp, LerpTensor(), network, 2, 3,
                                      [](LerpTensor& t, float* const* arrays) {
                                        t.x = arrays[0];
                                        t.y = arrays[1];
                                      });
  }
});

}  // namespace
