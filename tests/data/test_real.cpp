// The real data sets, where $TAXON_DATA holds them (and Fashion-MNIST wherever it is installed).
#include "catch.h"

#include <taxon/data/loader.h>
#include <taxon/data/sources.h>

#include <algorithm>
#include <ctime>

#include "data_test.h"

using namespace taxon;
using namespace taxon::test;

namespace {

// Says so when the data are not there.
bool there(const std::string& name) {
  for (const KnownDataset& k : known_datasets()) {
    if (k.name == name && !k.found.empty()) {
      return true;
    }
  }
  WARN("skipped: " << name << " is not on this machine");
  return false;
}

}  // namespace

TEST_CASE("the published statistics are those of the files", "[real]") {
  for (const char* name : {"mnist", "fashion-mnist", "cifar10"}) {
    if (!there(name)) {
      continue;
    }
    const Splits s = open_dataset(name);
    CHECK(s.warnings.empty());
    CHECK(s.train->size() == (s.facts.channels == 3 ? 50000 : 60000));
    CHECK(s.test->size() == 10000);
    const auto counts = s.test->class_counts();
    CHECK(*std::min_element(counts.begin(), counts.end()) > 800);
    const ChannelStats stats = channel_stats(*s.train, s.facts.channels, 60000);
    for (std::size_t c = 0; c < stats.mean.size(); ++c) {
      CHECK(std::abs(stats.mean[c] - s.facts.mean[c]) < 1e-3f);
      CHECK(std::abs(stats.std[c] - s.facts.std[c]) < 1e-3f);
    }
  }
}

TEST_CASE("a batch of CIFAR images takes a millisecond or two on one core", "[real]") {
  if (!there("cifar10")) {
    return;
  }
  const Splits s = open_dataset("cifar10");
  LoaderOptions o;
  o.shuffle = o.drop_last = true;
  o.preprocess = default_preprocess(s.facts);
  o.augment = Augment::preset("standard", 32, 32, true);
  Loader loader(s.train, o);
  loader.start(0);
  const std::clock_t begin = std::clock();  // processor time of all threads
  for (Batch b; loader.next(b);) {
  }
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const double ms = 1000 * seconds / static_cast<double>(loader.batches());
  WARN("batch of 128: " << ms << " ms of processor time");
  CHECK(ms < 20);  // generous: other programs run, sanitizers may be built in
}
