// Dropout, whose state is a counter of training steps.
#include <taxon/base/random.h>
#include <taxon/layers/activation.h>

namespace taxon {

Dropout::Dropout(double probability, Init& init)
    : p(probability),
      seed_(init.seed),
      stream_(init.stream++),
      step_(register_buffer("step", Tensor::zeros(Shape{}, DType::i64), Keep::run)) {
  if (!(p >= 0 && p < 1)) {
    fail<OptionError>("Dropout: p is ", p, ", expected 0 <= p < 1");
  }
}

Tensor Dropout::forward(const Tensor& x) {
  if (!training() || p == 0) {
    return x;
  }
  std::int64_t& step = step_.mutable_view<std::int64_t>()[0];
  DropoutOptions options;
  options.p = p;
  options.seed = mix(seed_, stream_);
  options.stream = static_cast<std::uint64_t>(step++);
  return dropout(x, options);
}

std::string Dropout::str() const {
  return text("Dropout(", p, ")");
}

}  // namespace taxon
