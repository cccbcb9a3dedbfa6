// What `taxon info --kernels` shows: the choice in each table, and why better rows are passed over.
#include <taxon/base/cpu.h>
#include <taxon/base/error.h>
#include <taxon/kernels/conv2d.h>
#include <taxon/kernels/registry.h>

#include "kernels.h"

#include "command.h"

namespace taxon::cli {
namespace {

using kernels::Conv2dArgs;
using kernels::Needs;

std::string_view name_of_type(kernels::Type type) {
  static constexpr std::string_view names[] = {"f32", "f64", "bf16", "u8", "i32", "i64"};
  return names[static_cast<std::size_t>(type)];
}

void line(std::string_view row, const std::string& state) {
  std::string name(row);
  if (name.size() < 48) name.resize(48, ' ');
  print(text("  ", name, " ", state, "\n"));
}

struct Walk {
  bool chosen = false;
};

void show_row(void* context, const kernels::TableRow& row) {
  auto& walk = *static_cast<Walk*>(context);
  const std::string reason = lacks(row.needs);
  if (!reason.empty()) {
    line(row.name, text("declined: ", reason));
  } else if (walk.chosen) {
    line(row.name, "not needed");
  } else if (row.picky) {
    line(row.name, "chosen for the shapes it accepts");
  } else {
    line(row.name, "chosen");
    walk.chosen = true;
  }
}

void show_tables() {
  for (const kernels::Table& table : kernels::all_tables()) {
    print(text(table.op, " ", name_of_type(table.type), "\n"));
    Walk walk;
    table.each(table.type, show_row, &walk);
  }
}

Conv2dArgs convolution(std::int64_t side, std::int64_t in, std::int64_t out, std::int64_t kernel,
                       std::int64_t stride, std::int64_t groups) {
  Conv2dArgs a;
  a.n = 128;
  a.h = a.w = side;
  a.c = in;
  a.k = out;
  a.r = a.s = kernel;
  a.stride_h = a.stride_w = stride;
  a.pad_h = a.pad_w = kernel / 2;
  a.oh = a.ow = (side + 2 * (kernel / 2) - kernel) / stride + 1;
  a.groups = groups;
  return a;
}

// Rows down to the chosen one, with the reasons of those above it.
void explain(kernels::Rows<Conv2dArgs> rows, const Conv2dArgs& args) {
  for (const auto& row : rows) {
    std::string reason = lacks(row.needs);
    if (reason.empty() && row.declines != nullptr) {
      const char* declined = row.declines(args);
      if (declined != nullptr) reason = declined;
    }
    line(row.name, reason.empty() ? "chosen" : text("declined: ", reason));
    if (reason.empty()) return;
  }
}

void show_convolutions() {
  struct Example {
    const char* what;
    Conv2dArgs args;
  };
  const Example examples[] = {
      {"3x3, 64 to 64 channels, 32x32", convolution(32, 64, 64, 3, 1, 1)},
      {"3x3 stride 2, 64 to 128 channels, 32x32", convolution(32, 64, 128, 3, 2, 1)},
      {"1x1 stride 2, 64 to 128 channels, 32x32", convolution(32, 64, 128, 1, 2, 1)},
      {"3x3, 3 to 64 channels, 32x32", convolution(32, 3, 64, 3, 1, 1)},
      {"3x3 of each of 64 channels, 32x32", convolution(32, 64, 64, 3, 1, 64)},
  };
  print("\nf32 convolutions of 128 images:\n");
  for (const Example& e : examples) {
    print(text(e.what, "\n"));
    explain(kernels::conv2d_forward_rows(kernels::Type::f32), e.args);
    explain(kernels::conv2d_backward_data_rows(kernels::Type::f32), e.args);
    explain(kernels::conv2d_backward_weight_rows(kernels::Type::f32), e.args);
  }
}

}  // namespace

std::string lacks(Needs needs) {
  const auto isa = static_cast<Isa>(needs);
  if (isa > detected_isa()) return text("the processor lacks ", name_of(isa));
  if (isa > active_isa()) return text("TAXON_ISA caps at ", name_of(active_isa()));
  return "";
}

void print_kernels() {
  show_tables();
  show_convolutions();
}

}  // namespace taxon::cli
