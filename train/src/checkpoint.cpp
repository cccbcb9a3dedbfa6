// Reading and writing of checkpoints: tensors by name, the rest as JSON in the metadata.
#include "checkpoint.h"

#include <taxon/base/error.h>
#include <taxon/models/safetensors.h>

#include <nlohmann/json.hpp>

#include <cmath>

namespace taxon {
namespace {

using nlohmann::json;
constexpr const char* key = "taxon.checkpoint";
constexpr int version = 1;

// Shortest decimal forms read back as the same double; a NaN (not measured) is null.
json number(double v) {
  return std::isfinite(v) ? json(v) : json(nullptr);
}
double number(const json& j) {
  return j.is_null() ? EpochResult::none : j.get<double>();
}

json to_json(const EpochResult& r) {
  return json::array({r.epoch, number(r.seconds), number(r.train_loss), number(r.loss),
                      number(r.top1), number(r.top5), number(r.mean_ap), number(r.f1_micro),
                      number(r.f1_macro), number(r.lr), number(r.images_per_s),
                      number(r.balanced_accuracy), number(r.macro_f1)});
}

EpochResult result_from(const json& j) {
  EpochResult r;
  r.epoch = j.at(0).get<std::int64_t>();
  double* fields[] = {&r.seconds,           &r.train_loss, &r.loss,     &r.top1, &r.top5,
                      &r.mean_ap,           &r.f1_micro,   &r.f1_macro, &r.lr,   &r.images_per_s,
                      &r.balanced_accuracy, &r.macro_f1};
  std::size_t at = 1;
  for (double* field : fields) *field = number(j.at(at++));
  return r;
}

json to_json(const Progress& p) {
  json results = json::array();
  for (const EpochResult& r : p.results) results.push_back(to_json(r));
  return {{"epoch", p.epoch},
          {"batch", p.batch},
          {"step", p.step},
          {"seconds", p.seconds},
          {"loss_sum", p.loss_sum},
          {"correct", p.correct},
          {"seen", p.seen},
          {"averaged", p.averaged},
          {"nothing", p.watch.nothing},
          {"high", p.watch.high},
          {"best", p.best},
          {"stale", p.stale},
          {"best_epoch", p.best_epoch},
          {"stopped", p.stopped},
          {"results", results}};
}

Progress progress_from(const json& j) {
  Progress p;
  p.epoch = j.at("epoch").get<std::int64_t>();
  p.batch = j.at("batch").get<std::int64_t>();
  p.step = j.at("step").get<std::int64_t>();
  p.seconds = j.at("seconds").get<double>();
  p.loss_sum = j.at("loss_sum").get<double>();
  p.correct = j.at("correct").get<double>();
  p.seen = j.at("seen").get<std::int64_t>();
  p.averaged = j.at("averaged").get<std::int64_t>();
  p.watch.nothing = j.at("nothing").get<double>();
  p.watch.high = j.at("high").get<std::int64_t>();
  p.best = j.at("best").get<double>();
  p.stale = j.at("stale").get<std::int64_t>();
  p.best_epoch = j.at("best_epoch").get<std::int64_t>();
  p.stopped = j.at("stopped").get<bool>();
  for (const json& row : j.at("results")) p.results.push_back(result_from(row));
  return p;
}

}  // namespace

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  const json j = {{"version", version},
                  {"data", checkpoint.data},
                  {"isa", checkpoint.isa},
                  {"progress", to_json(checkpoint.progress)}};
  write_safetensors(path, checkpoint.state, {{key, j.dump()}});
}

Checkpoint load_checkpoint(const std::string& path) {
  TensorFile file = read_safetensors(path);
  const auto meta = file.metadata.find(key);
  if (meta == file.metadata.end()) {
    fail<FormatError>(path, ": metadata lacks '", key, "': not a checkpoint of a training run");
  }
  Checkpoint out;
  try {
    const json j = json::parse(meta->second);
    if (j.at("version").get<int>() != version) {
      fail<FormatError>(path, ": checkpoint version ", j.at("version").get<int>(), ", expected ",
                        version);
    }
    out.data = j.at("data").get<std::uint64_t>();
    out.isa = j.at("isa").get<std::string>();
    out.progress = progress_from(j.at("progress"));
  } catch (const json::exception& e) {
    fail<FormatError>(path, ": '", key, "' is damaged: ", e.what());
  }
  out.state = std::move(file.tensors);
  return out;
}

}  // namespace taxon
