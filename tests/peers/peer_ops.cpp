// Driver of ops.py: applies ops to tensors from a file and writes results and gradients.
// Use: peer_ops CASES.safetensors RESULTS.safetensors
// Metadata "NNN" holds "op key=value ..."; tensors NNN.in0, NNN.in1, ... are its inputs ("-" in
// `absent=1,2` stands for inputs left out), NNN.dy the gradient of the result, and `grad=0,1` the
// inputs whose gradient is asked for. Results are NNN.y0, NNN.y1, ... and NNN.g0, ...
#include <taxon/base/text.h>
#include <taxon/core/ops.h>
#include <taxon/models/safetensors.h>

#include <cstdio>
#include <functional>
#include <map>
#include <set>
#include <string>

using namespace taxon;

namespace {

class Case {
 public:
  Case(const TensorFile& file, const std::string& id, const std::string& text) {
    for (const std::string& word : split(text, ' ')) {
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos) {
        op = word;
      } else {
        values_[word.substr(0, equals)] = word.substr(equals + 1);
      }
    }
    const std::vector<std::int64_t> absent = list("absent"), wanted = list("grad");
    for (std::int64_t i = 0; i < integer("inputs"); ++i) {
      const Tensor* t = file.find(id + ".in" + std::to_string(i));
      if (t == nullptr && std::find(absent.begin(), absent.end(), i) == absent.end())
        fail<FormatError>("case ", id, " has no input ", i);
      in.push_back(t == nullptr ? Tensor() : *t);
      if (std::find(wanted.begin(), wanted.end(), i) != wanted.end()) {
        in.back().set_requires_grad();
        gradients.push_back(in.back());
      }
    }
    if (const Tensor* t = file.find(id + ".dy")) dy = *t;
  }

  bool has(const std::string& key) const { return values_.count(key) != 0; }
  double number(const std::string& key, double otherwise = 0) const {
    return has(key) ? parse_number(values_.at(key), key) : otherwise;
  }
  std::int64_t integer(const std::string& key, std::int64_t otherwise = 0) const {
    return has(key) ? parse_int(values_.at(key), key) : otherwise;
  }
  int axis(int otherwise = -1) const { return static_cast<int>(integer("axis", otherwise)); }
  std::vector<std::int64_t> list(const std::string& key) const {
    std::vector<std::int64_t> out;
    if (!has(key) || values_.at(key).empty()) return out;
    for (const std::string& s : split(values_.at(key), ',')) out.push_back(parse_int(s, key));
    return out;
  }
  std::vector<int> axes() const {
    const std::vector<std::int64_t> l = list("axes");
    return {l.begin(), l.end()};
  }
  Shape shape() const {
    const std::vector<std::int64_t> l = list("shape");
    return Shape(std::span<const std::int64_t>(l));
  }

  std::string op;
  Tensors in, gradients;
  Tensor dy;

 private:
  std::map<std::string, std::string> values_;
};

using Function = std::function<Tensors(const Case&)>;

Conv2dOptions convolution(const Case& c) {
  Conv2dOptions o;
  o.stride_h = c.integer("stride_h", 1);
  o.stride_w = c.integer("stride_w", 1);
  o.pad_h = c.integer("pad_h");
  o.pad_w = c.integer("pad_w");
  o.dilation_h = c.integer("dilation_h", 1);
  o.dilation_w = c.integer("dilation_w", 1);
  o.groups = c.integer("groups", 1);
  return o;
}

PoolOptions pooling(const Case& c) {
  PoolOptions o;
  o.kernel_h = c.integer("kernel_h");
  o.kernel_w = c.integer("kernel_w");
  o.stride_h = c.integer("stride_h");
  o.stride_w = c.integer("stride_w");
  o.pad_h = c.integer("pad_h");
  o.pad_w = c.integer("pad_w");
  o.count_include_pad = c.integer("count_include_pad", 1) != 0;
  return o;
}

Reduction reduction(const Case& c) {
  return static_cast<Reduction>(c.integer("reduction", 1));
}

CrossEntropyOptions entropy(const Case& c) {
  CrossEntropyOptions o;
  o.label_smoothing = c.number("label_smoothing");
  o.ignore_index = c.integer("ignore_index", -100);
  o.reduction = reduction(c);
  return o;
}

void add_pointwise(std::map<std::string, Function>& f) {
  f["add"] = [](const Case& c) { return Tensors{c.in[0] + c.in[1]}; };
  f["sub"] = [](const Case& c) { return Tensors{c.in[0] - c.in[1]}; };
  f["mul"] = [](const Case& c) { return Tensors{c.in[0] * c.in[1]}; };
  f["div"] = [](const Case& c) { return Tensors{c.in[0] / c.in[1]}; };
  f["add_scalar"] = [](const Case& c) { return Tensors{c.in[0] + c.number("a")}; };
  f["mul_scalar"] = [](const Case& c) { return Tensors{c.in[0] * c.number("a")}; };
  f["rsub_scalar"] = [](const Case& c) { return Tensors{c.number("a") - c.in[0]}; };
  f["rdiv_scalar"] = [](const Case& c) { return Tensors{c.number("a") / c.in[0]}; };
  f["pow_scalar"] = [](const Case& c) { return Tensors{pow(c.in[0], c.number("a"))}; };
  f["neg"] = [](const Case& c) { return Tensors{-c.in[0]}; };
  f["exp"] = [](const Case& c) { return Tensors{exp(c.in[0])}; };
  f["log"] = [](const Case& c) { return Tensors{log(c.in[0])}; };
  f["sqrt"] = [](const Case& c) { return Tensors{sqrt(c.in[0])}; };
  f["tanh"] = [](const Case& c) { return Tensors{tanh(c.in[0])}; };
  f["sigmoid"] = [](const Case& c) { return Tensors{sigmoid(c.in[0])}; };
  f["relu"] = [](const Case& c) { return Tensors{relu(c.in[0])}; };
  f["gelu"] = [](const Case& c) { return Tensors{gelu(c.in[0])}; };
  f["silu"] = [](const Case& c) { return Tensors{silu(c.in[0])}; };
  f["clamp"] = [](const Case& c) {
    return Tensors{clamp(c.in[0], c.number("low"), c.number("high"))};
  };
  f["cast"] = [](const Case& c) { return Tensors{cast(c.in[0], DType::bf16)}; };
  f["dropout"] = [](const Case& c) {
    return Tensors{dropout(c.in[0], DropoutOptions{c.number("p"), 3, 4})};
  };
  f["lerp_"] = [](const Case& c) {
    Tensor y = c.in[0].clone();
    lerp_(y, c.in[1], c.number("a"));
    return Tensors{y};
  };
}

void add_layers(std::map<std::string, Function>& f) {
  f["matmul"] = [](const Case& c) {
    return Tensors{
        matmul(c.in[0], c.in[1], {c.integer("trans_a") != 0, c.integer("trans_b") != 0})};
  };
  f["linear"] = [](const Case& c) { return Tensors{linear(c.in[0], c.in[1], c.in[2])}; };
  f["conv2d"] = [](const Case& c) {
    return Tensors{conv2d(c.in[0], c.in[1], c.in[2], convolution(c))};
  };
  f["conv2d_max_pool"] = [](const Case& c) {
    return Tensors{
        conv2d_max_pool(c.in[0], c.in[1], c.in[2],
                        {c.integer("pad_h"), c.integer("pad_w"), c.integer("relu") != 0})};
  };
  f["max_pool2d"] = [](const Case& c) { return Tensors{max_pool2d(c.in[0], pooling(c))}; };
  f["avg_pool2d"] = [](const Case& c) { return Tensors{avg_pool2d(c.in[0], pooling(c))}; };
  f["adaptive_avg_pool2d"] = [](const Case& c) {
    return Tensors{adaptive_avg_pool2d(c.in[0], c.integer("out_h"), c.integer("out_w"))};
  };
  f["global_avg_pool"] = [](const Case& c) { return Tensors{global_avg_pool(c.in[0])}; };
  f["batch_norm_train"] = [](const Case& c) {
    const BatchNormResult r = batch_norm_train(c.in[0], c.in[1], c.in[2], c.number("eps"));
    return Tensors{r.y, r.mean, r.var};
  };
  f["batch_norm_infer"] = [](const Case& c) {
    return Tensors{batch_norm_infer(c.in[0], c.in[1], c.in[2], c.in[3], c.in[4], c.number("eps"))};
  };
  f["layer_norm"] = [](const Case& c) {
    return Tensors{layer_norm(c.in[0], c.in[1], c.in[2], c.number("eps"))};
  };
  f["softmax"] = [](const Case& c) { return Tensors{softmax(c.in[0], c.axis())}; };
  f["log_softmax"] = [](const Case& c) { return Tensors{log_softmax(c.in[0], c.axis())}; };
  f["cross_entropy"] = [](const Case& c) {
    return Tensors{cross_entropy(c.in[0], c.in[1], c.in[2], entropy(c))};
  };
  f["bce_with_logits"] = [](const Case& c) {
    return Tensors{binary_cross_entropy_with_logits(c.in[0], c.in[1], c.in[2], reduction(c))};
  };
}

void add_shapes(std::map<std::string, Function>& f) {
  f["sum"] = [](const Case& c) { return Tensors{sum(c.in[0], c.axes(), c.integer("keep") != 0)}; };
  f["mean"] = [](const Case& c) {
    return Tensors{mean(c.in[0], c.axes(), c.integer("keep") != 0)};
  };
  f["max"] = [](const Case& c) { return Tensors{max(c.in[0], c.axis(), c.integer("keep") != 0)}; };
  f["argmax"] = [](const Case& c) { return Tensors{argmax(c.in[0], c.axis())}; };
  f["reshape"] = [](const Case& c) { return Tensors{reshape(c.in[0], c.shape())}; };
  f["flatten"] = [](const Case& c) { return Tensors{flatten(c.in[0], c.axis())}; };
  f["transpose"] = [](const Case& c) { return Tensors{transpose(c.in[0], c.axes())}; };
  f["concat"] = [](const Case& c) { return Tensors{concat(c.in, c.axis())}; };
  f["slice"] = [](const Case& c) {
    return Tensors{
        slice(c.in[0], c.axis(), c.integer("begin"), c.integer("end"), c.integer("step", 1))};
  };
  f["pad"] = [](const Case& c) {
    return Tensors{pad(c.in[0], {c.list("before"), c.list("after"), c.number("value")})};
  };
  f["gather"] = [](const Case& c) { return Tensors{gather(c.in[0], c.in[1], c.axis(0))}; };
  f["one_hot"] = [](const Case& c) {
    return Tensors{one_hot(c.in[0], c.integer("classes"), DType::f32)};
  };
}

int run(const std::string& cases, const std::string& results) {
  std::map<std::string, Function> functions;
  add_pointwise(functions);
  add_layers(functions);
  add_shapes(functions);
  const TensorFile file = read_safetensors(cases);
  std::vector<NamedTensor> out;
  std::set<std::string> used;
  for (const auto& [id, text] : file.metadata) {
    Case c(file, id, text);
    const auto it = functions.find(c.op);
    if (it == functions.end()) fail<FormatError>("case ", id, ": unknown op '", c.op, "'");
    used.insert(c.op);
    const Tensors y = it->second(c);
    for (std::size_t i = 0; i < y.size(); ++i)
      out.push_back({id + ".y" + std::to_string(i), y[i].detach()});
    if (!c.dy.defined()) continue;
    y[0].backward(c.dy);
    for (std::size_t i = 0; i < c.gradients.size(); ++i)
      out.push_back({id + ".g" + std::to_string(i), c.gradients[i].grad()});
  }
  write_safetensors(results, out);
  for (const auto& [name, function] : functions)
    if (used.count(name) == 0) fail<FormatError>("no case for op '", name, "'");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    return run(argv[1], argv[2]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "peer_ops: %s\n", e.what());
    return 1;
  }
}
