// Saving and loading models, and the golden pair.
#include <taxon/base/text.h>
#include <taxon/core/ops.h>
#include <taxon/models/model_file.h>
#include <taxon/models/safetensors.h>

#include <algorithm>
#include <cmath>

#include "families.h"
#include "model_meta.h"

namespace taxon {
namespace {

// A plain model's first Linear grows with the image. Before memory is taken for it, the file must
// hold as many values as the metadata promise.
void check_size(const TensorFile& file, const ModelSpec& spec, const std::string& path) {
  std::int64_t values = 0;
  for (const NamedTensor& t : file.tensors) {
    values += t.tensor.numel();
  }
  if (flattened_features(spec) > values) {
    fail<FormatError>(path, ": ", values, " weights, expected those of '", spec.name,
                      "' for images of ", spec.height, "x", spec.width, "x", spec.channels);
  }
}

}  // namespace

void save_model(const std::string& path, const Model& model, const ModelMeta& meta) {
  ModelMeta full = meta;
  full.spec = model.spec();
  full.validate();
  write_safetensors(path, model.file_state(), to_metadata(full));
}

LoadedModel load_model(const std::string& path) {
  const TensorFile file = read_safetensors(path);
  LoadedModel loaded;
  loaded.meta = from_metadata(file.metadata, path);
  check_size(file, loaded.meta.spec, path);
  Init init;
  init.draw = false;
  loaded.model = build_from(loaded.meta.spec, init);
  try {
    loaded.model->load_file_state(file.tensors);
  } catch (const FormatError& e) {
    fail<FormatError>(path, ": ", e.what());
  }
  loaded.model->eval();
  return loaded;
}

ModelMeta load_model_meta(const std::string& path) {
  return from_metadata(read_safetensors_metadata(path), path);
}

Tensor probabilities(const Tensor& logits, Task task, double temperature) {
  const Tensor x = temperature == 1 ? logits : mul(logits, 1 / temperature);
  return task == Task::multi ? sigmoid(x) : softmax(x, -1);
}

std::vector<float> predict(Model& model, const ModelMeta& meta, const Image& image) {
  NoGrad guard;
  const Tensor logits = logits_of(model, meta.preprocess(image), meta.tta);
  return probabilities(logits, meta.spec.task, meta.temperature).to_vector<float>();
}

Golden make_golden(Model& model, const ModelMeta& meta, const Image& image) {
  Golden golden;
  golden.image = meta.preprocess.fit(image);
  golden.probabilities = predict(model, meta, golden.image);
  for (const float p : golden.probabilities) {
    if (!std::isfinite(p)) {
      fail<Error>("golden pair: the model's answer is not finite");
    }
  }
  return golden;
}

double verify_golden(Model& model, const ModelMeta& meta, const std::string& name) {
  if (!meta.golden) {
    fail<FormatError>(name, ": has no golden pair to verify");
  }
  const std::vector<float> found = predict(model, meta, meta.golden->image);
  const std::vector<float>& expected = meta.golden->probabilities;
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(static_cast<double>(found.at(i)) - expected[i]);
    largest = std::isfinite(difference) ? std::max(largest, difference) : INFINITY;
  }
  if (!(largest <= meta.golden->tolerance)) {
    fail<FormatError>(name, ": its golden image gives probabilities that differ by ", largest,
                      " from those stored, expected at most ", meta.golden->tolerance);
  }
  return largest;
}

}  // namespace taxon
