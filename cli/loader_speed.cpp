// What `bench --loader` measures (see loader_speed.h).
#include "loader_speed.h"

#include <taxon/base/parallel.h>
#include <taxon/data/loader.h>
#include <taxon/data/sources.h>

#include <algorithm>

#include "command.h"

namespace taxon::cli {

nlohmann::ordered_json loader_speed(const LoaderSpeed& request) {
  DataOptions where;
  where.require_train = false;
  const Splits splits = open_dataset(request.data, where);
  const DatasetPtr data = splits.train ? splits.train : splits.val ? splits.val : splits.test;
  LoaderOptions o;
  o.preprocess = default_preprocess(splits.facts, request.size);
  o.batch = std::min(request.batch, data->size());
  o.shuffle = o.drop_last = true;
  o.augment.min_area = 0.08;  // as torchvision's RandomResizedCrop
  o.augment.flip = true;
  o.cache_bytes = 0;
  Loader loader(data, o);
  Batch batch;
  loader.start(0);
  loader.next(batch);  // threads start, files and libraries are opened
  std::int64_t images = 0;
  const double start = now();
  for (std::int64_t epoch = 0; now() - start < request.seconds && !interrupt_flag().load();) {
    if (loader.next(batch)) {
      images += batch.size();
    } else {
      loader.start(++epoch);
    }
  }
  nlohmann::ordered_json j;
  j["loader"] = request.data;
  j["images"] = data->size();
  j["size"] = request.size;
  j["batch"] = o.batch;
  j["threads"] = num_threads();
  j["jpeg"] = std::string(jpeg_decoder());
  j["img_s"] = static_cast<double>(images) / (now() - start);
  return j;
}

}  // namespace taxon::cli
