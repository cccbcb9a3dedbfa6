// Arguments: CLI11 behind a small interface, with suggestions for what it does not know.
#include <taxon/base/error.h>
#include <taxon/base/text.h>

#include <CLI/CLI.hpp>

#include "command.h"

#include <algorithm>

namespace taxon::cli {

struct Arguments::Impl {
  explicit Impl(const Verb& v) : verb(v), app("", std::string(v.name)) {
    app.set_help_flag();
    app.add_flag("-h,--help", help);
    flags.push_back("--help");
  }
  const Verb& verb;
  CLI::App app;
  bool help = false;
  std::vector<std::string> flags;
};

namespace {

[[noreturn]] void unknown(const std::string& verb, const std::string& extra,
                          const std::vector<std::string>& flags) {
  const std::string name = extra.substr(0, extra.find('='));
  if (extra.size() > 1 && extra[0] == '-') {
    fail<OptionError>("unknown option '", name, "'", did_you_mean(name, flags), "; see taxon ",
                      verb, " --help");
  }
  fail<OptionError>("unexpected argument '", extra, "'; see taxon ", verb, " --help");
}

template <class Number>
Number in_range(const std::string& flag, Number value, Number low, Number high) {
  if (!(value >= low && value <= high)) {
    fail<OptionError>(flag, " is ", value, ", expected ", low, " to ", high);
  }
  return value;
}

// A number's parse error names the option and is wrong usage, not bad data.
template <class F>
void as_usage(F f) {
  try {
    f();
  } catch (const FormatError& e) {
    throw OptionError(e.what());
  }
}

}  // namespace

Arguments::Arguments(const Verb& verb) : impl_(std::make_unique<Impl>(verb)) {}
Arguments::~Arguments() = default;

void Arguments::positional(const std::string& name, std::string& value, bool required) {
  auto* option = impl_->app.add_option(name, value);
  if (required) option->required();
}

void Arguments::positional(const std::string& name, std::vector<std::string>& values) {
  impl_->app.add_option(name, values)->required();
}

void Arguments::option(const std::string& flag, std::string& value) {
  impl_->app.add_option(flag, value)->take_last();
  impl_->flags.push_back(flag);
}

void Arguments::option(const std::string& flag, std::int64_t& value, std::int64_t low,
                       std::int64_t high) {
  impl_->app.add_option_function<std::string>(
      flag, [&value, flag, low, high](const std::string& s) {
        as_usage([&] { value = in_range(flag, parse_int(s, flag), low, high); });
      });
  impl_->flags.push_back(flag);
}

void Arguments::option(const std::string& flag, double& value, double low, double high) {
  impl_->app.add_option_function<std::string>(
      flag, [&value, flag, low, high](const std::string& s) {
        as_usage([&] { value = in_range(flag, parse_number(s, flag), low, high); });
      });
  impl_->flags.push_back(flag);
}

void Arguments::flag(const std::string& flag, bool& value) {
  impl_->app.add_flag(flag, value);
  impl_->flags.push_back(flag);
}

bool Arguments::given(const std::string& flag) const {
  return impl_->app.count(flag) > 0;
}

bool Arguments::parse(const std::vector<std::string>& args) {
  if (std::find_if(args.begin(), args.end(),
                   [](const std::string& a) { return a == "--help" || a == "-h"; }) != args.end()) {
    print(impl_->verb.help);
    return false;
  }
  std::vector<std::string> reversed(args.rbegin(), args.rend());  // as CLI11 takes a vector
  impl_->app.allow_extras();
  try {
    impl_->app.parse(reversed);
  } catch (const CLI::ParseError& e) {
    const auto extra = impl_->app.remaining();
    if (!extra.empty()) unknown(impl_->app.get_name(), extra.front(), impl_->flags);
    fail<OptionError>(e.what(), "; see taxon ", impl_->verb.name, " --help");
  }
  const auto extra = impl_->app.remaining();
  if (!extra.empty()) unknown(impl_->app.get_name(), extra.front(), impl_->flags);
  return true;
}

}  // namespace taxon::cli
