// A new operation with a gradient of its own, and a layer that uses it: PReLU (He et al. 2015),
// y = x where x > 0, else a x, with a slope `a` a channel that is learnt.
// Checks the gradient against central differences (difference below 1e-8), then learns |x|, which
// is PReLU with slope -1: prints a slope of -1.0000.
//
// Use: custom_layer
#include <taxon/core/op.h>
#include <taxon/core/ops.h>
#include <taxon/layers/layers.h>
#include <taxon/train/optimizer.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace taxon;

// The operation: x [.., c], slope [c] -> [.., c].
struct PReluOp {
  static constexpr OpInfo info{"prelu", "x where x > 0, else slope * x"};
  struct Options {};

  // Shapes and dtypes are checked here, before anything runs.
  static Specs infer(const Specs& in, const Options&) {
    if (in[1].shape.rank() != 1 || in[0].shape.rank() < 1 || in[0].shape[-1] != in[1].shape[0])
      fail<ShapeError>("prelu: input ", in[0].shape, " expects one slope a channel, found ",
                       in[1].shape);
    if (in[0].dtype != in[1].dtype || (in[0].dtype != DType::f32 && in[0].dtype != DType::f64))
      fail<DTypeError>("prelu: input ", in[0], ", slope ", in[1],
                       "; expected both f32 or both f64");
    return {in[0]};
  }

  static void forward(Context& context, const Tensors& in, Tensors& out, const Options&) {
    in[0].dtype() == DType::f64 ? run<double>(in, out) : run<float>(in, out);
    context.save(in[0]);  // backward needs both inputs
    context.save(in[1]);
  }

  // One gradient an input, of the input's shape.
  static Tensors backward(Context& context, const Tensors& dout, const Options&) {
    return dout[0].dtype() == DType::f64 ? gradients<double>(context, dout[0])
                                         : gradients<float>(context, dout[0]);
  }

 private:
  template <class T>
  static void run(const Tensors& in, Tensors& out) {
    const auto x = in[0].view<T>(), slope = in[1].view<T>();
    const auto y = out[0].mutable_view<T>();
    for (std::size_t i = 0; i < x.size(); ++i)
      y[i] = x[i] > 0 ? x[i] : slope[i % slope.size()] * x[i];
  }

  template <class T>
  static Tensors gradients(const Context& context, const Tensor& dout) {
    const Tensor x = context.saved(0), slope = context.saved(1);
    Tensor dx = Tensor::empty(x.shape(), x.dtype()),
           dslope = Tensor::zeros(slope.shape(), x.dtype());
    const auto xs = x.view<T>(), slopes = slope.view<T>(), dy = dout.view<T>();
    const auto dxs = dx.mutable_view<T>(), dslopes = dslope.mutable_view<T>();
    for (std::size_t i = 0; i < xs.size(); ++i) {
      const std::size_t c = i % slopes.size();
      dxs[i] = xs[i] > 0 ? dy[i] : slopes[c] * dy[i];
      dslopes[c] += xs[i] > 0 ? T(0) : xs[i] * dy[i];
    }
    return {dx, dslope};
  }
};

// The layer: a parameter and a call of the operation.
class PReLU : public Module {
 public:
  explicit PReLU(std::int64_t channels, double start = 0.25)
      : slope(register_parameter("slope", Tensor::full({channels}, start))) {}
  Tensor forward(const Tensor& x) override { return apply<PReluOp>({x, slope}); }
  std::string str() const override { return "PReLU(" + std::to_string(slope.dim(0)) + ")"; }
  Tensor& slope;
};

// The largest difference between the gradients and central differences of sum(prelu(x)^2), in
// double.
static double gradient_error() {
  Tensor in[2] = {Tensor::normal({4, 3}, 0, 1, 1, 0, DType::f64),
                  Tensor::normal({3}, 0, 1, 1, 1, DType::f64)};
  const auto f = [&] {
    const Tensor y = apply<PReluOp>({in[0], in[1]});
    return sum(y * y);
  };
  for (Tensor& t : in) t.set_requires_grad();
  f().backward();
  double worst = 0;
  const double h = 1e-6;
  for (Tensor& t : in) {
    const std::vector<double> expected = t.grad().to_vector<double>();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      NoGrad no_grad;
      const double before = t.mutable_view<double>()[i];
      t.mutable_view<double>()[i] = before + h;
      const double above = f().item();
      t.mutable_view<double>()[i] = before - h;
      const double below = f().item();
      t.mutable_view<double>()[i] = before;
      worst = std::max(worst, std::abs((above - below) / (2 * h) - expected[i]));
    }
  }
  return worst;
}

int main() try {
  const double error = gradient_error();
  std::printf("largest difference from central differences: %.1e\n", error);

  PReLU layer(2);
  Sgd sgd(layer, 0.5);
  const Tensor x = Tensor::normal({256, 2}, 0, 1, 7), target = sqrt(x * x);
  for (int step = 0; step < 100; ++step) {
    const Tensor difference = layer(x) - target;
    layer.zero_grad();
    mean(difference * difference).backward();
    sgd.step();
  }
  const double slope = layer.slope.view<float>()[0];
  std::printf("learnt slope: %.4f\n", slope);
  return error < 1e-8 && std::abs(slope + 1) < 1e-4 ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "custom_layer: %s\n", e.what());
  return 1;
}
