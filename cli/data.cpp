// taxon data: the known data sets, and what a data set holds.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/data/sources.h>

#include <nlohmann/json.hpp>

#include "command.h"
#include "data_check.h"
#include "data_get.h"
#include "progress.h"
#include "sheet.h"

#include <algorithm>

namespace taxon::cli {
namespace {

constexpr std::string_view help = R"(taxon data list | get NAME | show DATA | check DATA [options]

list: the data sets known by name: where they lie, or what fetching one takes, with
licence and citation. get: fetches one of them, checked by SHA-256; a download that
was cut goes on where it ended. show: splits, classes and images of a data set, as
training would see it; with --augment, also a contact sheet: a row a sample, as it
is and as the first epochs of training will see it. check: what is wrong with it:
unreadable files, duplicates, leaks between splits, wrong labels, outliers.

Options  --data-dir DIR (get: the folder to put NAME/ into)  --json
get      --mirror URL (tried first; URL/FILE)  --quiet
show     --val-fraction X  --task auto|single|multi  --label-sep S (default |)
check    the same, and
         --out FOLDER (page, lists, contact sheets)  --all (every name)  --quiet
         --near P (near duplicates are alike to P percent, 92; 0: none)
         --labels fast|none|train (judged by a quick look; or not; or by training
         on all parts but one in turn: --folds N (4)  --model NAME  --epochs N)
         --predictions FILE.csv|RUN (of such a cross-validation, made before)
both     --seed N  --threads N
Sheet    --augment none|light|standard|trivial|FILE.toml  --out FILE (sheet.png)
         --count N (samples, 8)  --size N (pixels)  --resize crop|squash|letterbox

Example:
  taxon data get mnist
  taxon data show photos/
  taxon data show cifar10 --augment trivial --out trivial.png
  taxon data check photos/ --out photos-check
)";

struct Request {
  std::string action, data, mirror;
  DataOptions options;
  std::string task = "auto";
  double val_fraction = 0;
  std::int64_t seed = 0;
  bool json = false, quiet = false, out_given = false;
  SheetRequest sheet;
  CheckRequest check;
  std::int64_t threads = 0;
};

std::string padded(std::string s, std::size_t width) {
  if (s.size() < width) s.resize(width, ' ');
  return s;
}

std::string list_text(const KnownDataset& k) {
  return text(padded(k.name, 17), padded(text(k.classes, " classes"), 13),
              padded(text(k.train, " + ", k.test), 16),
              padded(text(k.height, 'x', k.width, 'x', k.channels), 9),
              k.found.empty() ? "not here: taxon data get " + k.name : k.found, "\n    ",
              bytes_text(k.publication.bytes()), " to fetch, licence: ", k.publication.licence,
              "\n    ", k.publication.citation, "\n");
}

int list(const Request& r) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const KnownDataset& k : known_datasets(r.options.data_dir)) {
    nlohmann::ordered_json row;
    row["name"] = k.name;
    row["title"] = k.title;
    row["classes"] = k.classes;
    row["train"] = k.train;
    row["test"] = k.test;
    row["image"] = {k.height, k.width, k.channels};
    row["found"] =
        k.found.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(k.found);
    row["bytes"] = k.publication.bytes();
    row["licence"] = k.publication.licence;
    row["citation"] = k.publication.citation;
    rows.push_back(row);
    if (!r.json) print(list_text(k));
  }
  if (r.json) {
    print(rows.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  } else {
    print("searched: " + join(data_search_path(r.options.data_dir), ", ") + "\n");
  }
  return done;
}

nlohmann::ordered_json counts_of(const Splits& data) {
  nlohmann::ordered_json splits;
  for (const auto& [name, split] :
       {std::pair{"train", data.train}, std::pair{"val", data.val}, std::pair{"test", data.test}}) {
    if (!split) continue;
    splits[name] = {{"samples", split->size()}, {"per_class", split->class_counts()}};
  }
  return splits;
}

std::string count_text(const DatasetPtr& split, std::size_t c) {
  return split ? std::to_string(split->class_counts()[c]) : "-";
}

void show_text(const Splits& data) {
  print(text(data.name, ": ", data.format, ", ", name_of(data.task), "-label, ",
             data.class_names.size(), " classes\nfrom ", data.where, "\nimages ", data.facts.height,
             'x', data.facts.width, 'x', data.facts.channels,
             data.facts.fixed_size ? "" : " (typical; they vary)", "\n\n"));
  std::size_t width = 10;
  for (const std::string& name : data.class_names) width = std::max(width, name.size() + 2);
  print(text(padded("class", width), padded("train", 9), padded("val", 9), "test\n"));
  for (std::size_t c = 0; c < data.class_names.size(); ++c) {
    print(text(padded(data.class_names[c], width), padded(count_text(data.train, c), 9),
               padded(count_text(data.val, c), 9), count_text(data.test, c), "\n"));
  }
  const auto size = [](const DatasetPtr& d) { return d ? std::to_string(d->size()) : "-"; };
  print(text(padded("samples", width), padded(size(data.train), 9), padded(size(data.val), 9),
             size(data.test), "\n"));
}

int show(const Request& r) {
  const Splits data = open_dataset(r.data, r.options);
  for (const std::string& warning : data.warnings) complain("note: " + warning + "\n");
  Sheet sheet;
  if (!r.sheet.augment.empty()) sheet = write_sheet(data, r.sheet);
  if (!r.json) {
    show_text(data);
    if (sheet.samples > 0) {
      print(text("\n", r.sheet.out, ": ", sheet.samples, " samples of ", sheet.split,
                 ", a row each: as it is, then in epochs 1 to ", sheet.epochs,
                 "\nThe augmentation's fields, for a file of your own:\n\n", sheet.augment));
    }
    return done;
  }
  nlohmann::ordered_json j;
  j["name"] = data.name;
  j["format"] = data.format;
  j["where"] = data.where;
  j["task"] = std::string(name_of(data.task));
  j["classes"] = data.class_names;
  j["image"] = {data.facts.height, data.facts.width, data.facts.channels};
  j["fixed_size"] = data.facts.fixed_size;
  j["splits"] = counts_of(data);
  if (sheet.samples > 0) j["sheet"] = r.sheet.out;
  print(j.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  return done;
}

int check(const Request& r) {
  CheckRequest c = r.check;
  c.data = r.data;
  c.options = r.options;
  if (r.out_given) c.out = r.sheet.out;
  c.json = r.json;
  c.quiet = r.quiet;
  return check_data(c);
}

// Options that the action would ignore.
void refuse_misplaced(const Arguments& a, const Request& r) {
  const bool sheet = r.action == "show" && !r.sheet.augment.empty();
  for (const char* option : {"--out", "--count", "--size", "--resize"}) {
    const bool folder = option == std::string_view("--out") && r.action == "check";
    if (a.given(option) && !sheet && !folder) {
      fail<OptionError>(option, " is for the contact sheet of taxon data show DATA --augment NAME");
    }
  }
  for (const char* option :
       {"--all", "--near", "--labels", "--predictions", "--model", "--folds", "--epochs"}) {
    if (a.given(option) && r.action != "check") {
      fail<OptionError>(option, " is for taxon data check DATA");
    }
  }
  for (const char* option : {"--model", "--folds", "--epochs"}) {
    if (a.given(option) && r.check.labels != "train") {
      fail<OptionError>(option, " is for the training of taxon data check DATA --labels train");
    }
  }
  if (a.given("--labels") && a.given("--predictions")) {
    fail<OptionError>("--labels ", r.check.labels, " and --predictions are given, expected one");
  }
}

int run(const std::vector<std::string>& args) {
  Request r;
  Arguments a(data_verb);
  a.positional("ACTION", r.action);
  a.positional("DATA", r.data, false);
  a.option("--data-dir", r.options.data_dir);
  a.option("--mirror", r.mirror);
  a.option("--label-sep", r.options.label_sep);
  a.option("--task", r.task);
  a.option("--val-fraction", r.val_fraction, 0, 0.9);
  a.option("--seed", r.seed, 0, std::int64_t{1} << 53);
  a.option("--augment", r.sheet.augment);
  a.option("--out", r.sheet.out);
  a.option("--count", r.sheet.count, 1, 100);
  a.option("--size", r.sheet.size, 0, 4096);
  a.option("--resize", r.sheet.resize);
  a.flag("--json", r.json);
  a.flag("--quiet", r.quiet);
  a.option("--threads", r.threads, 0, 1024);
  a.flag("--all", r.check.all);
  a.option("--near", r.check.near_percent, 0, 100);
  a.option("--labels", r.check.labels);
  a.option("--predictions", r.check.predictions);
  a.option("--model", r.check.model);
  a.option("--folds", r.check.folds, 2, 100);
  a.option("--epochs", r.check.epochs, 1, 100000);
  if (!a.parse(args)) return done;
  if (r.task != "auto") r.options.task = parse_task(r.task);
  if (r.val_fraction > 0) r.options.val_fraction = r.val_fraction;
  r.options.seed = static_cast<std::uint64_t>(r.seed);
  r.options.require_train = false;
  r.options.allow_missing_classes = r.action == "check";
  r.sheet.seed = r.options.seed;
  use_threads(r.threads);
  r.out_given = a.given("--out");
  r.check.near_given = a.given("--near");
  refuse_misplaced(a, r);
  if (r.data.empty() && (r.action == "get" || r.action == "show" || r.action == "check")) {
    fail<OptionError>("taxon data ", r.action, ": ", r.action == "get" ? "NAME" : "DATA",
                      " is missing");
  }
  if (r.action == "list") return list(r);
  if (r.action == "get") {
    return get_data({r.data, r.options.data_dir, r.mirror, r.json, r.quiet});
  }
  if (r.action == "show") return show(r);
  if (r.action == "check") return check(r);
  fail<OptionError>(
      "unknown action '", r.action, "'",
      did_you_mean(r.action, std::vector<std::string>{"list", "get", "show", "check"}),
      "; taxon data can list, get, show and check");
}

}  // namespace

const Verb data_verb{"data", help, run};

}  // namespace taxon::cli
