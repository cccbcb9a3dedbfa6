// Evaluation: of an epoch, and of a model over a data set with a row a sample.
#include <taxon/base/error.h>
#include <taxon/core/group.h>
#include <taxon/data/loader.h>
#include <taxon/metrics/classification.h>
#include <taxon/metrics/curves.h>
#include <taxon/train/evaluate.h>
#include <taxon/train/trainer.h>

#include <algorithm>

namespace taxon {
namespace {

void append_values(std::vector<float>& to, const Tensor& from) {
  const Tensor here = from.to(cpu);
  const auto values = here.view<float>();
  to.insert(to.end(), values.begin(), values.end());
}

// The rows of these samples.
void put_rows(std::vector<float>& to, const std::vector<std::int64_t>& samples,
              const Tensor& rows) {
  const Tensor here = rows.to(cpu);
  const auto values = here.view<float>();
  const auto width = static_cast<std::size_t>(here.dim(1));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto row = values.subspan(i * width, width);
    std::copy(row.begin(), row.end(), to.begin() + samples[i] * static_cast<std::int64_t>(width));
  }
}

// Rows that one process each has, the others zeros.
std::vector<float> joined(Group& group, const std::vector<float>& rows) {
  Tensor t = Tensor::from(rows, {static_cast<std::int64_t>(rows.size())});
  group.sum(t);
  return t.to_vector<float>();
}

void score_single(const Dataset& data, const std::vector<float>& probability, EpochResult& result) {
  const std::vector<double> p(probability.begin(), probability.end());
  std::vector<std::int64_t> truth;
  for (std::int64_t i = 0; i < data.size(); ++i) truth.push_back(data.label(i));
  result.top1 = top_k_accuracy(p, data.classes(), truth, 1);
  result.top5 = top_k_accuracy(p, data.classes(), truth, 5);
  const std::vector<std::int64_t> predicted = most_probable(p, data.classes());
  SingleLabelInput input;
  input.classes = data.class_names();
  input.truth = truth;
  input.predicted = predicted;
  const SingleLabelMetrics m = single_label_metrics(input);
  result.balanced_accuracy = m.balanced_accuracy;
  result.macro_f1 = m.macro.f1;
}

std::vector<std::uint8_t> all_labels(const Dataset& data) {
  std::vector<std::uint8_t> out;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto row = data.labels(i);
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

void score_multi(const Dataset& data, const std::vector<float>& probability, EpochResult& result) {
  const std::vector<double> p(probability.begin(), probability.end());
  const std::vector<std::uint8_t> truth = all_labels(data);
  MultiLabelInput input;
  input.classes = data.class_names();
  input.truth = truth;
  input.probability = p;
  const MultiLabelMetrics m = multi_label_metrics(input);
  result.mean_ap = m.mean_average_precision.value_or(0);
  result.f1_micro = m.micro.f1;
  result.f1_macro = m.macro.f1;
}

// The logits of samples done, done + 1, ...; and the features of those wanted, which the head takes
// where there are no further views. The first batch decides how far apart those lie.
Tensor logits_and_features(Model& model, const ModelMeta& meta, const Tensor& x, std::int64_t done,
                           std::int64_t samples, FeatureSample& to) {
  const Tensor features = model.features_f32(x);
  const std::int64_t rows = features.dim(0);
  if (done == 0) {
    to.features = features.numel() / rows;
    const std::int64_t fit = std::max<std::int64_t>(1, to.bytes / (4 * to.features));
    to.step = (samples + fit - 1) / fit;
    to.values.clear();
  }
  const Tensor here = features.to(cpu);
  const auto values = here.view<float>();
  for (std::int64_t i = 0; i < rows; ++i) {
    if ((done + i) % to.step != 0) continue;
    const auto row = values.subspan(static_cast<std::size_t>(i * to.features),
                                    static_cast<std::size_t>(to.features));
    to.values.insert(to.values.end(), row.begin(), row.end());
  }
  return meta.tta == Tta::none ? model.head(features) : logits_of(model, x, meta.tta);
}

}  // namespace

bool evaluate_epoch(Module& module, const Loss& loss, Loader& loader, EpochResult& result,
                    const std::atomic<bool>* interrupt, Group* group) {
  NoGrad no_grad;
  module.eval();
  const Dataset& data = loader.dataset();
  const std::int64_t classes = data.classes();
  std::vector<float> probability(static_cast<std::size_t>(data.size() * classes));
  double sum = 0;
  loader.start(0);
  for (Batch batch; loader.next(batch);) {
    if (group == nullptr && interrupt != nullptr && interrupt->load()) return false;
    if (batch.size() == 0) continue;  // fewer samples than processes
    const Tensor logits = module.forward(batch.x);
    sum += loss(logits, batch.y).item() * static_cast<double>(batch.size());
    put_rows(probability, batch.indices, probabilities(logits, data.task()));
  }
  if (group != nullptr) {
    probability = joined(*group, probability);
    Tensor sums = Tensor::scalar(sum, DType::f64);
    group->sum(sums);
    sum = sums.item();
  }
  result.loss = sum / static_cast<double>(data.size());
  if (data.task() == Task::single) {
    score_single(data, probability, result);
  } else {
    score_multi(data, probability, result);
  }
  return true;
}

namespace {

DatasetPtr matched(const ModelMeta& meta, const DatasetPtr& data) {
  const Task task = meta.spec.task;
  if (data->task() != task) {
    fail<FormatError>(data->name(), " is ", name_of(data->task()), "-label, the model is ",
                      name_of(task), "-label");
  }
  return with_classes(data, meta.classes);
}

}  // namespace

std::vector<float> evaluate_logits(Model& model, const ModelMeta& meta, const DatasetPtr& data,
                                   const EvaluateOptions& options) {
  NoGrad no_grad;
  LoaderOptions loading;
  loading.batch = options.batch;
  loading.preprocess = meta.preprocess;
  loading.cache_bytes = 0;  // each sample is seen once
  loading.device = model.device();
  Loader loader(data, loading);
  std::vector<float> logits;
  std::int64_t done = 0;
  loader.start(0);
  for (Batch batch; loader.next(batch);) {
    if (options.interrupt != nullptr && options.interrupt->load()) {
      fail<Interrupted>("evaluation interrupted after ", done, " of ", data->size(), " samples");
    }
    const Tensor answer =
        options.features == nullptr
            ? logits_of(model, batch.x, meta.tta)
            : logits_and_features(model, meta, batch.x, done, data->size(), *options.features);
    append_values(logits, answer.to(DType::f32));
    done += batch.size();
    if (options.on_progress) options.on_progress(done, data->size());
  }
  return logits;
}

Predictions predictions_of(const std::vector<float>& logits, const ModelMeta& meta,
                           const DatasetPtr& data) {
  NoGrad no_grad;
  const Shape shape{data->size(), static_cast<std::int64_t>(meta.classes.size())};
  const Tensor p = probabilities(Tensor::from(logits, shape), meta.spec.task, meta.temperature);
  Predictions out;
  out.multi_label = meta.spec.task == Task::multi;
  out.classes = meta.classes;
  for (std::int64_t i = 0; i < data->size(); ++i) {
    out.id.push_back(data->id(i));
    out.path.push_back(data->path(i));
    if (!out.multi_label) out.truth.push_back(data->label(i));
  }
  if (out.multi_label) out.truth_labels = all_labels(*data);
  out.threshold.assign(meta.thresholds.begin(), meta.thresholds.end());
  out.probability = as_written(p.view<float>());
  complete(out);
  return out;
}

Predictions evaluate(Model& model, const ModelMeta& meta, const DatasetPtr& data,
                     const EvaluateOptions& options) {
  const DatasetPtr known = matched(meta, data);
  return predictions_of(evaluate_logits(model, meta, known, options), meta, known);
}

}  // namespace taxon
