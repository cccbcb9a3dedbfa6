// Stratified parts for cross-validation, and a data set's splits made of them.
#include <taxon/base/error.h>
#include <taxon/base/random.h>
#include <taxon/data/folds.h>

#include <algorithm>

#include "readers.h"

namespace taxon {
namespace {

constexpr std::uint64_t stream = 0xf01d;

void check_counts(const Dataset& data, std::int64_t folds) {
  if (folds < 2) {
    fail<OptionError>(data.name(), ": ", folds, " folds, expected 2 or more");
  }
  const std::vector<std::int64_t> counts = data.class_counts();
  const auto least = std::min_element(counts.begin(), counts.end());
  if (*least >= folds) {
    return;
  }
  const std::string& name = data.class_names()[static_cast<std::size_t>(least - counts.begin())];
  fail<OptionError>(data.name(), ": ", folds, " folds, but class '", name, "' has ", *least,
                    *least == 1 ? " sample" : " samples",
                    *least >= 2 ? text("; expected ", *least, " folds or fewer")
                                : std::string("; expected at least one a fold"));
}

// Class after class, each dealt out where the one before it ended.
std::vector<std::int64_t> by_class(const Dataset& data, std::int64_t folds, std::uint64_t seed) {
  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(data.classes()));
  for (std::int64_t i = 0; i < data.size(); ++i) {
    members[static_cast<std::size_t>(data.label(i))].push_back(i);
  }
  std::vector<std::int64_t> out(static_cast<std::size_t>(data.size()));
  std::int64_t next = 0;
  for (std::size_t c = 0; c < members.size(); ++c) {
    const auto n = static_cast<std::int64_t>(members[c].size());
    for (const std::int64_t at : permutation(n, mix(seed, stream), c)) {
      const std::int64_t sample = members[c][static_cast<std::size_t>(at)];
      out[static_cast<std::size_t>(sample)] = next++ % folds;
    }
  }
  return out;
}

// What each part still wants.
class Dealer {
 public:
  Dealer(const Dataset& data, std::int64_t folds)
      : data_(data), folds_(static_cast<std::size_t>(folds)) {
    const auto k = static_cast<double>(folds);
    wanted_.assign(folds_, static_cast<double>(data.size()) / k);
    left_ = data.class_counts();
    for (const std::int64_t count : left_) {
      of_label_.emplace_back(folds_, static_cast<double>(count) / k);
    }
    out_.assign(static_cast<std::size_t>(data.size()), -1);
  }

  bool dealt(std::int64_t sample) const { return out_[static_cast<std::size_t>(sample)] >= 0; }

  // The label with the fewest samples left to deal out; -1: none.
  std::int64_t rarest() const {
    std::int64_t best = -1;
    for (std::size_t l = 0; l < left_.size(); ++l) {
      if (left_[l] > 0 && (best < 0 || left_[l] < left_[static_cast<std::size_t>(best)])) {
        best = static_cast<std::int64_t>(l);
      }
    }
    return best;
  }

  // To the part that wants most of the label (-1: of any sample); of equals, of any sample.
  void deal(std::int64_t sample, std::int64_t label) {
    const std::vector<double>& wish =
        label < 0 ? wanted_ : of_label_[static_cast<std::size_t>(label)];
    std::size_t to = 0;
    for (std::size_t f = 1; f < folds_; ++f) {
      if (wish[f] > wish[to] || (wish[f] == wish[to] && wanted_[f] > wanted_[to])) {
        to = f;
      }
    }
    out_[static_cast<std::size_t>(sample)] = static_cast<std::int64_t>(to);
    wanted_[to] -= 1;
    const auto hot = data_.labels(sample);
    for (std::size_t l = 0; l < hot.size(); ++l) {
      if (hot[l] != 0) {
        of_label_[l][to] -= 1;
        left_[l] -= 1;
      }
    }
  }

  std::vector<std::int64_t> result() { return std::move(out_); }

 private:
  const Dataset& data_;
  std::size_t folds_;
  std::vector<double> wanted_;
  std::vector<std::vector<double>> of_label_;
  std::vector<std::int64_t> left_, out_;
};

std::vector<std::int64_t> by_labels(const Dataset& data, std::int64_t folds, std::uint64_t seed) {
  const auto order = permutation(data.size(), mix(seed, stream), 0);
  Dealer dealer(data, folds);
  for (std::int64_t label = dealer.rarest(); label >= 0; label = dealer.rarest()) {
    for (const std::int64_t i : order) {
      if (!dealer.dealt(i) && data.labels(i)[static_cast<std::size_t>(label)] != 0) {
        dealer.deal(i, label);
      }
    }
  }
  for (const std::int64_t i : order) {
    if (!dealer.dealt(i)) {
      dealer.deal(i, -1);
    }
  }
  return dealer.result();
}

// Several data sets, one after the other.
class Joined final : public Dataset {
 public:
  Joined(std::string name, std::vector<DatasetPtr> parts, Labels labels)
      : Dataset(std::move(name), std::move(labels)), parts_(std::move(parts)) {}
  Image image(std::int64_t i) const override {
    const DatasetPtr& part = find(i);
    return part->image(i);
  }
  std::vector<std::uint8_t> encoded(std::int64_t i) const override {
    const DatasetPtr& part = find(i);
    return part->encoded(i);
  }
  const std::uint8_t* pixels(std::int64_t i) const override {
    const DatasetPtr& part = find(i);
    return part->pixels(i);
  }
  Shape image_shape() const override {
    const Shape first = parts_.front()->image_shape();
    const bool same = std::all_of(parts_.begin(), parts_.end(), [&](const DatasetPtr& part) {
      return part->image_shape() == first;
    });
    return same ? first : Shape{};
  }
  std::string id(std::int64_t i) const override {
    const DatasetPtr& part = find(i);
    return part->id(i);
  }
  std::string path(std::int64_t i) const override {
    const DatasetPtr& part = find(i);
    return part->path(i);
  }

 private:
  // The part that holds sample i, which becomes the part's own number of it.
  const DatasetPtr& find(std::int64_t& i) const {
    check(i);
    std::size_t p = 0;
    for (; i >= parts_[p]->size(); ++p) {
      i -= parts_[p]->size();
    }
    return parts_[p];
  }
  std::vector<DatasetPtr> parts_;
};

DatasetPtr join_data(const std::string& name, std::vector<DatasetPtr> parts) {
  if (parts.size() == 1) {
    return parts.front();
  }
  Labels labels{parts.front()->task(), parts.front()->class_names(), {}, {}};
  for (const DatasetPtr& part : parts) {
    for (std::int64_t i = 0; i < part->size(); ++i) {
      if (labels.task == Task::single) {
        labels.index.push_back(part->label(i));
      } else {
        const auto hot = part->labels(i);
        labels.hot.insert(labels.hot.end(), hot.begin(), hot.end());
      }
    }
  }
  return std::make_shared<Joined>(name, std::move(parts), std::move(labels));
}

}  // namespace

std::vector<std::int64_t> stratified_folds(const Dataset& data, std::int64_t folds,
                                           std::uint64_t seed) {
  check_counts(data, folds);
  return data.task() == Task::single ? by_class(data, folds, seed) : by_labels(data, folds, seed);
}

void take_fold(Splits& s, const DataOptions& o) {
  if (o.folds == 0) {
    return;
  }
  if (o.fold < 1 || o.fold > o.folds) {
    fail<OptionError>("fold ", o.fold, " of ", o.folds, ", expected 1 to ", o.folds);
  }
  std::vector<DatasetPtr> parts;
  for (const DatasetPtr& part : {s.train, s.val, s.divided ? s.test : nullptr}) {
    if (part) {
      parts.push_back(part);
    }
  }
  if (parts.empty()) {
    fail<OptionError>(s.where,
                      ": neither a train nor a val split, expected one to divide in folds");
  }
  const DatasetPtr all = join_data(s.where, std::move(parts));
  const auto folds = stratified_folds(*all, o.folds, o.seed);
  std::vector<std::int64_t> inside, outside;
  for (std::int64_t i = 0; i < all->size(); ++i) {
    (folds[static_cast<std::size_t>(i)] == o.fold - 1 ? inside : outside).push_back(i);
  }
  s.train = subset(all, std::move(outside));
  s.val = subset(all, std::move(inside));
  s.test = s.divided ? nullptr : s.test;
}

}  // namespace taxon
