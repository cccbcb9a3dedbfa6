// Weights prepared once give the same bits as weights given with each call, on any number of
// threads, for any number of images.
#include "catch.h"
#include "conv2d/conv_test.h"

using namespace taxon::kernels;
using namespace taxon::test;

namespace {

/// y by `row`, with its weights prepared by a call for another number of images.
template <class T, class P>
std::vector<P> run_prepared(Conv<T, P>& conv, const Row<Conv2dArgs>& row, int threads) {
  Conv2dArgs args = conv.args;
  args.weight = conv.weight.data();
  Conv2dArgs other = args;
  other.n = args.n + 3;
  const Guarded<unsigned char> prepared = prepared_by(row, other, threads);
  Guarded<T> y(conv.y.size());
  args.x = conv.x.data();
  args.bias = conv.bias.data();
  args.y = y.data();
  args.prepared = prepared.data();
  args.weight = nullptr;
  run_row(row, args, threads);
  std::vector<P> values;
  for (const T& v : y) values.push_back(static_cast<P>(v));
  return values;
}

template <class T, class P>
void check(Conv<T, P> conv, Type type) {
  int seen = 0;
  for_each_row(conv2d_forward_rows(type), conv.args, [&](const Row<Conv2dArgs>& row) {
    if (row.prepare == nullptr) return;
    INFO(row.name);
    ++seen;
    const auto expected = conv.run(row, Direction::forward, 1);
    for (int threads = 1; threads <= 3; ++threads) {
      INFO(threads << " threads");
      CHECK(same_bits(run_prepared(conv, row, threads), expected));
    }
  });
  CHECK(seen > 0);
}

}  // namespace

TEST_CASE("conv2d: weights prepared once give the same bits") {
  for (const Case& c :
       {Case{1, 8, 8, 64, 64, 3, 3, 1, 1}, Case{1, 16, 16, 128, 96, 3, 3, 1, 1},
        Case{1, 32, 32, 16, 16, 3, 3, 1, 1}, Case{9, 32, 32, 16, 17, 3, 3, 1, 1},
        Case{20, 4, 4, 512, 40, 3, 3, 1, 1}, Case{2, 9, 9, 33, 70, 3, 3, 2, 1},
        Case{40, 16, 16, 64, 40, 3, 3, 2, 1}, Case{1, 7, 7, 64, 130, 1, 1},
        Case{2, 20, 20, 3, 16, 7, 7, 2, 3}, Case{2, 8, 8, 12, 18, 3, 3, 1, 1, 1, 3}}) {
    INFO(c);
    Conv<float> conv(c);
    conv.fill_with_reals();
    check(conv, Type::f32);
    check(conv.narrowed(c), Type::bf16);
  }
}
