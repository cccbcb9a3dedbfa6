// The fields of Augment by name.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/train/augment_file.h>

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <variant>
#include <vector>

namespace taxon {
namespace {

using A = Augment;

// Names of an enumeration's values, in their order.
template <class E>
constexpr std::string_view names_of = "";
template <>
constexpr std::string_view names_of<PadMode> = "zero|reflect";
template <>
constexpr std::string_view names_of<Policy> = "none|trivial|rand";
template <>
constexpr std::string_view names_of<EraseFill> = "mean|random";

struct Row {
  std::string_view name;
  std::variant<double A::*, std::int64_t A::*, bool A::*, PadMode A::*, Policy A::*, EraseFill A::*>
      field;
};

constexpr std::array rows = {
    Row{"min_area", &A::min_area},
    Row{"pad", &A::pad},
    Row{"pad_mode", &A::pad_mode},
    Row{"flip", &A::flip},
    Row{"flip_alternate", &A::flip_alternate},
    Row{"brightness", &A::brightness},
    Row{"contrast", &A::contrast},
    Row{"saturation", &A::saturation},
    Row{"hue", &A::hue},
    Row{"policy", &A::policy},
    Row{"rand_ops", &A::rand_ops},
    Row{"rand_magnitude", &A::rand_magnitude},
    Row{"cutout", &A::cutout},
    Row{"erase", &A::erase},
    Row{"erase_fill", &A::erase_fill},
};

std::vector<std::string> known_keys() {
  std::vector<std::string> out{"preset"};
  for (const Row& row : rows) out.emplace_back(row.name);
  return out;
}

std::string found(const toml::node& node) {
  if (const auto* s = node.as_string()) return "'" + s->get() + "'";
  if (const auto* b = node.as_boolean()) return b->get() ? "true" : "false";
  if (const auto* i = node.as_integer()) return text(i->get());
  if (const auto* d = node.as_floating_point()) return text(d->get());
  return node.is_array() ? "a list" : node.is_table() ? "a table" : "a date or time";
}

[[noreturn]] void wrong_kind(const std::string& where, const toml::node& node,
                             std::string_view expected) {
  fail<FormatError>(where, " is ", found(node), ", expected ", expected);
}

std::string text_in(const std::string& where, const toml::node& node,
                    const std::vector<std::string>& choices) {
  const auto* s = node.as_string();
  if (s == nullptr) wrong_kind(where, node, "a text: " + join(choices, ", "));
  if (std::find(choices.begin(), choices.end(), s->get()) == choices.end()) {
    fail<OptionError>(where, " is '", s->get(), "'", did_you_mean(s->get(), choices),
                      ", expected one of: ", join(choices, ", "));
  }
  return s->get();
}

template <class T>
T value_in(const std::string& where, const toml::node& node) {
  if constexpr (std::is_same_v<T, double>) {
    if (const auto* i = node.as_integer()) return static_cast<double>(i->get());
    if (const auto* d = node.as_floating_point()) return d->get();
    wrong_kind(where, node, "a number");
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    if (const auto* i = node.as_integer()) return i->get();
    wrong_kind(where, node, "a whole number");
  } else if constexpr (std::is_same_v<T, bool>) {
    if (const auto* b = node.as_boolean()) return b->get();
    wrong_kind(where, node, "true or false");
  } else {
    const std::vector<std::string> choices = split(names_of<T>, '|');
    const std::string name = text_in(where, node, choices);
    return static_cast<T>(std::find(choices.begin(), choices.end(), name) - choices.begin());
  }
}

template <class T>
std::string text_of(const T& value) {
  if constexpr (std::is_same_v<T, double>) {
    const std::string out = shortest(value);
    return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
  } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::int64_t>) {
    return text(value);
  } else {
    return "\"" + split(names_of<T>, '|')[static_cast<std::size_t>(value)] + "\"";
  }
}

void set(Augment& a, std::string_view key, const std::string& where, const toml::node& node) {
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == key; });
  if (row == rows.end()) {
    const std::vector<std::string> keys = known_keys();
    fail<OptionError>(where, " is no field of an augmentation", did_you_mean(key, keys),
                      ", expected one of: ", join(keys, ", "));
  }
  std::visit(
      [&](auto field) {
        a.*field = value_in<std::remove_reference_t<decltype(a.*field)>>(where, node);
      },
      row->field);
}

}  // namespace

bool is_augment_file(std::string_view augment) {
  constexpr std::string_view ending = ".toml";
  return augment.size() > ending.size() && augment.substr(augment.size() - ending.size()) == ending;
}

Augment augment_for(const std::string& augment, const AugmentContext& context) {
  if (is_augment_file(augment)) return augment_from_toml(read_text(augment), augment, context);
  return Augment::preset(augment, context.height, context.width, context.flips);
}

Augment augment_from_toml(std::string_view content, const std::string& name,
                          const AugmentContext& context) {
  toml::table table;
  try {
    table = toml::parse(content, name);
  } catch (const toml::parse_error& e) {
    fail<FormatError>(name, ", line ", e.source().begin.line, ": ", e.description());
  }
  const auto where = [&](const toml::node& node, std::string_view key) {
    return text(name, ", line ", node.source().begin.line, ": ", key);
  };
  Augment a;
  if (const toml::node* node = table.get("preset")) {
    const std::string preset = text_in(where(*node, "preset"), *node, Augment::names());
    a = Augment::preset(preset, context.height, context.width, context.flips);
  }
  for (const auto& [key, node] : table) {
    if (key.str() != "preset") set(a, key.str(), where(node, key.str()), node);
  }
  try {
    a.validate(context.height, context.width);
  } catch (const OptionError& e) {
    fail<OptionError>(name, ": ", e.what());
  }
  return a;
}

std::string to_toml(const Augment& augment) {
  std::string out;
  for (const Row& row : rows) {
    out += std::string(row.name) + " = ";
    out += std::visit([&](auto field) { return text_of(augment.*field); }, row.field) + "\n";
  }
  return out;
}

}  // namespace taxon
