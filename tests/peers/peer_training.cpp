// Driver of training.py: trains a model from given weights on given batches and writes each step's
// loss. Use: peer_training MODEL IN.safetensors OUT.safetensors LR MOMENTUM WEIGHT_DECAY IN holds
// the weights as "w.<name>" (PyTorch's names and layouts), "x" f32 [steps, n, c, h, w] and "y" i64
// [steps, n]; OUT gets "loss" f64 [steps]. Momentum > 0 is Nesterov's.
#include <taxon/base/text.h>
#include <taxon/core/ops.h>
#include <taxon/models/model.h>
#include <taxon/models/safetensors.h>
#include <taxon/train/optimizer.h>

#include <cstdio>

using namespace taxon;

namespace {

Tensor step_of(const Tensor& all, std::int64_t step) {
  const Tensor one = slice(all, 0, step, step + 1);
  return reshape(one, Shape(all.shape().dims().subspan(1)));
}

void run(char** argv) {
  const TensorFile file = read_safetensors(argv[2]);
  const Tensor x = *file.find("x"), y = *file.find("y");
  ModelSpec spec;
  spec.name = argv[1];
  spec.channels = x.dim(2);
  spec.height = x.dim(3);
  spec.width = x.dim(4);
  spec.shortcut = Shortcut::b;
  const std::shared_ptr<Model> model = build_model(spec);
  std::vector<NamedTensor> weights;
  for (const NamedTensor& t : file.tensors)
    if (t.name.rfind("w.", 0) == 0) weights.push_back({t.name.substr(2), t.tensor});
  model->load_file_state(weights);

  const double momentum = parse_number(argv[5], "momentum");
  SgdOptions options;
  options.momentum = momentum;
  options.nesterov = momentum > 0;
  Sgd sgd(*model, parse_number(argv[4], "lr"), options, parse_number(argv[6], "weight decay"));
  std::vector<double> losses;
  for (std::int64_t step = 0; step < x.dim(0); ++step) {
    const Tensor images = transpose(step_of(x, step), {0, 2, 3, 1});
    const Tensor loss = cross_entropy(model->forward(images), step_of(y, step));
    model->zero_grad();
    loss.backward();
    sgd.step();
    losses.push_back(loss.item());
  }
  const auto steps = static_cast<std::int64_t>(losses.size());
  write_safetensors(argv[3], {{"loss", Tensor::from(losses, {steps})}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  try {
    run(argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "peer_training: %s\n", e.what());
    return 1;
  }
  return 0;
}
