// See frozen.h.
#include "frozen.h"

#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/train/features.h>

namespace taxon {
namespace {

constexpr std::int64_t kBackbone = -1;

// How many of the first parts; kBackbone for all but the head.
std::int64_t parts_to_freeze(const TrainOptions& o, std::int64_t count) {
  if (o.freeze == "backbone") return kBackbone;
  std::int64_t n = 0;
  try {
    n = parse_int(o.freeze, "--freeze");
  } catch (const FormatError&) {
    fail<OptionError>("--freeze is '", o.freeze, "', expected a number or backbone");
  }
  if (n < 0 || n >= count) {
    fail<OptionError>("--freeze is ", n, ", expected 0 to ", count - 1, ": ", o.model, " has ",
                      count, " parts");
  }
  return n;
}

bool backbone_rests(const Setup& s) {
  for (const auto& [name, part] : s.model->children()) {
    if (name == s.model->head_name()) continue;
    for (const Tensor& p : part->parameters()) {
      if (p.requires_grad()) return false;
    }
  }
  return s.options.freeze != "0";
}

std::unique_ptr<Loader> loader_of(const DatasetPtr& data, LoaderOptions options, Tensor rows) {
  options.rows = std::move(rows);
  return std::make_unique<Loader>(data, options);
}

}  // namespace

void freeze(const Setup& s, TrainerParts& parts) {
  const TrainOptions& o = s.options;
  const auto& all = s.model->children();
  const auto count = static_cast<std::int64_t>(all.size());
  const std::int64_t n = parts_to_freeze(o, count);
  if (o.unfreeze > 0 && n == 0) {
    fail<OptionError>("--unfreeze is ", o.unfreeze,
                      " but nothing is frozen; expected it with --freeze backbone or --freeze N");
  }
  if (o.unfreeze > 0 && o.unfreeze >= o.epochs) {
    fail<OptionError>("--unfreeze is ", o.unfreeze, " epochs, expected less than --epochs ",
                      o.epochs);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& [name, part] = all[static_cast<std::size_t>(i)];
    if (n == kBackbone ? name == s.model->head_name() : i >= n) continue;
    for (const Tensor& p : part->parameters()) {
      if (p.requires_grad()) parts.thaw.push_back(p);
    }
    part->freeze();
    parts.frozen.push_back(part);
  }
}

HeadParts make_head_parts(const Setup& s, const LoaderOptions& train, const LoaderOptions& watch,
                          const std::shared_ptr<Model>& average,
                          const std::atomic<bool>* interrupt) {
  HeadParts out;
  if (!backbone_rests(s)) return out;
  s.model->eval();
  std::int64_t left = max_feature_bytes;
  const auto features = [&](const DatasetPtr& data, const LoaderOptions& images) {
    const Tensor rows = features_of(*s.model, data, images, left, interrupt);
    if (rows.defined()) left -= rows.numel() * 4;
    return rows;
  };
  if (s.watch) {
    const Tensor rows = features(s.watch, watch);
    if (rows.defined()) out.watch = loader_of(s.watch, watch, rows);
  }
  if (!train.augment.enabled() && train.mixup == 0 && train.cutmix == 0) {
    const Tensor rows = features(s.data.train, train);
    if (rows.defined()) out.train = loader_of(s.data.train, train, rows);
  }
  out.model = head_of(s.model);
  if (average) out.average = head_of(average);
  return out;
}

}  // namespace taxon
