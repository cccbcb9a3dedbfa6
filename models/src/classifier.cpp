// Classifier: a loaded model behind a small interface. All state is const after construction.
#include <taxon/base/parallel.h>
#include <taxon/core/devices.h>
#include <taxon/models/classifier.h>
#include <taxon/models/model_file.h>

#include <algorithm>
#include <numeric>
#include <optional>

namespace taxon {
namespace {

void check(const RawImage& raw) {
  if (!raw.pixels || raw.height < 1 || raw.width < 1 || raw.channels < 1 || raw.channels > 4) {
    fail<ShapeError>("classify: raw image of ", raw.height, "x", raw.width, "x", raw.channels,
                     raw.pixels ? "" : " without pixels",
                     ", expected extents of at least 1 and 1 to 4 channels");
  }
  if (raw.height > max_image_side || raw.width > max_image_side) {
    fail<ShapeError>("classify: raw image of ", raw.height, "x", raw.width,
                     ", expected sides of at most ", max_image_side);
  }
  if (raw.row_stride != 0 && raw.row_stride < raw.width * raw.channels) {
    fail<ShapeError>("classify: row stride of ", raw.row_stride, " bytes, expected at least ",
                     raw.width * raw.channels);
  }
}

// Grey or RGB; alpha is dropped, as when decoding a file.
Image image_of(const RawImage& raw) {
  check(raw);
  const std::int64_t stride = raw.row_stride != 0 ? raw.row_stride : raw.width * raw.channels;
  const std::int64_t kept = raw.channels <= 2 ? 1 : 3;
  if (kept == raw.channels) {
    return Image::copy_of(raw.pixels, raw.height, raw.width, raw.channels,
                          static_cast<std::ptrdiff_t>(stride));
  }
  Image image(raw.height, raw.width, kept);
  for (std::int64_t y = 0; y < raw.height; ++y) {
    const std::uint8_t* in = raw.pixels + y * stride;
    std::uint8_t* out = image.row(y);
    for (std::int64_t x = 0; x < raw.width; ++x) {
      std::copy_n(in + x * raw.channels, kept, out + x * kept);
    }
  }
  return image;
}

}  // namespace

struct Classifier::State {
  std::shared_ptr<Model> model;  // never written to after construction
  ModelMeta meta;
  std::int64_t top = 5;
  std::optional<double> set_from;     // the probability that a label of the set has at least
  std::optional<double> answer_from;  // the confidence of an answer

  void promise(const ClassifierOptions& options) {
    constexpr const char* how = "; train it with a val split (--val-fraction 0.1)";
    if (options.coverage != 0) {
      if (meta.conformal.empty())
        fail<OptionError>("coverage ", options.coverage, ": the model has no calibration", how);
      set_from = meta.conformal.threshold(options.coverage);
    }
    if (options.accuracy == 0) return;
    if (!(options.accuracy > 0 && options.accuracy <= 1))
      fail<OptionError>("accuracy is ", options.accuracy, ", expected a number from 0 to 1");
    if (meta.selective.empty())
      fail<OptionError>("accuracy ", options.accuracy, ": the model has no calibration", how);
    const SelectivePoint* point = point_for_accuracy(meta.selective, options.accuracy);
    if (point == nullptr) {
      double most = 0;
      for (const SelectivePoint& p : meta.selective) most = std::max(most, p.at_least);
      fail<OptionError>("accuracy ", options.accuracy, ": by what val showed, at most ", most,
                        " can be promised, of the most confident answers");
    }
    answer_from = point->threshold;
  }

  Label label(std::span<const float> p, std::int64_t i) const {
    const auto at = static_cast<std::size_t>(i);
    return {meta.classes[at], i, p[at]};
  }

  float threshold(std::size_t k) const {
    return meta.thresholds.empty() ? 0.5f : meta.thresholds[k];
  }

  // Of the best class, or of the least certain label: as predictions.csv has it.
  float confidence(std::span<const float> p) const {
    if (meta.spec.task == Task::single) return *std::max_element(p.begin(), p.end());
    float least = 1;
    for (std::size_t k = 0; k < p.size(); ++k)
      least = std::min(least, p[k] >= threshold(k) ? p[k] : 1 - p[k]);
    return least;
  }

  Classification answer(std::span<const float> p) const {
    Classification out;
    out.probabilities.assign(p.begin(), p.end());
    std::vector<std::int64_t> order(p.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return p[static_cast<std::size_t>(a)] > p[static_cast<std::size_t>(b)];
    });
    const auto k = std::min(order.size(), static_cast<std::size_t>(top));
    for (std::size_t i = 0; i < k; ++i) {
      out.top.push_back(label(p, order[i]));
    }
    for (const std::int64_t i : order) {
      const auto at = static_cast<std::size_t>(i);
      if (set_from && static_cast<double>(p[at]) >= *set_from) out.set.push_back(label(p, i));
    }
    out.abstained = answer_from && confidence(p) < static_cast<float>(*answer_from);
    if (meta.spec.task == Task::single) {
      const auto best = static_cast<std::size_t>(order[0]);
      if (!meta.thresholds.empty() && p[best] < meta.thresholds[best]) out.abstained = true;
      out.labels.push_back(label(p, order[0]));
      return out;
    }
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (p[i] >= threshold(i)) {
        out.labels.push_back(label(p, static_cast<std::int64_t>(i)));
      }
    }
    return out;
  }

  std::vector<Classification> answers(std::span<const Image> images) const {
    constexpr std::size_t batch = 64;  // bounds the memory of large folders
    NoGrad guard;
    std::vector<Classification> out;
    for (std::size_t at = 0; at < images.size(); at += batch) {
      const auto part = images.subspan(at, std::min(batch, images.size() - at));
      const Tensor logits = logits_of(*model, meta.preprocess(part), meta.tta);
      const Tensor p = taxon::probabilities(logits, meta.spec.task, meta.temperature).to(cpu);
      const auto classes = static_cast<std::size_t>(p.dim(1));
      for (std::size_t i = 0; i < part.size(); ++i) {
        out.push_back(answer(p.view<float>().subspan(i * classes, classes)));
      }
    }
    return out;
  }

  Classification answer(const Image& image) const { return answers({&image, 1}).front(); }
};

Classifier Classifier::load(const std::string& path, const ClassifierOptions& options) {
  check_available(options.device.value_or(cpu));
  LoadedModel loaded = load_model(path);
  loaded.model->optimize_for_inference();
  loaded.model->to(options.device.value_or(cpu));
  if (options.verify) {
    verify_golden(*loaded.model, loaded.meta, path);
  }
  ClassifierOptions rest = options;
  rest.verify = false;
  return Classifier(std::move(loaded.model), std::move(loaded.meta), rest);
}

Classifier::Classifier(std::shared_ptr<Model> model, ModelMeta meta,
                       const ClassifierOptions& options) {
  if (!model) {
    fail<OptionError>("Classifier: no model");
  }
  if (options.top < 1 || options.threads < 0) {
    fail<OptionError>("Classifier: top is ", options.top, " and threads ", options.threads,
                      ", expected top >= 1 and threads >= 0");
  }
  if (options.threads > 0) {
    set_num_threads(options.threads);
  }
  meta.spec = model->spec();
  meta.validate();
  model->eval();
  if (options.device) model->to(*options.device);
  auto state = std::make_shared<State>();
  state->model = std::move(model);
  state->meta = std::move(meta);
  state->top = options.top;
  state->promise(options);
  if (options.verify) {
    verify_golden(*state->model, state->meta);
  }
  state_ = std::move(state);
}

Classification Classifier::classify(const std::string& path) const {
  return state_->answer(load_image(path));
}

Classification Classifier::classify(std::span<const std::uint8_t> encoded) const {
  return state_->answer(decode_image(encoded));
}

Classification Classifier::classify(const RawImage& image) const {
  return state_->answer(image_of(image));
}

std::vector<Classification> Classifier::classify(std::span<const RawImage> images) const {
  std::vector<Image> copies;
  copies.reserve(images.size());
  for (const RawImage& raw : images) {
    copies.push_back(image_of(raw));
  }
  return state_->answers(copies);
}

const std::vector<std::string>& Classifier::classes() const {
  return state_->meta.classes;
}

const ModelMeta& Classifier::meta() const {
  return state_->meta;
}

double Classifier::verify() const {
  return verify_golden(*state_->model, state_->meta);
}

}  // namespace taxon
