// The table of options: setting, limits, args.toml.
#include "catch.h"

#include <taxon/base/error.h>
#include <taxon/train/options.h>

#include <string>

using namespace taxon;

namespace {

std::string error_of(const std::string& name, const std::string& value) {
  TrainOptions o;
  try {
    set_option(o, name, value);
  } catch (const OptionError& e) {
    return e.what();
  }
  return "";
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("options are set by name") {
  TrainOptions o;
  set_option(o, "epochs", "7");
  set_option(o, "lr", "0.25");
  set_option(o, "schedule", "onecycle");
  set_option(o, "no_norm_decay", "true");
  set_option(o, "exact_conv", "true");
  CHECK(o.exact_conv);
  CHECK(o.epochs == 7);
  CHECK(o.lr == 0.25);
  CHECK(o.schedule == "onecycle");
  CHECK(o.no_norm_decay);
}

TEST_CASE("a wrong option says what was found and expected") {
  CHECK(holds(error_of("epoch", "7"), "did you mean 'epochs'"));
  CHECK(holds(error_of("epochs", "0"), "--epochs is 0, expected 1 to"));
  CHECK(holds(error_of("epochs", "many"), "--epochs"));
  CHECK(holds(error_of("lr", "nan"), "--lr"));
  CHECK(holds(error_of("lr", "fast"), " or auto"));
  CHECK(holds(error_of("lr", "-1"), "--lr is -1, expected 0 to"));
  CHECK(holds(error_of("clip_norm", "auto"), "--clip-norm"));
  CHECK(holds(error_of("schedule", "cosin"), "did you mean 'cosine'"));
  CHECK(holds(error_of("optimizer", "lion"), "expected sgd, adamw, muon"));
  CHECK(holds(error_of("no_norm_decay", "maybe"), "expected true or false"));
}

TEST_CASE("args.toml reads back as the same options") {
  TrainOptions o;
  o.data = "a \"quoted\" \\ path\n\x01/\xc3\xa4";
  o.lr = 0.1 + 0.2;
  o.weight_decay = 5e-7;
  o.momentum = 0;
  o.seed = 8999999999999999;
  o.no_norm_decay = true;
  o.exact_conv = true;
  o.label_sep = "";
  const std::string toml = to_toml(o);
  TrainOptions back;
  for (const auto& [name, value] : settings_from_toml(toml, "args.toml")) {
    set_option(back, name, value);
  }
  CHECK(to_toml(back) == toml);
  CHECK(back.data == o.data);
  CHECK(back.lr == o.lr);
  CHECK(back.seed == o.seed);
  CHECK(settings_from_toml(toml, "args.toml").size() == train_option_table().size());
}

TEST_CASE("a learning rate may be automatic") {
  TrainOptions o;
  set_option(o, "lr", "auto");
  CHECK(o.lr == TrainOptions::lr_auto);
  const std::string toml = to_toml(o);
  CHECK(holds(toml, "\nlr = \"auto\"\n"));
  TrainOptions back;
  for (const auto& [name, value] : settings_from_toml(toml, "a")) set_option(back, name, value);
  CHECK(back.lr == TrainOptions::lr_auto);
}

TEST_CASE("a wrong args.toml names the file and the line") {
  const auto fails = [](const std::string& toml) {
    try {
      settings_from_toml(toml, "my.toml");
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(holds(fails("epochs = 3\nlr 0.1\n"), "my.toml, line 2"));
  CHECK(holds(fails("epochs = 3\nepoch = 3\n"), "my.toml, line 2: unknown option 'epoch'"));
  CHECK(holds(fails("epochs = [3]\n"), "my.toml, line 1: epochs"));
  CHECK(holds(fails("epochs = 3.5\n"), "--epochs"));
}
