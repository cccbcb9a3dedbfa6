// The group of all processes of an MPI job. Reductions leave the order of their sums to MPI, which
// for the same number of processes is the same in every run.
#include <taxon/base/error.h>
#include <taxon/train/mpi.h>

#include <mpi.h>

#include <cstdlib>
#include <limits>
#include <vector>

#include "started.h"

namespace taxon {
namespace {

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text_of[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text_of, &length);
  fail<Error>(call, " failed: ", std::string(text_of, static_cast<std::size_t>(length)));
}

MPI_Datatype type_of(const Tensor& t) {
  switch (t.dtype()) {
    case DType::f32:
      return MPI_FLOAT;
    case DType::f64:
      return MPI_DOUBLE;
    case DType::i64:
      return MPI_INT64_T;
    default:
      fail<DTypeError>("a sum over processes: ", t, "; expected f32, f64 or i64");
  }
}

int count_of(const Tensor& t) {
  if (t.numel() > std::numeric_limits<int>::max()) {
    fail<ShapeError>("a sum over processes: ", t, " has more elements than MPI counts");
  }
  return static_cast<int>(t.numel());
}

class MpiGroup final : public Group {
 public:
  MpiGroup() {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
    check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
    MPI_Comm machine = MPI_COMM_NULL;
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine),
          "MPI_Comm_split_type");
    check(MPI_Comm_rank(machine, &local_rank_), "MPI_Comm_rank");
    check(MPI_Comm_free(&machine), "MPI_Comm_free");
  }
  ~MpiGroup() override { MPI_Finalize(); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return local_rank_; }

  void sum(Tensor& t) override {
    Tensor here = t.device() == cpu ? t : t.to(cpu);
    check(MPI_Allreduce(MPI_IN_PLACE, here.mutable_raw(), count_of(here), type_of(here), MPI_SUM,
                        MPI_COMM_WORLD),
          "MPI_Allreduce");
    if (!(t.device() == cpu)) t.copy_from(here);
  }

  void start_sum(Tensor& t) override {
    if (!(t.device() == cpu))
      fail<DeviceError>("a sum in the background: ", t, " is not on the cpu");
    running_.push_back(MPI_REQUEST_NULL);
    check(MPI_Iallreduce(MPI_IN_PLACE, t.mutable_raw(), count_of(t), type_of(t), MPI_SUM,
                         MPI_COMM_WORLD, &running_.back()),
          "MPI_Iallreduce");
  }

  // MPI moves data in its calls only.
  void progress() override {
    if (running_.empty()) return;
    int done = 0;
    check(
        MPI_Testall(static_cast<int>(running_.size()), running_.data(), &done, MPI_STATUSES_IGNORE),
        "MPI_Testall");
  }

  void wait() override {
    check(MPI_Waitall(static_cast<int>(running_.size()), running_.data(), MPI_STATUSES_IGNORE),
          "MPI_Waitall");
    running_.clear();
  }

  std::string broadcast(const std::string& s) override {
    std::int64_t size = static_cast<std::int64_t>(s.size());
    check(MPI_Bcast(&size, 1, MPI_INT64_T, 0, MPI_COMM_WORLD), "MPI_Bcast");
    std::string out = first() ? s : std::string(static_cast<std::size_t>(size), '\0');
    check(MPI_Bcast(out.data(), static_cast<int>(size), MPI_CHAR, 0, MPI_COMM_WORLD), "MPI_Bcast");
    return out;
  }

 private:
  int rank_ = 0, size_ = 1, local_rank_ = 0;
  std::vector<MPI_Request> running_;
};

}  // namespace

std::unique_ptr<Group> join_mpi(std::string&) {
  if (!started_by_mpi()) return nullptr;
  return std::make_unique<MpiGroup>();
}

void end_mpi(int code) {
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  if (initialized == 0 || finalized != 0) std::exit(code);
  MPI_Abort(MPI_COMM_WORLD, code);
  std::abort();
}

}  // namespace taxon
