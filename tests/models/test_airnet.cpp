// airnet: its whitening, its start as an identity, what rests when; and the views of an answer.
#include <taxon/core/ops.h>
#include <taxon/models/model_file.h>

#include <cmath>

#include "catch.h"
#include "temporary_folder.h"

using namespace taxon;

namespace {

std::shared_ptr<Model> airnet(std::int64_t size = 12, std::int64_t channels = 3) {
  ModelSpec s;
  s.name = "airnet";
  s.height = s.width = size;
  s.channels = channels;
  s.classes = 5;
  return build_model(s, 4);
}

const Tensor& parameter(const std::vector<NamedTensor>& all, const std::string& name) {
  for (const NamedTensor& p : all) {
    if (p.name == name) return p.tensor;
  }
  FAIL("no parameter " << name);
  return all.front().tensor;
}

// Neighbouring pixels and channels of these images resemble each other, as in photos.
Tensor smooth_images(std::int64_t n) {
  const Tensor noise = Tensor::normal(Shape{n, 13, 13, 3}, 0, 1, 9);
  const auto part = [&](std::int64_t dy, std::int64_t dx) {
    return slice(slice(noise, 1, dy, dy + 12), 2, dx, dx + 12);
  };
  return part(0, 0) + part(0, 1) + part(1, 0) + mean(part(1, 1), {3}, true);
}

}  // namespace

TEST_CASE("airnet's first layer whitens the patches of the data", "[models]") {
  const auto model = airnet();
  CHECK(model->images_wanted() == 5000);
  const Tensor images = smooth_images(40);
  model->fit_to_data(images);
  NoGrad guard;
  const auto params = model->named_parameters();
  const Tensor& filters = parameter(params, "whiten.weight");
  CHECK(filters.shape() == Shape{24, 2, 2, 3});
  const Tensor y = conv2d(images, filters);
  const std::int64_t patches = y.numel() / 24;
  const Tensor rows = reshape(y, Shape{patches, 24}).to(DType::f64);
  MatmulOptions transposed;
  transposed.trans_a = true;
  const Tensor moments = matmul(rows, rows, transposed) * (1.0 / static_cast<double>(patches));
  const auto m = moments.view<double>();
  for (std::size_t i = 0; i < 12; ++i) {
    for (std::size_t j = 0; j < 12; ++j) {
      INFO(i << ' ' << j);
      // An eigenvalue l becomes l / (l + 5e-4): the smallest here is about 0.2.
      CHECK(std::abs(m[i * 24 + j] - (i == j ? 1 : 0)) < 5e-3);
      CHECK(m[i * 24 + j] == Approx(-m[i * 24 + 12 + j]).margin(1e-6));
    }
  }
}

TEST_CASE("whitening wants images, and any number of channels", "[models]") {
  const auto grey = airnet(16, 1);
  const auto params = grey->named_parameters();
  CHECK(parameter(params, "whiten.weight").shape() == Shape{8, 2, 2, 1});
  grey->fit_to_data(Tensor::uniform(Shape{3, 16, 16, 1}, 0, 1, 2));
  CHECK_THROWS_AS(grey->fit_to_data(Tensor::zeros(Shape{3, 16, 1, 1})), ShapeError);
  // All pixels alike: one direction has a size, the others are as large as the epsilon allows.
  grey->fit_to_data(Tensor::full(Shape{3, 16, 16, 1}, 0.5));
  for (const float v : parameter(params, "whiten.weight").view<float>()) CHECK(std::isfinite(v));
}

TEST_CASE("airnet's convolutions start as identities", "[models]") {
  const auto model = airnet();
  const auto params = model->named_parameters();
  NoGrad guard;
  Conv2dOptions same;
  same.pad_h = same.pad_w = 1;
  const Tensor x = Tensor::normal(Shape{2, 5, 5, 24}, 0, 1, 1);
  const Tensor y = conv2d(x, parameter(params, "group1.conv1.weight"), {}, same);
  CHECK(y.shape() == Shape{2, 5, 5, 64});
  const Tensor first = slice(y, 3, 0, 24);
  for (std::size_t i = 0; i < static_cast<std::size_t>(x.numel()); ++i) {
    CHECK(first.view<float>()[i] == Approx(x.view<float>()[i]).margin(1e-5));
  }
}

TEST_CASE("airnet's whitening is not learnt, its bias in the first epochs only", "[models]") {
  const auto model = airnet();
  const auto params = model->named_parameters();
  CHECK_FALSE(parameter(params, "whiten.weight").requires_grad());
  for (std::int64_t epoch = 0; epoch < 5; ++epoch) {
    model->epoch_starts(epoch);
    CHECK(parameter(params, "whiten.bias").requires_grad() == (epoch < 3));
  }
  const auto frozen = airnet();
  frozen->freeze_backbone();
  frozen->epoch_starts(0);  // what was frozen stays so
  const auto held = frozen->named_parameters();
  CHECK_FALSE(parameter(held, "whiten.bias").requires_grad());
}

TEST_CASE("an answer averages the views that the model file names", "[models]") {
  const auto model = airnet();
  model->eval();
  NoGrad guard;
  const Tensor x = Tensor::normal(Shape{2, 12, 12, 3}, 0, 1, 3);
  // The view (y, x) -> (y + shift, x + shift), reflected, then mirrored if asked for.
  const auto view = [&](int shift, bool mirror) {
    Tensor out = Tensor::empty(x.shape());
    const auto in = x.view<float>();
    auto to = out.mutable_view<float>();
    const auto reflect = [](int i) { return i < 0 ? -i : i > 11 ? 22 - i : i; };
    for (int n = 0; n < 2; ++n) {
      for (int r = 0; r < 12; ++r) {
        for (int c = 0; c < 12; ++c) {
          const int from = reflect((mirror ? 11 - c : c) + shift);
          for (int k = 0; k < 3; ++k) {
            to[static_cast<std::size_t>(((n * 12 + r) * 12 + c) * 3 + k)] =
                in[static_cast<std::size_t>(((n * 12 + reflect(r + shift)) * 12 + from) * 3 + k)];
          }
        }
      }
    }
    return (*model)(out);
  };
  const Tensor still = (view(0, false) + view(0, true)) * 0.5;
  const Tensor shifted = (view(0, false) + (view(-1, false) + view(1, false)) * 0.5) * 0.5;
  const Tensor moved = (view(-1, false) + view(-1, true) + view(1, false) + view(1, true)) * 0.25;
  const auto expected = {(*model)(x), still, shifted, (still + moved) * 0.5};
  std::size_t i = 0;
  for (const Tensor& want : expected) {
    const Tensor got = logits_of(*model, x, static_cast<Tta>(i++));
    for (std::size_t j = 0; j < static_cast<std::size_t>(got.numel()); ++j) {
      CHECK(got.view<float>()[j] == Approx(want.view<float>()[j]).margin(1e-5));
    }
  }
  CHECK(parse_tta("shift") == Tta::shift);
  CHECK(parse_tta("flip-shift") == Tta::flip_shift);
  CHECK_THROWS_AS(parse_tta("both"), OptionError);
}

TEST_CASE("the views travel in the model file", "[models]") {
  const TemporaryFolder folder;
  const auto model = airnet();
  model->eval();
  ModelMeta meta;
  meta.spec = model->spec();
  meta.classes = {"a", "b", "c", "d", "e"};
  meta.preprocess.height = meta.preprocess.width = 12;
  meta.tta = Tta::flip_shift;
  Image image(12, 12, 3);
  for (std::size_t i = 0; i < image.bytes(); ++i)
    image.data()[i] = static_cast<std::uint8_t>(i * 7);
  meta.golden = make_golden(*model, meta, image);
  const std::string path = folder / "m.safetensors";
  save_model(path, *model, meta);
  LoadedModel loaded = load_model(path);
  CHECK(loaded.meta.tta == Tta::flip_shift);
  CHECK(predict(*loaded.model, loaded.meta, image) == predict(*model, meta, image));
  loaded.model->optimize_for_inference();
  CHECK(verify_golden(*loaded.model, loaded.meta) < 1e-5);
}
