// Processes on GPUs of their own: their gradients are summed there. The processes are threads, all
// on the one stand-in for a GPU.
#include "catch.h"

#include <taxon/base/error.h>
#include <taxon/layers/losses.h>
#include <taxon/models/model.h>

#include <cmath>
#include <functional>
#include <thread>

#include "device_group.h"
#include "devices/device_test.h"
#include "gradient_sum.h"
#include "host_backend.h"
#include "meeting.h"

using namespace taxon;
using namespace taxon::test;
using Catch::Contains;

namespace {

/// What the threads share on the host.
struct Room {
  explicit Room(int n) : size(n), meeting(n) {}
  const int size;
  Meeting meeting;
  Tensor total;
  std::string said;
};

/// A group of threads without anything of a device, as MPI is one of processes.
class Threads final : public Group {
 public:
  Threads(Room& room, int rank) : room_(room), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return room_.size; }
  int local_rank() const override { return 0; }
  void sum(Tensor& t) override {
    for (int turn = 0; turn < room_.size; ++turn) {
      if (turn == rank_) room_.total = turn == 0 ? t.clone() : added(room_.total, t);
      room_.meeting.meet();
    }
    t.copy_from(room_.total);
    room_.meeting.meet();
  }
  void start_sum(Tensor&) override { fail<Error>("a sum on the host"); }
  void progress() override {}
  void wait() override {}
  std::string broadcast(const std::string& s) override {
    if (rank_ == 0) room_.said = s;
    room_.meeting.meet();
    std::string out = room_.said;
    room_.meeting.meet();
    return out;
  }

 private:
  static Tensor added(const Tensor& a, const Tensor& b) {
    auto values = a.to_vector<std::int64_t>();
    const auto more = b.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += more[i];
    return Tensor::from(values, a.shape());
  }
  Room& room_;
  const int rank_;
};

void in_threads(int size, const std::function<void(Group&)>& body) {
  const HostCollectives collectives(size);
  Room room(size);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      Threads group(room, rank);
      body(group);
    });
  }
  for (std::thread& t : threads) t.join();
}

constexpr std::int64_t kSamples = 13;

std::shared_ptr<Model> model_on(Device device) {
  ModelSpec spec;
  spec.name = "mlp";
  spec.height = spec.width = 8;
  auto model = build_model(resolve(spec), 7);
  model->to(device);
  return model;
}

// Gradients of the mean loss over all samples from the part [begin, end) of them.
std::vector<float> gradients(Model& model, std::int64_t begin, std::int64_t end, GradientSum* sum) {
  for (Tensor& p : model.parameters()) p.set_grad({});
  const Device device = model.device();
  std::vector<std::int64_t> labels;
  for (std::int64_t i = begin; i < end; ++i) labels.push_back(i * 3 % 10);
  const std::int64_t pixels = 8 * 8 * model.spec().channels;
  const auto all = Tensor::normal({kSamples * pixels}, 0, 1, 5).to_vector<float>();
  const std::vector<float> part(all.begin() + begin * pixels, all.begin() + end * pixels);
  const Tensor x = Tensor::from(part, {end - begin, 8, 8, model.spec().channels}).to(device);
  const Tensor y = Tensor::from(labels, {end - begin}).to(device);
  const double share = static_cast<double>(end - begin) / static_cast<double>(kSamples);
  if (sum != nullptr) sum->begin(model.parameters());
  (CrossEntropy()(model.forward(x), y) * share).backward();
  if (sum != nullptr) sum->finish();
  std::vector<float> out;
  for (const Tensor& p : model.parameters()) {
    const auto g = p.grad().to(cpu).to_vector<float>();
    out.insert(out.end(), g.begin(), g.end());
  }
  return out;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double apart = 0, size = 0;
  if (a.size() != b.size()) return 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    apart += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(apart / size);
}

}  // namespace

TEST_CASE("gradients summed on GPUs are those of one process") {
  const auto alone = gradients(*model_on(gpu()), 0, kSamples, nullptr);
  for (const int size : {2, 3}) {
    std::vector<std::vector<float>> first(static_cast<std::size_t>(size)), second = first;
    std::vector<Device> places(static_cast<std::size_t>(size));
    in_threads(size, [&](Group& host) {
      std::string why;
      const auto group = join_gpus(host, gpu(), why);
      if (group == nullptr) return;
      const auto r = static_cast<std::size_t>(host.rank());
      places[r] = group->place();
      const auto model = model_on(gpu());
      GradientSum sum(*group);
      const std::int64_t begin = kSamples * host.rank() / size,
                         end = kSamples * (host.rank() + 1) / size;
      first[r] = gradients(*model, begin, end, &sum);
      second[r] = gradients(*model, begin, end, &sum);  // buckets are sent on the way
    });
    for (std::size_t r = 0; r < first.size(); ++r) {
      CHECK(places[r] == gpu());
      CHECK(distance(first[r], alone) < 1e-6);
      CHECK(first[r] == first[0]);
      CHECK(second[r] == first[r]);
    }
  }
}

TEST_CASE("tensors are summed where they lie") {
  std::vector<double> on_gpu(2);
  std::vector<std::int64_t> on_host(2);
  std::vector<std::string> wrong(2);
  in_threads(2, [&](Group& host) {
    std::string why;
    const auto group = join_gpus(host, gpu(), why);
    const auto r = static_cast<std::size_t>(host.rank());
    Tensor there = Tensor::full({1}, host.rank() + 1, DType::f32).to(gpu());
    Tensor here = Tensor::full({1}, host.rank() + 5, DType::i64);
    group->sum(there);
    group->sum(here);
    on_gpu[r] = there.to(cpu).item();
    on_host[r] = here.to_vector<std::int64_t>()[0];
    try {
      group->start_sum(here);
    } catch (const DeviceError& e) {
      wrong[r] = e.what();
    }
  });
  CHECK(on_gpu == std::vector<double>{3, 3});
  CHECK(on_host == std::vector<std::int64_t>{11, 11});
  CHECK_THAT(wrong[1], Contains("is not on cuda:0"));
}

TEST_CASE("without NCCL in all processes sums go through the host") {
  std::vector<std::string> why(2);
  std::vector<int> joined(2, 1);
  host_collectives_absence = "libnccl.so.2 not found";
  in_threads(2, [&](Group& host) {
    const auto r = static_cast<std::size_t>(host.rank());
    joined[r] = join_gpus(host, gpu(), why[r]) != nullptr ? 1 : 0;
  });
  host_collectives_absence = nullptr;
  CHECK(joined == std::vector<int>{0, 0});
  CHECK(why[0] == "libnccl.so.2 not found");
}

TEST_CASE("each process of a machine has a GPU of its own") {
  class Second final : public Group {
   public:
    explicit Second(int local) : local_(local) {}
    int rank() const override { return 5; }
    int size() const override { return 8; }
    int local_rank() const override { return local_; }
    void sum(Tensor&) override {}
    void start_sum(Tensor&) override {}
    void progress() override {}
    void wait() override {}
    std::string broadcast(const std::string& s) override { return s; }

   private:
    const int local_;
  };
  CHECK(own_device(Second(0), gpu()) == gpu());
  CHECK_THROWS_WITH(own_device(Second(1), gpu()),
                    Contains("process 5 is number 2 on this machine, which has 1 GPUs"));
}
