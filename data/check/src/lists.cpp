// The folder of a check: lists, contact sheets, the page.
#include <taxon/base/error.h>
#include <taxon/base/file.h>
#include <taxon/base/text.h>
#include <taxon/check/report.h>

#include "names.h"
#include "sheets.h"

#include <algorithm>
#include <filesystem>

namespace taxon::check {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_pairs = 400, most_tiles = 200;

std::string cell(std::string_view s) {
  if (s.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(s);
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

class Folder {
 public:
  Folder(const Findings& f, const std::string& folder) : f_(f), out_{folder, {}} {
    std::error_code error;
    fs::create_directories(folder, error);
    if (!fs::is_directory(folder)) {
      fail<IoError>(folder,
                    ": cannot be made: ", error ? error.message() : "a file of that name is there");
    }
  }

  Written run() {
    put("check.html", to_html(f_));
    put("check.json", to_json(f_) + "\n");
    lists();
    sheets();
    return std::move(out_);
  }

 private:
  void put(const std::string& name, std::string_view bytes) {
    write_file_atomic(out_.folder + "/" + name, bytes);
    out_.files.push_back(name);
  }

  // Without rows there is no list, and none of an earlier check.
  void list(const std::string& name, const std::string& header, const std::string& rows) {
    if (rows.empty()) {
      drop(name);
    } else {
      put(name, header + "\n" + rows);
    }
  }

  void drop(const std::string& name) const {
    std::error_code ignored;
    fs::remove(out_.folder + "/" + name, ignored);
  }

  std::string sample(std::int64_t n) const {
    return text(cell(f_.samples.id(n)), ',', cell(f_.samples.path(n)), ',',
                f_.samples.split_name(n), ',', cell(f_.samples.label_text(n)));
  }

  std::string class_name(std::int64_t c) const {
    return f_.samples.class_names()[static_cast<std::size_t>(c)];
  }

  void lists() {
    const std::string columns = "id,path,split,label";
    std::string rows;
    for (const Unreadable& u : f_.unreadable)
      rows += text(sample(u.sample), ',', cell(u.why), '\n');
    list("unreadable.csv", columns + ",error", rows);
    rows.clear();
    for (std::size_t g = 0; g < f_.duplicates.size(); ++g) {
      for (const std::int64_t n : f_.duplicates[g].samples) {
        rows += text(g + 1, ',', sample(n), ',', f_.duplicates[g].same_bytes ? 1 : 0, '\n');
      }
    }
    list("duplicates.csv", "group," + columns + ",same_bytes", rows);
    list("near.csv", pair_columns(), pair_rows(f_.near));
    list("conflicts.csv", pair_columns(), pair_rows(f_.conflicts));
    list("leaks.csv", "from,kind," + columns + ",of_id,of_path,of_split,of_label", leak_rows());
    list("labels.csv", columns + ",given,suggested,p_given,p_suggested,margin,score", label_rows());
    rows.clear();
    for (const Outlier& o : f_.outliers) {
      rows += text(sample(o.sample), ',', shortest(o.distance), ',', shortest(o.z), '\n');
    }
    list("outliers.csv", columns + ",distance,z", rows);
    list("images.csv", columns + ",what", image_rows());
  }

  static std::string pair_columns() {
    return "similarity,mirrored,id,path,split,label,other_id,other_path,other_split,other_label";
  }

  std::string pair_rows(const std::vector<Pair>& pairs) const {
    std::string rows;
    for (const Pair& p : pairs) {
      rows += text(shortest(p.similarity), ',', p.mirrored ? 1 : 0, ',', sample(p.a), ',',
                   sample(p.b), '\n');
    }
    return rows;
  }

  std::string leak_rows() const {
    std::string rows;
    for (const Leak& l : f_.leaks) {
      const auto add = [&](std::string_view kind, const std::vector<Leak::Shared>& shared) {
        for (const Leak::Shared& s : shared)
          rows += text(l.from, ',', kind, ',', sample(s.sample), ',', sample(s.of), '\n');
      };
      add("exact", l.exact);
      add("near", l.near);
    }
    return rows;
  }

  std::string label_rows() const {
    std::string rows;
    for (const SuspiciousLabel& s : f_.labels.suspicious) {
      const auto shown = [&](std::int64_t c) {
        return s.about < 0 ? class_name(c) : c == 1 ? class_name(s.about) : std::string();
      };
      rows += text(sample(s.sample), ',', cell(shown(s.given)), ',', cell(shown(s.suggested)), ',',
                   shortest(s.given_probability), ',', shortest(s.suggested_probability), ',',
                   shortest(s.margin), ',', shortest((s.margin + 1) / 2), '\n');
    }
    return rows;
  }

  std::string image_rows() const {
    std::string rows;
    for (const auto& [what, samples] :
         {std::pair{"constant", &f_.sizes.constant}, std::pair{"tiny", &f_.sizes.tiny},
          std::pair{"stretched", &f_.sizes.stretched}}) {
      for (const std::int64_t n : *samples) rows += text(sample(n), ',', what, '\n');
    }
    return rows;
  }

  void sheets() {
    pairs("near.png", f_.near);
    pairs("leaks.png", leaking_pairs());
    std::vector<std::int64_t> shown;
    for (const SuspiciousLabel& s : f_.labels.suspicious) {
      if (shown.size() < most_tiles) shown.push_back(s.sample);
    }
    if (shown.empty()) return drop("labels.png");
    png("labels.png", sample_sheet(f_.samples, shown, tile_side(f_), 20));
  }

  // The exact ones of all splits first: a sheet has room for the first alone.
  std::vector<Pair> leaking_pairs() const {
    std::vector<Pair> out;
    for (const auto kind : {&Leak::exact, &Leak::near}) {
      for (const Leak& l : f_.leaks) {
        for (const Leak::Shared& s : l.*kind) out.push_back(pair_of(s));
      }
    }
    return out;
  }

  Pair pair_of(const Leak::Shared& shared) const {
    Pair p;
    p.a = shared.of;
    p.b = shared.sample;
    p.same_labels = f_.samples.same_labels(p.a, p.b);
    return p;
  }

  void pairs(const std::string& name, std::vector<Pair> list) {
    if (list.empty()) return drop(name);
    list.resize(std::min(list.size(), most_pairs));
    png(name, pair_sheet(f_.samples, list, tile_side(f_), 8));
  }

  void png(const std::string& name, const Image& image) {
    save_png(image, out_.folder + "/" + name);
    out_.files.push_back(name);
  }

  const Findings& f_;
  Written out_;
};

}  // namespace

Written write_folder(const Findings& findings, const std::string& folder) {
  return Folder(findings, folder).run();
}

}  // namespace taxon::check
