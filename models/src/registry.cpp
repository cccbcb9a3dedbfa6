// The registry of models: one row each, and what a spec leaves open.
#include <taxon/base/text.h>
#include <taxon/layers/linear.h>

#include <algorithm>
#include <array>

#include "families.h"

namespace taxon {
namespace {

enum class Family : std::uint8_t { plain, cifar_resnet, resnet, airnet };

struct Row {
  ModelInfo info;
  Family family = Family::plain;
  ResNetPlan plan;
  AirNetPlan air = {};
};

Row plain_row(const char* name, const char* summary) {
  return {{name, summary, 28, 28, 1}, Family::plain, {}};
}

// 6n + 2 layers: He et al. 2016, section 4.2.
Row cifar_row(std::int64_t layers) {
  const std::int64_t n = (layers - 2) / 6;
  return {{text("resnet", layers),
           text("CIFAR ResNet of ", layers, " layers: widths 16, 32, 64, ", n, " blocks each"), 32,
           32, 3},
          Family::cifar_resnet,
          {16, {n, n, n}, false}};
}

// He et al. 2016, table 1.
Row resnet_row(std::int64_t layers, std::vector<std::int64_t> blocks) {
  const bool deep = layers >= 50;
  const std::int64_t size = deep ? 224 : 32;
  return {{text("resnet", layers),
           text("ResNet of ", layers, " layers, ", deep ? "bottleneck" : "basic", " blocks"), size,
           size, 3},
          Family::resnet,
          {64, std::move(blocks), deep}};
}

Row airnet_row(const char* name, const std::vector<std::int64_t>& widths) {
  return {{name,
           text("Jordan's network for small photos: whitening, groups of ", widths[0], ", ",
                widths[1], ", ", widths[2]),
           32, 32, 3},
          Family::airnet,
          {},
          {widths}};
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      plain_row("mlp", "Linear layers 512, 256"),
      plain_row("lenet", "LeNet-5 with ReLU and max-pooling: 2 convolutions, 3 linear layers"),
      plain_row("cnn", "3 convolutions 32, 64, 128, linear layer 128"),
      cifar_row(8),
      cifar_row(20),
      cifar_row(32),
      cifar_row(44),
      cifar_row(56),
      cifar_row(110),
      airnet_row("airnet-small", {32, 128, 128}),
      airnet_row("airnet", {64, 256, 256}),
      airnet_row("airnet-wide", {128, 384, 384}),
      resnet_row(18, {2, 2, 2, 2}),
      resnet_row(34, {3, 4, 6, 3}),
      resnet_row(50, {3, 4, 6, 3}),
      resnet_row(101, {3, 4, 23, 3}),
      resnet_row(152, {3, 8, 36, 3}),
  };
  return table;
}

const Row& row_of(const std::string& name) {
  for (const Row& row : rows()) {
    if (row.info.name == name) {
      return row;
    }
  }
  const std::vector<std::string> names = model_names();
  fail<OptionError>("unknown model '", name, "'", did_you_mean(name, names), "; there are ",
                    join(names, ", "));
}

void check_extent(const ModelSpec& s, const char* what, std::int64_t value, std::int64_t limit) {
  if (value < 1 || value > limit) {
    fail<OptionError>("model '", s.name, "': ", what, " is ", value, ", expected 1 to ", limit);
  }
}

void resolve_resnet(ModelSpec& s, Family family) {
  constexpr std::int64_t small_image = 64;
  const bool cifar = family == Family::cifar_resnet;
  if (cifar && s.stem == Stem::imagenet) {
    fail<OptionError>("model '", s.name, "': the stem is always small; resnet18 and up have both");
  }
  if (s.stem == Stem::automatic) {
    const bool small = cifar || std::max(s.height, s.width) <= small_image;
    s.stem = small ? Stem::small : Stem::imagenet;
  }
  if (s.shortcut == Shortcut::automatic) {
    s.shortcut = cifar ? Shortcut::a : Shortcut::b;
  }
}

constexpr std::array<std::string_view, 3> stem_names = {"auto", "imagenet", "small"};
constexpr std::array<std::string_view, 3> shortcut_names = {"auto", "A", "B"};

}  // namespace

std::string_view name_of(Stem stem) {
  return stem_names[static_cast<std::size_t>(stem)];
}

std::string_view name_of(Shortcut shortcut) {
  return shortcut_names[static_cast<std::size_t>(shortcut)];
}

Stem parse_stem(std::string_view name) {
  for (std::size_t i = 0; i < stem_names.size(); ++i) {
    if (name == stem_names[i]) {
      return static_cast<Stem>(i);
    }
  }
  fail<OptionError>("stem is '", name, "', expected auto, imagenet or small");
}

Shortcut parse_shortcut(std::string_view name) {
  for (std::size_t i = 0; i < shortcut_names.size(); ++i) {
    if (lower(name) == lower(shortcut_names[i])) {
      return static_cast<Shortcut>(i);
    }
  }
  fail<OptionError>("shortcut is '", name, "', expected auto, A or B");
}

const std::vector<ModelInfo>& model_table() {
  static const std::vector<ModelInfo> table = [] {
    std::vector<ModelInfo> out;
    for (const Row& row : rows()) {
      out.push_back(row.info);
    }
    return out;
  }();
  return table;
}

std::vector<std::string> model_names() {
  std::vector<std::string> out;
  for (const Row& row : rows()) {
    out.push_back(row.info.name);
  }
  return out;
}

ModelSpec resolve(const ModelSpec& spec) {
  const Row& row = row_of(spec.name);
  ModelSpec s = spec;
  const bool told_large = row.family == Family::resnet && s.stem == Stem::imagenet;
  const std::int64_t size = told_large ? 224 : row.info.height;
  s.height = s.height == 0 ? size : s.height;
  s.width = s.width == 0 ? size : s.width;
  s.channels = s.channels == 0 ? row.info.channels : s.channels;
  check_extent(s, "height", s.height, 1 << 13);
  check_extent(s, "width", s.width, 1 << 13);
  check_extent(s, "channels", s.channels, 1 << 10);
  check_extent(s, "classes", s.classes, 1 << 20);
  const bool resnet = row.family == Family::resnet || row.family == Family::cifar_resnet;
  if (!resnet && s.stem != Stem::automatic) {
    fail<OptionError>("model '", s.name, "': a stem of '", name_of(s.stem),
                      "' is asked for, but only ResNets have a choice");
  }
  if (row.family == Family::plain) {
    check_plain(s);
  } else if (row.family == Family::airnet) {
    check_airnet(s);
  } else {
    resolve_resnet(s, row.family);
  }
  return s;
}

std::shared_ptr<Model> build_from(const ModelSpec& spec, Init init) {
  const ModelSpec s = resolve(spec);
  const Row& row = row_of(s.name);
  if (row.family == Family::plain) return build_plain(s, init);
  if (row.family == Family::airnet) return build_airnet(s, row.air, init);
  return build_resnet(s, row.plan, init);
}

std::shared_ptr<Model> build_model(const ModelSpec& spec, std::uint64_t seed) {
  Init init;
  init.seed = seed;
  return build_from(spec, init);
}

Tensor Model::forward(const Tensor& x) {
  return head(features_f32(x));
}

Tensor Model::features_f32(const Tensor& x) {
  if (precision_ != DType::bf16) return features(x);
  return features(x.to(precision_)).to(DType::f32);
}

Device Model::device() const {
  const std::vector<Tensor> all = parameters();
  return all.empty() ? cpu : all.front().device();
}

void Model::adapt(Task task, std::int64_t height, std::int64_t width) {
  ModelSpec wanted = spec_;
  wanted.task = task;
  wanted.height = height;
  wanted.width = width;
  wanted = resolve(wanted);
  if (flattened_features(wanted) != flattened_features(spec_)) {
    fail<OptionError>("model '", spec_.name, "': its weights are for images of ", spec_.height, "x",
                      spec_.width, ", not of ", height, "x", width);
  }
  spec_ = wanted;
}

void Model::set_precision(DType precision) {
  if (precision != DType::f32 && precision != DType::bf16) {
    fail<OptionError>("precision is '", precision, "', expected f32 or bf16");
  }
  precision_ = precision;
}

DType parse_precision(std::string_view name) {
  for (const DType type : {DType::f32, DType::bf16}) {
    if (name == name_of(type)) return type;
  }
  fail<OptionError>("precision is '", name, "', expected f32 or bf16");
}

void Model::optimize_for_inference() {
  visit([](const std::string&, Module& module) {
    if (auto* conv = dynamic_cast<Conv2d*>(&module)) conv->keep_prepared();
    if (auto* linear = dynamic_cast<Linear*>(&module)) linear->keep_prepared();
  });
}

void Model::freeze_backbone(bool on) {
  const std::string head = head_name() + ".";
  for (NamedTensor& p : named_parameters()) {
    if (p.name.rfind(head, 0) != 0) {
      p.tensor.set_requires_grad(!on);
    }
  }
}

std::string Model::str() const {
  return text(spec_.name, "(", spec_.height, "x", spec_.width, "x", spec_.channels, " -> ",
              spec_.classes, ")");
}

}  // namespace taxon
