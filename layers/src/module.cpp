// Module: the tree of parameters, buffers and children, and its state in and out.
#include <taxon/core/ops.h>
#include <taxon/layers/module.h>

#include <algorithm>
#include <unordered_map>

#include <taxon/base/text.h>

namespace taxon {
namespace {

std::string joined(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

// The first few names, and how many there are.
std::string some(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 4;
  std::string out = join(std::span(names).first(std::min(shown, names.size())), ", ");
  if (names.size() > shown) {
    out += text(", ... (", names.size(), " in all)");
  }
  return out;
}

}  // namespace

Tensor& Module::add_entry(const std::string& name, Tensor value, bool parameter, Keep keep) {
  for (const Entry& e : entries_) {
    if (e.name == name) {
      fail<OptionError>("module: the name '", name, "' is registered twice");
    }
  }
  if (name.empty() || name.find('.') != std::string::npos) {
    fail<OptionError>("module: '", name, "' is no name for a parameter or buffer");
  }
  entries_.push_back({name, std::make_unique<Tensor>(std::move(value)), parameter, keep});
  return *entries_.back().tensor;
}

Tensor& Module::register_parameter(const std::string& name, Tensor value) {
  if (value.defined()) {
    value.set_requires_grad();
  }
  return add_entry(name, std::move(value), true, Keep::model);
}

Tensor& Module::register_buffer(const std::string& name, Tensor value, Keep keep) {
  return add_entry(name, std::move(value), false, keep);
}

void Module::add_child(const std::string& name, std::shared_ptr<Module> child) {
  if (!child) {
    fail<OptionError>("module: child '", name, "' is null");
  }
  for (const auto& [existing, _] : children_) {
    if (existing == name) {
      fail<OptionError>("module: the name '", name, "' is registered twice");
    }
  }
  children_.emplace_back(name, std::move(child));
}

void Module::replace_child(const std::string& name, std::shared_ptr<Module> child) {
  for (auto& [existing, module] : children_) {
    if (existing == name && child) {
      child->train(training_);
      module = std::move(child);
      return;
    }
  }
  fail<OptionError>("module ", str(), " has no child '", name, "' to replace");
}

void Module::locate(const std::string& prefix, std::vector<Located>& out) const {
  for (const Entry& e : entries_) {
    if (e.tensor->defined()) {
      out.push_back({joined(prefix, e.name), this, &e});
    }
  }
  for (const auto& [name, child] : children_) {
    child->locate(joined(prefix, name), out);
  }
}

std::vector<Module::Located> Module::located() const {
  std::vector<Located> out;
  locate("", out);
  return out;
}

std::vector<NamedTensor> Module::named_parameters() const {
  std::vector<NamedTensor> out;
  for (const Located& l : located()) {
    if (l.entry->parameter) {
      out.push_back({l.name, *l.entry->tensor});
    }
  }
  return out;
}

std::vector<NamedTensor> Module::named_buffers() const {
  std::vector<NamedTensor> out;
  for (const Located& l : located()) {
    if (!l.entry->parameter) {
      out.push_back({l.name, *l.entry->tensor});
    }
  }
  return out;
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> out;
  for (const Located& l : located()) {
    if (l.entry->parameter) {
      out.push_back(*l.entry->tensor);
    }
  }
  return out;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const Tensor& p : parameters()) {
    count += p.numel();
  }
  return count;
}

Module& Module::find(const std::string& name) {
  Module* at = this;
  for (const std::string& part : split(name, '.')) {
    std::vector<std::string> names;
    Module* next = nullptr;
    for (const auto& [child_name, child] : at->children_) {
      names.push_back(child_name);
      if (child_name == part) {
        next = child.get();
      }
    }
    if (!next) {
      fail<OptionError>("module '", name, "': there is no '", part, "' in ", at->str(),
                        did_you_mean(part, names), "; it has ", join(names, ", "));
    }
    at = next;
  }
  return *at;
}

void Module::visit(const Callback<void(const std::string& name, Module&)>& f) {
  const Callback<void(const std::string&, Module&)> walk = [&](const std::string& name,
                                                               Module& module) {
    f(name, module);
    for (const auto& [child_name, child] : module.children_) {
      walk(joined(name, child_name), *child);
    }
  };
  walk("", *this);
}

void Module::train(bool on) {
  training_ = on;
  for (const auto& [_, child] : children_) {
    child->train(on);
  }
}

void Module::freeze(bool on) {
  for (Tensor& p : parameters()) {
    p.set_requires_grad(!on);
  }
}

void Module::to(Device device) {
  for (const Located& l : located()) {
    Tensor& t = *l.entry->tensor;
    if (is_floating(t.dtype()) && !(t.device() == device)) {
      const bool grad = t.requires_grad();
      t = t.detach().to(device);
      t.set_requires_grad(grad);
    }
  }
}

void Module::to(DType dtype) {
  if (!is_floating(dtype)) {
    fail<DTypeError>("module: parameters cannot be ", dtype);
  }
  for (const Located& l : located()) {
    Tensor& t = *l.entry->tensor;
    if (is_floating(t.dtype()) && t.dtype() != dtype) {
      const bool grad = t.requires_grad();
      t = t.detach().to(dtype);
      t.set_requires_grad(grad);
    }
  }
}

void Module::zero_grad() {
  for (Tensor& p : parameters()) {
    p.set_grad({});
  }
}

std::vector<NamedTensor> Module::state() const {
  std::vector<NamedTensor> out;
  for (const Located& l : located()) {
    out.push_back({l.name, *l.entry->tensor});
  }
  return out;
}

std::vector<NamedTensor> Module::file_state() const {
  NoGrad guard;
  std::vector<NamedTensor> out;
  for (const Located& l : located()) {
    if (l.entry->keep == Keep::model) {
      out.push_back({l.name, l.owner->to_file(l.entry->name, l.entry->tensor->detach().to(cpu))});
    }
  }
  return out;
}

void Module::load_state(const std::vector<NamedTensor>& state) {
  load(state, false);
}

void Module::load_file_state(const std::vector<NamedTensor>& state) {
  load(state, true);
}

void Module::load(const std::vector<NamedTensor>& state, bool file) {
  NoGrad guard;
  std::unordered_map<std::string, Tensor> given;
  for (const NamedTensor& t : state) {
    if (!given.emplace(t.name, t.tensor).second) {
      fail<FormatError>("state: '", t.name, "' comes twice");
    }
  }
  std::vector<std::string> missing, unexpected;
  std::vector<std::pair<Tensor*, Tensor>> copies;
  for (const Located& l : located()) {
    if (file && l.entry->keep != Keep::model) {
      continue;
    }
    const auto it = given.find(l.name);
    if (it == given.end()) {
      missing.push_back(l.name);
      continue;
    }
    Tensor& mine = *l.entry->tensor;
    const Shape expected =
        file ? l.owner->to_file(l.entry->name, mine.detach().to(cpu)).shape() : mine.shape();
    if (!(it->second.shape() == expected) ||
        is_floating(it->second.dtype()) != is_floating(mine.dtype())) {
      fail<FormatError>("state: '", l.name, "' is ", it->second, ", expected ", mine.dtype(),
                        expected);
    }
    const Tensor value = it->second.detach().to(cpu).to(mine.dtype());
    copies.emplace_back(&mine, file ? l.owner->from_file(l.entry->name, value) : value);
    given.erase(it);
  }
  for (const NamedTensor& t : state) {
    if (given.count(t.name)) {
      unexpected.push_back(t.name);
    }
  }
  if (!missing.empty() || !unexpected.empty()) {
    fail<FormatError>("state: the entries are not this model's:",
                      missing.empty() ? "" : " missing " + some(missing),
                      missing.empty() || unexpected.empty() ? "" : ";",
                      unexpected.empty() ? "" : " unexpected " + some(unexpected));
  }
  for (auto& [mine, value] : copies) {
    mine->copy_from(value.to(mine->device()));
  }
}

Tensor Module::to_file(const std::string&, const Tensor& value) const {
  return value;
}

Tensor Module::from_file(const std::string&, const Tensor& value) const {
  return value;
}

}  // namespace taxon
