// mlp, lenet, cnn: layers in a row, named by their index as torch's Sequential does.
#include <taxon/layers/layers.h>

#include <array>

#include "families.h"

namespace taxon {
namespace {

class PlainModel : public Model {
 public:
  explicit PlainModel(ModelSpec spec) : Model(std::move(spec)) {}

  template <class M, class... Args>
  PlainModel& add(Args&&... args) {
    register_module(std::to_string(children().size()),
                    std::make_shared<M>(std::forward<Args>(args)...));
    return *this;
  }

  Tensor features(const Tensor& x) override {
    return forward_chain(std::span(children()).first(children().size() - 1), x);
  }
  Tensor head(const Tensor& features) override {
    return children().back().second->forward(features);
  }
  std::string head_name() const override { return children().back().first; }
  void replace_head(std::int64_t classes, Init& init) override {
    const auto& last = static_cast<const Linear&>(*children().back().second);
    replace_child(head_name(), std::make_shared<Linear>(last.in(), classes, init));
    spec_.classes = classes;
  }
};

// What is left of the image where it is flattened: height, width, channels.
std::array<std::int64_t, 3> flattened(const ModelSpec& s) {
  if (s.name == "mlp") {
    return {s.height, s.width, s.channels};
  }
  if (s.name == "lenet") {
    return {(s.height / 2 - 4) / 2, (s.width / 2 - 4) / 2, 16};
  }
  return {s.height / 4, s.width / 4, 128};
}

std::shared_ptr<PlainModel> mlp(const ModelSpec& s, Init& init) {
  auto m = std::make_shared<PlainModel>(s);
  m->add<Flatten>();
  m->add<Linear>(flattened_features(s), 512, init, LinearOptions{true, flattened(s)}).add<ReLU>();
  m->add<Linear>(512, 256, init).add<ReLU>();
  m->add<Linear>(256, s.classes, init);
  return m;
}

std::shared_ptr<PlainModel> lenet(const ModelSpec& s, Init& init) {
  auto m = std::make_shared<PlainModel>(s);
  ConvOptions padded;
  padded.padding = 2;
  m->add<Conv2d>(s.channels, 6, 5, init, padded).add<ReLU>().add<MaxPool2d>(2);
  m->add<Conv2d>(6, 16, 5, init).add<ReLU>().add<MaxPool2d>(2).add<Flatten>();
  m->add<Linear>(flattened_features(s), 120, init, LinearOptions{true, flattened(s)}).add<ReLU>();
  m->add<Linear>(120, 84, init).add<ReLU>();
  m->add<Linear>(84, s.classes, init);
  return m;
}

std::shared_ptr<PlainModel> cnn(const ModelSpec& s, Init& init) {
  auto m = std::make_shared<PlainModel>(s);
  ConvOptions padded;
  padded.padding = 1;
  m->add<Conv2d>(s.channels, 32, 3, init, padded).add<ReLU>();
  m->add<Conv2d>(32, 64, 3, init, padded).add<ReLU>().add<MaxPool2d>(2);
  m->add<Conv2d>(64, 128, 3, init, padded).add<ReLU>().add<MaxPool2d>(2).add<Flatten>();
  m->add<Linear>(flattened_features(s), 128, init, LinearOptions{true, flattened(s)}).add<ReLU>();
  m->add<Linear>(128, s.classes, init);
  return m;
}

bool is_plain(const std::string& name) {
  return name == "mlp" || name == "lenet" || name == "cnn";
}

}  // namespace

std::int64_t flattened_features(const ModelSpec& spec) {
  if (!is_plain(spec.name)) {
    return 0;
  }
  const auto [h, w, c] = flattened(spec);
  return h * w * c;
}

void check_plain(const ModelSpec& s) {
  const auto [h, w, c] = flattened(s);
  if (is_plain(s.name) && (h < 1 || w < 1)) {
    fail<OptionError>("model '", s.name, "': an image of ", s.height, "x", s.width,
                      " is too small, expected at least ", s.name == "lenet" ? "12x12" : "4x4");
  }
}

std::shared_ptr<Model> build_plain(const ModelSpec& spec, Init& init) {
  if (spec.name == "mlp") {
    return mlp(spec, init);
  }
  return spec.name == "lenet" ? lenet(spec, init) : cnn(spec, init);
}

}  // namespace taxon
