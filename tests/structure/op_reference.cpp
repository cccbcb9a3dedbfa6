// Prints docs/ops.md from the table of ops; a test compares the two.
#include <taxon/core/op.h>

#include <cstdio>
#include <string>

int main() {
  std::puts(
      "# Operations\n"
      "\n"
      "Made from the table of ops (`core/src/ops/table.cpp`) by "
      "`build/release/tests/op_reference`;\n"
      "a test compares the two. The functions, with options, shapes and errors, are declared in\n"
      "`taxon/core/ops.h`.\n"
      "\n"
      "| Operation | What it computes | Gradient |\n"
      "| --- | --- | --- |");
  for (const taxon::OpRow& row : taxon::op_table()) {
    std::string summary;
    for (const char c : row.info->summary) {
      if (c == '|') summary += '\\';
      summary += c;
    }
    std::printf("| `%.*s` | %s | %s |\n", static_cast<int>(row.info->name.size()),
                row.info->name.data(), summary.c_str(),
                row.info->gradient == taxon::Gradient::yes ? "yes" : "no");
  }
  return 0;
}
