// Times the rows of convolution on the layers of the models: ResNet-18 and -20 (CIFAR), LeNet, the
// small cnn, and ResNet-50.
#include "conv2d/conv_test.h"
#include "kernel_bench.h"

#include <algorithm>
#include <memory>

using namespace taxon::kernels;

namespace {

using taxon::test::Direction;

struct Shape {
  std::int64_t n, size, c, k, filter, stride, pad;
};

constexpr Shape kShapes[] = {
    // ResNet-18
    {128, 32, 64, 64, 3, 1, 1},
    {128, 16, 128, 128, 3, 1, 1},
    {128, 8, 256, 256, 3, 1, 1},
    {128, 4, 512, 512, 3, 1, 1},
    {128, 32, 64, 128, 3, 2, 1},
    {128, 16, 128, 256, 3, 2, 1},
    {128, 8, 256, 512, 3, 2, 1},
    {128, 32, 64, 128, 1, 2, 0},
    {128, 16, 128, 256, 1, 2, 0},
    {128, 8, 256, 512, 1, 2, 0},
    {128, 32, 3, 64, 3, 1, 1},
    // ResNet-20
    {128, 32, 3, 16, 3, 1, 1},
    {128, 32, 16, 16, 3, 1, 1},
    {128, 16, 32, 32, 3, 1, 1},
    {128, 8, 64, 64, 3, 1, 1},
    {128, 32, 16, 32, 3, 2, 1},
    {128, 16, 32, 64, 3, 2, 1},
    // LeNet, cnn
    {128, 28, 1, 6, 5, 1, 2},
    {128, 14, 6, 16, 5, 1, 0},
    {128, 28, 1, 32, 3, 1, 1},
    {128, 28, 32, 64, 3, 1, 1},
    {128, 14, 64, 128, 3, 1, 1},
    // ResNet-50
    {16, 224, 3, 64, 7, 2, 3},
    {16, 56, 64, 256, 1, 1, 0},
    {16, 56, 256, 64, 1, 1, 0},
    {16, 14, 1024, 256, 1, 1, 0},
    {16, 56, 128, 128, 3, 2, 1},
    {16, 28, 256, 256, 3, 2, 1},
    {16, 14, 512, 512, 3, 2, 1},
    {16, 7, 2048, 512, 1, 1, 0},
    // one image
    {1, 32, 16, 16, 3, 1, 1},
    {1, 16, 32, 32, 3, 1, 1},
    {1, 8, 64, 64, 3, 1, 1},
    {1, 32, 64, 64, 3, 1, 1},
    {1, 16, 128, 128, 3, 1, 1},
    {1, 8, 256, 256, 3, 1, 1},
    {1, 4, 512, 512, 3, 1, 1},
    {1, 14, 256, 256, 3, 1, 1},
    {1, 7, 512, 512, 3, 1, 1},
    {1, 32, 64, 128, 3, 2, 1},
    {1, 16, 128, 256, 3, 2, 1},
    {1, 8, 256, 512, 3, 2, 1},
    {1, 56, 128, 128, 3, 2, 1},
    {1, 28, 256, 256, 3, 2, 1},
    {1, 14, 512, 512, 3, 2, 1},
    {1, 56, 256, 64, 1, 1, 0},
    {1, 28, 512, 128, 1, 1, 0},
    {1, 14, 1024, 256, 1, 1, 0},
    {1, 7, 2048, 512, 1, 1, 0},
    {1, 7, 512, 2048, 1, 1, 0},
};

template <class T>
constexpr Type kType = std::is_same_v<T, float> ? Type::f32 : Type::bf16;

Conv2dArgs args_of(const Shape& s) {
  Conv2dArgs a;
  a.n = s.n;
  a.h = a.w = s.size;
  a.c = s.c;
  a.k = s.k;
  a.r = a.s = s.filter;
  a.stride_h = a.stride_w = s.stride;
  a.pad_h = a.pad_w = s.pad;
  a.oh = a.ow = (s.size + 2 * s.pad - s.filter) / s.stride + 1;
  return a;
}

std::string name_of(const Shape& s) {
  const std::string size = std::to_string(s.size), filter = std::to_string(s.filter);
  return std::to_string(s.n) + "x" + size + "x" + size + "x" + std::to_string(s.c) + "_k" +
         std::to_string(s.k) + "_" + filter + "x" + filter + "s" + std::to_string(s.stride);
}

/// Images of T; parameters and their gradients are f32.
template <class T>
class Problem {
 public:
  Problem(const Shape& shape, Direction direction)
      : direction_(direction),
        args_(args_of(shape)),
        x_(args_.n * args_.h * args_.w * args_.c, 64),
        y_(args_.n * args_.oh * args_.ow * args_.k, 64),
        weight_(args_.k * args_.r * args_.s * args_.c, 64) {
    args_.x = x_.data();
    args_.weight = weight_.data();
    args_.y = y_.data();
  }
  const Conv2dArgs& args() const { return args_; }

  /// Integers; compared on the first and the last image, for the weights' gradient with an output
  /// gradient that is zero for all others.
  template <class Run>
  bool check(Run run) {
    fill([](auto& values, std::uint64_t seed) { taxon::test::fill_integers(values, seed); });
    if (direction_ == Direction::weight && args_.n > 2) {
      std::fill(y_.begin() + y_image(), y_.end() - y_image(), T(0.0f));
    }
    run();
    if (direction_ == Direction::forward) {
      return check_image(0, y_image(), y_) && check_image(args_.n - 1, y_image(), y_);
    }
    if (direction_ == Direction::data) {
      return check_image(0, x_image(), x_) && check_image(args_.n - 1, x_image(), x_);
    }
    std::vector<float> sum = reference_of_image<float>(0, weight_.size());
    if (args_.n > 1) {
      const std::vector<float> more = reference_of_image<float>(args_.n - 1, weight_.size());
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
    }
    return near(weight_.data(), sum);
  }
  void prepare() {
    fill([](auto& values, std::uint64_t seed) { taxon::test::fill_reals(values, seed); });
  }

 private:
  template <class With>
  void fill(With with) {
    with(weight_, 2);
    std::uint64_t seed = 1;
    for (taxon::test::Guarded<T>* image : {&x_, &y_}) {
      taxon::test::Guarded<float> values(image->size());
      with(values, seed);
      std::transform(values.begin(), values.end(), image->begin(), [](float v) { return T(v); });
      seed += 2;
    }
  }
  std::int64_t x_image() const { return args_.h * args_.w * args_.c; }
  std::int64_t y_image() const { return args_.oh * args_.ow * args_.k; }

  /// Out: the type of what is computed.
  template <class Out>
  std::vector<Out> reference_of_image(std::int64_t image, std::int64_t size) {
    std::vector<Out> out(static_cast<std::size_t>(size));
    Conv2dArgs a = args_;
    a.n = 1;
    a.x = x_.data() + image * x_image();
    a.y = y_.data() + image * y_image();
    (direction_ == Direction::forward ? a.y
     : direction_ == Direction::data  ? a.x
                                      : a.weight) = out.data();
    const auto rows = taxon::test::rows_of(direction_, kType<T>);
    const taxon::bench::Runner runner(taxon::num_threads(), 0);
    taxon::test::reference_of(rows).run(a, runner.exec());
    return out;
  }
  bool check_image(std::int64_t image, std::int64_t size, const taxon::test::Guarded<T>& got) {
    const std::vector<T> expected = reference_of_image<T>(image, size);
    return near(got.data() + image * size, expected);
  }
  // The tests compare bit for bit; here Winograd's rows must pass as well.
  template <class Out>
  static bool near(const Out* got, const std::vector<Out>& reference) {
    const std::vector<float> expected(reference.begin(), reference.end());
    const std::vector<float> values(got, got + expected.size());
    return bool(taxon::test::close_values(
        values.data(), expected.data(), static_cast<std::int64_t>(expected.size()),
        taxon::test::winograd_tolerance(expected), sizeof(Out) == 2 ? 0x1p-7 : 0.0));
  }

  Direction direction_;
  Conv2dArgs args_;
  taxon::test::Guarded<T> x_, y_;
  taxon::test::Guarded<float> weight_;
};

template <class T>
void add(const Shape& shape, Direction direction) {
  const Conv2dArgs a = args_of(shape);
  const double flops =
      2.0 * static_cast<double>(a.n * a.oh * a.ow * a.k) * static_cast<double>(a.r * a.s * a.c);
  const std::string name = name_of(shape) + (kType<T> == Type::bf16 ? "_bf16" : "");
  taxon::bench::add_rows(taxon::test::rows_of(direction, kType<T>), a, name, {flops, 0},
                         [shape, direction] { return Problem<T>(shape, direction); });
}

const bool registered = taxon::bench::add_family([] {
  for (const Shape& shape : kShapes) {
    for (const Direction direction : taxon::test::kDirections) {
      add<float>(shape, direction);
      add<taxon::bf16>(shape, direction);
    }
  }
});

}  // namespace
