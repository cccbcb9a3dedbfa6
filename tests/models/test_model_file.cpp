// The model file: everything comes back, the golden pair guards the weights, bad files are refused.
#include <taxon/base/file.h>
#include <taxon/core/ops.h>
#include <taxon/models/model_file.h>
#include <taxon/models/safetensors.h>

#include <cmath>

#include "catch.h"
#include "temporary_folder.h"

using namespace taxon;

namespace {

Image picture(std::int64_t height, std::int64_t width, std::int64_t channels) {
  Image image(height, width, channels);
  for (std::size_t i = 0; i < image.bytes(); ++i) {
    image.data()[i] = static_cast<std::uint8_t>(i * 37 % 251);
  }
  return image;
}

ModelMeta meta_for(const Model& model) {
  ModelMeta meta;
  meta.spec = model.spec();
  for (std::int64_t i = 0; i < meta.spec.classes; ++i) {
    meta.classes.push_back("class " + std::to_string(i));
  }
  meta.preprocess.height = meta.spec.height;
  meta.preprocess.width = meta.spec.width;
  meta.preprocess.channels = meta.spec.channels;
  const auto c = static_cast<std::size_t>(meta.spec.channels);
  meta.preprocess.mean.assign(c, 0.45f);
  meta.preprocess.std.assign(c, 0.225f);
  return meta;
}

std::shared_ptr<Model> model_of(const std::string& name, Task task = Task::single) {
  ModelSpec spec;
  spec.name = name;
  spec.classes = 4;
  spec.task = task;
  auto model = build_model(spec, 6);
  model->eval();
  return model;
}

std::string refusal(const std::string& path) {
  try {
    load_model(path);
  } catch (const FormatError& e) {
    return e.what();
  }
  return "(accepted)";
}

}  // namespace

TEST_CASE("a saved model comes back whole", "[model_file]") {
  TemporaryFolder folder;
  const std::string path = folder / "m.safetensors";
  for (const std::string name : {"mlp", "lenet", "cnn", "resnet8", "resnet18"}) {
    INFO(name);
    const auto model = model_of(name);
    ModelMeta meta = meta_for(*model);
    meta.temperature = 1.25;
    meta.notes["data"] = "made up";
    meta.preprocess.resize = ResizeMode::letterbox;
    meta.golden = make_golden(*model, meta, picture(40, 50, meta.spec.channels));
    save_model(path, *model, meta);
    const LoadedModel loaded = load_model(path);
    CHECK(loaded.meta.spec == model->spec());
    CHECK(loaded.meta.classes == meta.classes);
    CHECK(loaded.meta.preprocess == meta.preprocess);
    CHECK(loaded.meta.temperature == meta.temperature);
    CHECK(loaded.meta.notes == meta.notes);
    CHECK(loaded.meta.golden->image == meta.golden->image);
    CHECK(loaded.meta.golden->probabilities == meta.golden->probabilities);
    CHECK_FALSE(loaded.model->training());
    const auto a = model->parameters(), b = loaded.model->parameters();
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      REQUIRE(a[i].to_vector<float>() == b[i].to_vector<float>());
    }
    CHECK(verify_golden(*loaded.model, loaded.meta) == 0);
    CHECK(load_model_meta(path).classes == meta.classes);
  }
}

TEST_CASE("several labels: thresholds travel", "[model_file]") {
  TemporaryFolder folder;
  const std::string path = folder / "m.safetensors";
  const auto model = model_of("mlp", Task::multi);
  ModelMeta meta = meta_for(*model);
  save_model(path, *model, meta);
  CHECK(load_model(path).meta.thresholds == std::vector<float>(4, 0.5f));
  meta.thresholds = {0.1f, 0.2f, 0.3f, 0.95f};
  save_model(path, *model, meta);
  CHECK(load_model(path).meta.thresholds == meta.thresholds);
  CHECK(load_model(path).meta.spec.task == Task::multi);
}

TEST_CASE("what was calibrated travels", "[model_file]") {
  TemporaryFolder folder;
  const std::string path = folder / "m.safetensors";
  const auto model = model_of("mlp");
  ModelMeta meta = meta_for(*model);
  save_model(path, *model, meta);
  CHECK(load_model(path).meta.conformal.empty());
  CHECK(load_model(path).meta.selective.empty());
  meta.temperature = 1.25;
  meta.conformal = Conformal::fit(std::vector<double>{0.9, 0.7, 0.3});
  meta.selective = {{0.9, 0.25, 1, 0.95}, {0.5, 1, 0.75, 0.7}};
  save_model(path, *model, meta);
  const ModelMeta back = load_model_meta(path);
  CHECK(back.temperature == 1.25);
  CHECK(back.conformal.levels() == meta.conformal.levels());
  REQUIRE(back.selective.size() == 2);
  CHECK(back.selective[0].threshold == 0.9);
  CHECK(back.selective[1].accuracy == 0.75);
  CHECK(back.selective[0].at_least == 0.95);
}

TEST_CASE("the golden pair catches a changed weight", "[model_file]") {
  const auto model = model_of("resnet8");
  ModelMeta meta = meta_for(*model);
  REQUIRE_THROWS_AS(verify_golden(*model, meta), FormatError);
  meta.golden = make_golden(*model, meta, picture(32, 32, 3));
  CHECK(verify_golden(*model, meta) == 0);
  for (NamedTensor& p : model->named_parameters()) {
    if (p.name == "layer2.0.conv2.weight") {
      p.tensor.mutable_view<float>()[5] += 3;
    }
  }
  REQUIRE_THROWS_AS(verify_golden(*model, meta), FormatError);
}

TEST_CASE("what does not fit the model is not saved", "[model_file]") {
  TemporaryFolder folder;
  const std::string path = folder / "m.safetensors";
  const auto model = model_of("mlp");
  ModelMeta meta = meta_for(*model);
  SECTION("classes") {
    meta.classes.pop_back();
  }
  SECTION("thresholds") {
    meta.thresholds = {0.5f};
  }
  SECTION("threshold") {
    meta.thresholds = {0.5f, 0.5f, 0.5f, 1.5f};
  }
  SECTION("temperature") {
    meta.temperature = 0;
  }
  SECTION("channels") {
    meta.preprocess.channels = 3;
  }
  REQUIRE_THROWS_AS(save_model(path, *model, meta), OptionError);
  CHECK_FALSE(file_exists(path));
}

TEST_CASE("model files that lie are refused", "[model_file]") {
  TemporaryFolder folder;
  const std::string path = folder / "m.safetensors";
  const auto model = model_of("mlp");
  save_model(path, *model, meta_for(*model));
  TensorFile file = read_safetensors(path);
  const auto refused = [&](const std::string& part) {
    write_safetensors(path, file.tensors, file.metadata);
    const std::string found = refusal(path);
    INFO(found);
    CHECK(found.rfind(path, 0) == 0);
    CHECK(found.find(part) != std::string::npos);
  };
  SECTION("weights alone") {
    file.metadata.clear();
    refused("no Taxon model");
  }
  SECTION("a newer format") {
    file.metadata["taxon.format"] = "2";
    refused("a newer Taxon");
  }
  SECTION("no classes") {
    file.metadata.erase("taxon.classes");
    refused("no 'taxon.classes'");
  }
  SECTION("fewer classes") {
    file.metadata["taxon.classes"] = R"(["a"])";
    refused("1 class names, expected 4");
  }
  SECTION("not JSON") {
    file.metadata["taxon.model"] = "{";
    refused("'taxon.model'");
  }
  SECTION("unknown model") {
    file.metadata["taxon.model"] =
        R"({"name":"mpl","height":28,"width":28,"channels":1,"classes":4,"task":"single","stem":"auto","shortcut":"auto"})";
    refused("did you mean 'mlp'");
  }
  SECTION("another size than the weights have") {
    file.metadata["taxon.model"] =
        R"({"name":"mlp","height":8192,"width":8192,"channels":1,"classes":4,"task":"single","stem":"auto","shortcut":"auto"})";
    refused("expected those of 'mlp' for images of 8192x8192x1");
  }
  SECTION("a weight is missing") {
    file.tensors.pop_back();
    refused("missing");
  }
  SECTION("a weight has another shape") {
    for (NamedTensor& t : file.tensors) {
      if (t.name == "5.bias") {
        t.tensor = Tensor::zeros(Shape{5});
      }
    }
    refused("'5.bias' is f32[5], expected f32[4]");
  }
  SECTION("a golden pair that does not fit") {
    file.metadata["taxon.golden"] =
        R"({"height":2,"width":2,"channels":3,"pixels":"AAAA","probabilities":[1,0,0,0],"tolerance":0.1})";
    refused("3 bytes of pixels");
  }
  SECTION("cut short") {
    const auto bytes = read_file(path);
    write_file_atomic(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size() / 2});
    CHECK(refusal(path).find("lie within") != std::string::npos);
  }
  SECTION("not safetensors") {
    write_file_atomic(path, "\x89PNG\r\n\x1a\n and so on");
    CHECK(refusal(path).find("no safetensors file") != std::string::npos);
  }
}

TEST_CASE("probabilities follow task and temperature", "[model_file]") {
  const Tensor x = Tensor::from(std::vector<float>{2, 0}, Shape{1, 2});
  CHECK(probabilities(x, Task::single).view<float>()[0] == Approx(1 / (1 + std::exp(-2.0))));
  CHECK(probabilities(x, Task::single, 2).view<float>()[0] == Approx(1 / (1 + std::exp(-1.0))));
  CHECK(probabilities(x, Task::multi, 2).view<float>()[1] == Approx(0.5));
}
