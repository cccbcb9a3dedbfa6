// taxon predict: labels with probabilities for image files.
#include <taxon/base/error.h>
#include <taxon/base/text.h>
#include <taxon/core/ops.h>
#include <taxon/data/image.h>
#include <taxon/models/classifier.h>

#include <nlohmann/json.hpp>

#include "command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>

namespace taxon::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view help = R"(taxon predict MODEL IMAGE|FOLDER|- ... [options]

Labels with probabilities, one line a label: path, label, probability. MODEL is a
model file or the folder of a run. A folder stands for the images in it and below
(PNG, JPEG, BMP); - reads paths from standard input, one a line.

A - in place of label and probability: no answer (no label reached its threshold,
or the confidence is too low).

Options  --top N (default 1; models of several labels: those above their threshold)
         --coverage X (the set of labels that holds the truth in this share of cases)
         --accuracy X (no answer where confidence is too low for it, by what val showed)
         --json (one object a line, top 5 unless told; abstained where there is no answer)
         --threads N  --device cpu|cuda  --exact-conv (no Winograd convolution)

Exit code 1: some files could not be read; the others are done.

Example:
  taxon predict runs/fashion-mnist-cnn shoe.png --top 3
)";

struct Request {
  std::string model, device = "cpu";
  std::vector<std::string> inputs;
  std::int64_t top = 0, threads = 0;
  double coverage = 0, accuracy = 0;
  bool json = false;
};

bool is_image_name(const fs::path& path) {
  const std::string extension = lower(path.extension().string());
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg" || extension == ".bmp";
}

void add_folder(const std::string& folder, std::vector<std::string>& out) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (is_image_name(it->path()) && !it->is_directory()) found.push_back(it->path().string());
  }
  if (error) fail<IoError>("cannot read the folder ", folder, ": ", error.message());
  if (found.empty()) fail<FormatError>("the folder ", folder, " holds no PNG, JPEG or BMP file");
  std::sort(found.begin(), found.end());
  out.insert(out.end(), found.begin(), found.end());
}

class Predictor {
 public:
  Predictor(const Classifier& classifier, const Request& request)
      : classifier_(classifier), request_(request) {}

  bool all_read() const { return all_read_; }

  /// Files in groups, computed together; each file's error is its own.
  void files(const std::vector<std::string>& paths) {
    constexpr std::size_t group = 32;
    for (std::size_t i = 0; i < paths.size(); i += group) {
      some({paths.begin() + static_cast<std::ptrdiff_t>(i),
            paths.begin() + static_cast<std::ptrdiff_t>(std::min(paths.size(), i + group))});
    }
  }

 private:
  void some(const std::vector<std::string>& paths) {
    std::vector<Image> images(paths.size());
    std::vector<std::string> errors(paths.size());
    std::vector<RawImage> raw;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      try {
        images[i] = load_image(paths[i]);
        RawImage r;
        r.pixels = images[i].data();
        r.height = images[i].height();
        r.width = images[i].width();
        r.channels = images[i].channels();
        raw.push_back(r);
      } catch (const Error& e) {
        errors[i] = e.what();
      }
    }
    const std::vector<Classification> answers =
        raw.empty() ? std::vector<Classification>() : classifier_.classify(raw);
    std::size_t next = 0;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      if (errors[i].empty()) {
        show(paths[i], answers[next++]);
      } else {
        show_error(paths[i], errors[i]);
      }
    }
    std::fflush(stdout);
  }

  void show(const std::string& path, const Classification& c) const {
    if (request_.json) {
      nlohmann::ordered_json line;
      line["path"] = path;
      line["top"] = labels_json(c.top);
      if (request_.coverage > 0) line["set"] = labels_json(c.set);
      if (request_.accuracy > 0 || c.abstained) line["abstained"] = c.abstained;
      print(dumped(line));
      return;
    }
    std::vector<Label> labels = request_.coverage > 0 ? c.set : request_.top > 0 ? c.top : c.labels;
    const bool answer = request_.coverage == 0 && request_.top == 0;
    if (c.abstained && (answer || request_.accuracy > 0)) labels.clear();
    for (const Label& l : labels) {
      char probability[32];
      std::snprintf(probability, sizeof probability, "%.4f", static_cast<double>(l.probability));
      print(text(path, "  ", l.label, "  ", probability, "\n"));
    }
    if (labels.empty()) print(path + "  -\n");
  }

  void show_error(const std::string& path, const std::string& error) {
    all_read_ = false;
    complain("taxon: " + error + "\n");
    if (!request_.json) return;
    nlohmann::ordered_json line;
    line["path"] = path;
    line["error"] = error;
    print(dumped(line));
  }

  static nlohmann::ordered_json labels_json(const std::vector<Label>& labels) {
    nlohmann::ordered_json out = nlohmann::ordered_json::array();
    for (const Label& l : labels) {
      nlohmann::ordered_json entry;
      entry["label"] = l.label;
      entry["index"] = l.index;
      entry["probability"] = l.probability;
      out.push_back(entry);
    }
    return out;
  }

  // Paths need not be UTF-8; what is not becomes U+FFFD.
  static std::string dumped(const nlohmann::ordered_json& line) {
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }

  const Classifier& classifier_;
  const Request& request_;
  bool all_read_ = true;
};

void predict_inputs(Predictor& predictor, const std::vector<std::string>& inputs) {
  std::vector<std::string> files;
  for (const std::string& input : inputs) {
    std::error_code error;
    if (input == "-") {  // answered line by line: another program may wait for each
      predictor.files(files);
      files.clear();
      for (std::string line; std::getline(std::cin, line);) {
        if (!trim(line).empty()) predictor.files({line});
      }
    } else if (fs::is_directory(input, error)) {
      add_folder(input, files);
    } else {
      files.push_back(input);
    }
  }
  predictor.files(files);
}

int run(const std::vector<std::string>& args) {
  Request r;
  Arguments a(predict_verb);
  a.positional("MODEL", r.model);
  a.positional("IMAGE", r.inputs);
  a.option("--top", r.top, 1, 1'000'000);
  a.option("--threads", r.threads, 0, 1024);
  a.option("--device", r.device);
  a.option("--coverage", r.coverage, 1e-6, 1 - 1e-6);
  a.option("--accuracy", r.accuracy, 1e-6, 1);
  a.flag("--json", r.json);
  bool exact = false;
  a.flag("--exact-conv", exact);
  if (!a.parse(args)) return done;
  use_threads(r.threads);
  set_exact_conv(exact);
  ClassifierOptions options;
  options.top = r.top > 0 ? r.top : 5;
  options.coverage = r.coverage;
  options.accuracy = r.accuracy;
  options.device = Device::parse(r.device);
  const Classifier classifier = Classifier::load(model_path(r.model), options);
  Predictor predictor(classifier, r);
  predict_inputs(predictor, r.inputs);
  return predictor.all_read() ? done : some_failed;
}

}  // namespace

const Verb predict_verb{"predict", help, run};

}  // namespace taxon::cli
