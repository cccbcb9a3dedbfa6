// The findings as JSON.
#include <taxon/check/report.h>

#include <nlohmann/json.hpp>

#include "names.h"

namespace taxon::check {
namespace {

using Json = nlohmann::ordered_json;

class ToJson {
 public:
  explicit ToJson(const Findings& f) : f_(f) {}

  Json run() const {
    Json j;
    j["name"] = f_.name;
    j["where"] = f_.where;
    j["format"] = f_.format;
    j["task"] = std::string(taxon::name_of(f_.samples.task()));
    j["samples"] = f_.samples.size();
    j["classes"] = f_.samples.class_names();
    j["splits"] = splits();
    j["warnings"] = f_.warnings;
    j["unreadable"] = rows(f_.unreadable, [&](const Unreadable& u) {
      Json r = sample(u.sample);
      r["error"] = u.why;
      return r;
    });
    j["duplicates"] = rows(f_.duplicates, [&](const DuplicateGroup& g) {
      return Json{{"samples", samples(g.samples)},
                  {"same_bytes", g.same_bytes},
                  {"same_labels", g.same_labels}};
    });
    j["near_threshold"] = f_.near_threshold;
    j["near_raised"] = f_.near_raised;
    j["near_capped"] = f_.near_capped;
    j["near"] = rows(f_.near, [&](const Pair& p) { return pair(p); });
    j["conflicts"] = rows(f_.conflicts, [&](const Pair& p) { return pair(p); });
    j["leaks"] = rows(f_.leaks, [&](const Leak& l) {
      const auto shared = [&](const std::vector<Leak::Shared>& all) {
        return rows(all, [&](const Leak::Shared& s) {
          Json r = sample(s.sample);
          r["of"] = sample(s.of);
          return r;
        });
      };
      return Json{
          {"from", l.from}, {"to", l.to}, {"exact", shared(l.exact)}, {"near", shared(l.near)}};
    });
    j["missing_classes"] = rows(f_.missing, [&](const MissingClass& m) {
      return Json{{"split", m.split}, {"class", class_name(m.label)}};
    });
    j["balance"] = balance();
    j["images"] = images();
    j["labels"] = labels();
    j["outliers"] = rows(f_.outliers, [&](const Outlier& o) {
      Json r = sample(o.sample);
      r["distance"] = o.distance;
      r["z"] = o.z;
      return r;
    });
    return j;
  }

 private:
  template <class Items, class F>
  static Json rows(const Items& items, F row) {
    Json out = Json::array();
    for (const auto& item : items) out.push_back(row(item));
    return out;
  }

  const std::string& class_name(std::int64_t c) const {
    return f_.samples.class_names()[static_cast<std::size_t>(c)];
  }

  Json sample(std::int64_t n) const {
    Json r{{"id", f_.samples.id(n)}, {"split", std::string(f_.samples.split_name(n))}};
    const std::string path = f_.samples.path(n);
    r["path"] = path.empty() ? Json(nullptr) : Json(path);
    Json given = Json::array();
    for (std::int64_t c = 0; c < f_.samples.classes(); ++c) {
      if (f_.samples.has_label(n, c)) given.push_back(class_name(c));
    }
    r["labels"] = std::move(given);
    return r;
  }

  Json samples(const std::vector<std::int64_t>& list) const {
    return rows(list, [&](std::int64_t n) { return sample(n); });
  }

  Json pair(const Pair& p) const {
    return {{"a", sample(p.a)},
            {"b", sample(p.b)},
            {"similarity", p.similarity},
            {"mirrored", p.mirrored},
            {"same_labels", p.same_labels}};
  }

  Json splits() const {
    Json out = Json::object();
    for (std::size_t s = 0; s < f_.samples.splits().size(); ++s) {
      out[f_.samples.splits()[s]] = {{"samples", f_.samples.part(s).size()},
                                     {"per_class", f_.balance.counts[s]}};
    }
    return out;
  }

  Json balance() const {
    return {{"per_class", f_.balance.total},
            {"most_frequent", class_name(f_.balance.most)},
            {"rarest", class_name(f_.balance.rarest)},
            {"ratio", f_.balance.ratio}};
  }

  Json images() const {
    const Sizes& s = f_.sizes;
    return {{"readable", s.images},
            {"sizes", s.different},
            {"height", {s.least_height, s.median_height, s.most_height}},
            {"width", {s.least_width, s.median_width, s.most_width}},
            {"colour", s.colour},
            {"grey", s.grey},
            {"one_channel", s.one_channel},
            {"constant", samples(s.constant)},
            {"tiny", samples(s.tiny)},
            {"stretched", samples(s.stretched)}};
  }

  Json labels() const {
    const LabelFindings& l = f_.labels;
    Json j{{"source", std::string(name_of(l.source))},
           {"skipped", l.skipped.empty() ? Json(nullptr) : Json(l.skipped)},
           {"judged", l.judged},
           {"agreement", l.accuracy}};
    j["suspicious"] = rows(l.suspicious, [&](const SuspiciousLabel& s) {
      Json r = sample(s.sample);
      const bool several = s.about >= 0;
      const auto shown = [&](std::int64_t c) {
        return several ? (c == 1 ? Json(class_name(s.about)) : Json(nullptr)) : Json(class_name(c));
      };
      r["given"] = shown(s.given);
      r["suggested"] = shown(s.suggested);
      r["p_given"] = s.given_probability;
      r["p_suggested"] = s.suggested_probability;
      r["margin"] = s.margin;
      return r;
    });
    return j;
  }

  const Findings& f_;
};

}  // namespace

std::string to_json(const Findings& findings, int indent) {
  return ToJson(findings).run().dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace taxon::check
