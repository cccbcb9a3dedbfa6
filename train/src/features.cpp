// See features.h.
#include <taxon/base/error.h>
#include <taxon/base/interrupted.h>
#include <taxon/core/ops.h>
#include <taxon/train/features.h>

#include <algorithm>

namespace taxon {
namespace {

class Head : public Module {
 public:
  explicit Head(std::shared_ptr<Model> model) : model_(std::move(model)) {}
  Tensor forward(const Tensor& x) override { return model_->head(x); }
  std::string str() const override { return text("Head(", model_->str(), ")"); }
  void train(bool on) override {
    Module::train(on);
    model_->find(model_->head_name()).train(on);
  }

 private:
  std::shared_ptr<Model> model_;
};

// A batch that is not full behind the last samples of the one before. Kernels choose their method
// by the batch's size, and where no batch is trained on that is not full, none is used here.
Tensor filled(const Tensor& before, const Tensor& x) {
  return concat({slice(before, 0, x.dim(0), before.dim(0)), x}, 0);
}

}  // namespace

Tensor features_of(Model& model, const DatasetPtr& data, const LoaderOptions& images,
                   std::int64_t bytes, const std::atomic<bool>* interrupt) {
  NoGrad no_grad;
  LoaderOptions o;
  o.batch = images.batch;
  o.preprocess = images.preprocess;
  o.cache_bytes = 0;  // each is read once
  o.device = model.device();
  Loader loader(data, o);
  loader.start(0);
  Tensor out, before;
  std::int64_t done = 0;
  for (Batch batch; loader.next(batch);) {
    if (interrupt != nullptr && interrupt->load()) {
      fail<Interrupted>("features interrupted after ", done, " of ", data->size(), " samples");
    }
    const bool fill = images.drop_last && before.defined() && batch.size() < images.batch;
    const Tensor x = fill ? filled(before, batch.x) : batch.x;
    before = x;
    const Tensor y = model.features_f32(x).to(cpu);
    const std::int64_t size = y.numel() / y.dim(0);
    if (!out.defined()) {
      if (data->size() * size * 4 > bytes) return {};
      out = Tensor::empty({data->size(), size});
    }
    const auto rows = static_cast<std::size_t>(batch.size() * size);
    const auto from = y.view<float>().last(rows);
    std::copy(from.begin(), from.end(), out.mutable_view<float>().begin() + done * size);
    done += batch.size();
  }
  return out;
}

std::shared_ptr<Module> head_of(std::shared_ptr<Model> model) {
  return std::make_shared<Head>(std::move(model));
}

}  // namespace taxon
