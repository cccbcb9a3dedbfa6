// args.toml: written by hand to keep the table's order, read by toml++.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/train/options.h>

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

namespace taxon {
namespace {

std::string quoted(const std::string& s) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : s) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u == 0x7f) {
      out += "\\u00";
      out += hex[u >> 4];
      out += hex[u & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string value_text(const TrainOptions& options, const TrainOptionRow& row) {
  std::string value = get_option(options, row);
  const bool is_text = std::holds_alternative<std::string TrainOptions::*>(row.field);
  if (is_text || value == "auto") return quoted(value);
  const bool real = std::holds_alternative<double TrainOptions::*>(row.field);
  // A TOML float needs a point or an exponent.
  if (real && value.find_first_of(".e") == std::string::npos) value += ".0";
  return value;
}

std::string text_of(const toml::node& node, const std::string& where) {
  if (const auto* s = node.as_string()) return s->get();
  if (node.is_integer() || node.is_floating_point() || node.is_boolean()) {
    std::ostringstream out;
    out.precision(17);
    if (const auto* i = node.as_integer()) out << i->get();
    if (const auto* d = node.as_floating_point()) out << d->get();
    if (const auto* b = node.as_boolean()) out << (b->get() ? "true" : "false");
    return out.str();
  }
  fail<FormatError>(where, ": expected a text, a number, true or false");
}

}  // namespace

std::string to_toml(const TrainOptions& options) {
  std::string out =
      "# Every option of this run. `taxon train --config args.toml` repeats it bit for bit.\n";
  std::string_view group;
  for (const TrainOptionRow& row : train_option_table()) {
    if (row.group != group) {
      group = row.group;
      std::string title = lower(group);
      out += "\n# " + title + "\n";
    }
    out += std::string(row.name) + " = " + value_text(options, row) + "\n";
  }
  return out;
}

std::vector<TrainSetting> settings_from_toml(std::string_view text_, const std::string& name) {
  toml::table table;
  try {
    table = toml::parse(text_, name);
  } catch (const toml::parse_error& e) {
    fail<FormatError>(name, ", line ", e.source().begin.line, ": ", e.description());
  }
  std::vector<TrainSetting> out;
  TrainOptions scratch;
  for (const auto& [key, node] : table) {
    std::string option(key.str());
    std::replace(option.begin(), option.end(), '-', '_');
    const std::string where = text(name, ", line ", node.source().begin.line, ": ", option);
    std::string value = text_of(node, where);
    try {
      set_option(scratch, option, value);
    } catch (const OptionError& e) {
      fail<OptionError>(name, ", line ", node.source().begin.line, ": ", e.what());
    }
    out.emplace_back(std::move(option), std::move(value));
  }
  return out;
}

}  // namespace taxon
