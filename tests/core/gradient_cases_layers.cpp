// Gradient cases of pooling, normalisation, softmax, losses, reductions and shape ops.
#include "gradient_cases.h"

#include <taxon/core/group.h>

namespace taxon::test {
namespace {

Tensor indices(const std::vector<std::int64_t>& values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())});
}

void add_pooling(std::vector<GradientCase>& cases) {
  struct Window {
    std::string label;
    PoolOptions o;
  };
  const std::vector<Window> windows{{"2x2", {2, 2}},
                                    {"3x3 stride 2 pad 1", {3, 3, 2, 2, 1, 1}},
                                    {"3x2 stride 1", {3, 2, 1, 1}},
                                    {"pad not counted", {3, 3, 2, 2, 1, 1, false}}};
  for (const Window& w : windows) {
    cases.push_back(
        {"max_pool2d", w.label, {draw_apart({2, 5, 6, 3})}, [o = w.o](const Tensors& in) {
           return max_pool2d(in[0], o);
         }});
    cases.push_back({"avg_pool2d", w.label, {draw({2, 5, 6, 3})}, [o = w.o](const Tensors& in) {
                       return avg_pool2d(in[0], o);
                     }});
  }
  cases.push_back({"max_pool2d", "with ReLU", {draw_apart({2, 5, 6, 3})}, [](const Tensors& in) {
                     return max_pool2d(in[0], {3, 3, 2, 2, 1, 1}, true);
                   }});
  cases.push_back(
      {"max_pool2d", "a large window", {draw_apart({1, 17, 17, 1})}, [](const Tensors& in) {
         return max_pool2d(in[0], {16, 16, 1, 1});
       }});
  for (const bool relu : {false, true}) {
    cases.push_back({"conv2d_max_pool",
                     relu ? "with ReLU" : "without ReLU",
                     {draw({2, 5, 6, 2}), draw({3, 3, 2, 2}), draw({3})},
                     [relu](const Tensors& in) {
                       return conv2d_max_pool(in[0], in[1], in[2], {1, 0, relu});
                     }});
  }
  cases.push_back({"adaptive_avg_pool2d", "uneven", {draw({2, 5, 7, 3})}, [](const Tensors& in) {
                     return adaptive_avg_pool2d(in[0], 2, 3);
                   }});
  cases.push_back(
      {"adaptive_avg_pool2d", "larger than the input", {draw({1, 2, 2, 1})}, [](const Tensors& in) {
         return adaptive_avg_pool2d(in[0], 3, 3);
       }});
  cases.push_back({"adaptive_avg_pool2d", "global", {draw({2, 4, 4, 3})}, [](const Tensors& in) {
                     return global_avg_pool(in[0]);
                   }});
}

// A group of one process; of several: tests/mpi.
class Alone final : public Group {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void sum(Tensor&) override {}
  void start_sum(Tensor&) override {}
  void progress() override {}
  void wait() override {}
  std::string broadcast(const std::string& s) override { return s; }
};

void add_shared_normalisation(std::vector<GradientCase>& cases) {
  static Alone group;
  for (const bool cut : {false, true}) {
    cases.push_back({"batch_norm_shared",
                     cut ? "with a residual and ReLU" : "with a residual",
                     {draw({3, 2, 2, 4}, 1, 2), draw({4}), draw({4}), draw({3, 2, 2, 4})},
                     [=](const Tensors& in) {
                       return batch_norm_shared(in[0], in[1], in[2], group, 1e-5, {in[3], cut}).y;
                     }});
  }
  cases.push_back({"batch_norm_shared",
                   "with ReLU",
                   {draw({3, 2, 2, 4}, 1, 2), draw({4}), draw({4})},
                   [](const Tensors& in) {
                     return batch_norm_shared(in[0], in[1], in[2], group, 1e-5, {{}, true}).y;
                   }});
  cases.push_back({"batch_norm_shared", "not affine", {draw({6, 3})}, [](const Tensors& in) {
                     return batch_norm_shared(in[0], {}, {}, group, 1e-3).y;
                   }});
}

void add_normalisation(std::vector<GradientCase>& cases) {
  cases.push_back({"batch_norm_train",
                   "images",
                   {draw({3, 2, 2, 4}, 1, 2), draw({4}), draw({4})},
                   [](const Tensors& in) { return batch_norm_train(in[0], in[1], in[2]).y; }});
  cases.push_back({"batch_norm_train", "not affine", {draw({6, 3})}, [](const Tensors& in) {
                     return batch_norm_train(in[0], {}, {}, 1e-3).y;
                   }});
  cases.push_back({"batch_norm_train",
                   "with ReLU",
                   {draw({3, 2, 2, 4}, 1, 2), draw({4}), draw({4})},
                   [](const Tensors& in) {
                     return batch_norm_train(in[0], in[1], in[2], 1e-5, {{}, true}).y;
                   }});
  for (const bool cut : {false, true}) {
    cases.push_back({"batch_norm_train",
                     cut ? "with a residual and ReLU" : "with a residual",
                     {draw({3, 2, 2, 4}, 1, 2), draw({4}), draw({4}), draw({3, 2, 2, 4})},
                     [=](const Tensors& in) {
                       return batch_norm_train(in[0], in[1], in[2], 1e-5, {in[3], cut}).y;
                     }});
  }
  const Tensor mean = draw({4}), var = exp(draw({4}));
  for (const bool cut : {false, true}) {
    cases.push_back({"batch_norm_infer",
                     cut ? "with a residual and ReLU" : "with a residual",
                     {draw({3, 2, 2, 4}), draw({4}), draw({4}), draw({3, 2, 2, 4})},
                     [=](const Tensors& in) {
                       return batch_norm_infer(in[0], in[1], in[2], beside(mean, in[0]),
                                               beside(var, in[0]), 1e-5, {in[3], cut});
                     }});
  }
  cases.push_back({"batch_norm_infer",
                   "with ReLU",
                   {draw({3, 2, 2, 4}), draw({4}), draw({4})},
                   [=](const Tensors& in) {
                     return batch_norm_infer(in[0], in[1], in[2], beside(mean, in[0]),
                                             beside(var, in[0]), 1e-5, {{}, true});
                   }});
  cases.push_back({"batch_norm_infer",
                   "images",
                   {draw({3, 2, 2, 4}), draw({4}), draw({4})},
                   [=](const Tensors& in) {
                     return batch_norm_infer(in[0], in[1], in[2], beside(mean, in[0]),
                                             beside(var, in[0]));
                   }});
  cases.push_back(
      {"layer_norm", "affine", {draw({3, 7}, 1, 2), draw({7}), draw({7})}, [](const Tensors& in) {
         return layer_norm(in[0], in[1], in[2]);
       }});
  cases.push_back({"layer_norm", "not affine, rank 3", {draw({2, 3, 5})}, [](const Tensors& in) {
                     return layer_norm(in[0], {}, {});
                   }});
}

void add_losses(std::vector<GradientCase>& cases) {
  for (const int axis : {-1, 0, 1}) {
    cases.push_back(
        {"softmax", "axis " + std::to_string(axis), {draw({3, 4, 2})}, [axis](const Tensors& in) {
           return softmax(in[0], axis);
         }});
    cases.push_back({"log_softmax",
                     "axis " + std::to_string(axis),
                     {draw({3, 4, 2})},
                     [axis](const Tensors& in) { return log_softmax(in[0], axis); }});
  }
  const Tensor target = indices({2, 0, -100, 4}), soft = softmax(draw({4, 5}));
  const Tensor weight = exp(draw({5}));
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
    for (const double smoothing : {0.0, 0.1}) {
      for (const bool weighted : {false, true}) {
        CrossEntropyOptions o;
        o.label_smoothing = smoothing;
        o.reduction = reduction;
        const Tensor w = weighted ? weight : Tensor();
        const std::string label = text("smoothing ", smoothing, weighted ? ", weighted" : "");
        cases.push_back(
            {"cross_entropy", "indices, " + label, {draw({4, 5})}, [=](const Tensors& in) {
               return cross_entropy(in[0], beside(target, in[0]), beside(w, in[0]), o);
             }});
        cases.push_back(
            {"cross_entropy", "probabilities, " + label, {draw({4, 5})}, [=](const Tensors& in) {
               return cross_entropy(in[0], beside(soft, in[0]), beside(w, in[0]), o);
             }});
      }
    }
    const Tensor hits = sigmoid(draw({4, 5}));
    cases.push_back({"bce_with_logits", "", {draw({4, 5}, 0, 3)}, [=](const Tensors& in) {
                       return binary_cross_entropy_with_logits(in[0], beside(hits, in[0]), {},
                                                               reduction);
                     }});
    cases.push_back({"bce_with_logits", "pos_weight", {draw({4, 5}, 0, 3)}, [=](const Tensors& in) {
                       return binary_cross_entropy_with_logits(in[0], beside(hits, in[0]),
                                                               beside(weight, in[0]), reduction);
                     }});
  }
}

}  // namespace

std::vector<GradientCase> network_cases() {
  std::vector<GradientCase> cases;
  add_pooling(cases);
  add_normalisation(cases);
  add_shared_normalisation(cases);
  add_losses(cases);
  return cases;
}

std::vector<GradientCase> shape_cases() {
  std::vector<GradientCase> cases;
  const std::vector<std::vector<int>> axes{{}, {0}, {-1}, {1}, {0, 2}, {0, 1}, {1, 2}};
  for (const auto& a : axes) {
    for (const bool keep : {false, true}) {
      cases.push_back(
          {"sum", "", {draw({2, 3, 4})}, [=](const Tensors& in) { return sum(in[0], a, keep); }});
      cases.push_back(
          {"mean", "", {draw({2, 3, 4})}, [=](const Tensors& in) { return mean(in[0], a, keep); }});
    }
  }
  for (const int axis : {0, 1, 2}) {
    cases.push_back(
        {"max", "", {draw_apart({3, 4, 2})}, [=](const Tensors& in) { return max(in[0], axis); }});
  }
  cases.push_back({"reshape", "", {draw({2, 6})}, [](const Tensors& in) {
                     return reshape(in[0], {3, 4});
                   }});
  cases.push_back({"transpose", "", {draw({2, 3, 4})}, [](const Tensors& in) {
                     return transpose(in[0], {2, 0, 1});
                   }});
  for (const int axis : {0, 1, 2}) {
    cases.push_back({"concat",
                     "",
                     {draw({2, 3, 4}), draw({2, 3, 4}), draw({2, 3, 4})},
                     [axis](const Tensors& in) { return concat(in, axis); }});
  }
  cases.push_back({"concat", "uneven", {draw({2, 1}), draw({2, 4})}, [](const Tensors& in) {
                     return concat(in, 1);
                   }});
  cases.push_back(
      {"slice", "", {draw({3, 7, 2})}, [](const Tensors& in) { return slice(in[0], 1, 1, 6, 2); }});
  cases.push_back({"pad", "", {draw({2, 3})}, [](const Tensors& in) {
                     return pad(in[0], {{1, 0}, {0, 2}, 3.0});
                   }});
  const Tensor picked = indices({2, 0, 2, 1});
  for (const int axis : {0, 1}) {
    cases.push_back({"gather", "", {draw({3, 4})}, [=](const Tensors& in) {
                       return gather(in[0], beside(picked, in[0]), axis);
                     }});
  }
  return cases;
}

}  // namespace taxon::test
