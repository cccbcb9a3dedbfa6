// Reads a disassembly (objdump -d -C --no-show-raw-insn) and counts, in the functions of a list,
// the instructions that move a vector register to or from the stack where that costs time.
//
// Use: spills ISA LIST < disassembly
// A line of LIST: ISA loops|inner|whole MOST REGEX # REASON. The first line whose ISA is this one
// (or *) and whose regular expression is found in a function's name decides: `loops` counts inside
// its loops, `inner` inside loops that hold no other, `whole` everywhere, for what is called once a
// vector or a tile. More than MOST fail, and so does a line that no function matches, since then
// nothing is checked. Only vectors of the ISA's full width count: narrower registers also hold
// pointers and scalars.
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Rule {
  std::string mode;
  int most = 0;
  std::regex name;
  std::string text;
  int functions = 0, worst = 0;
};

struct Instruction {
  std::uint64_t address = 0;
  bool ends = false;                    ///< what follows is not reached: jmp, ret
  std::optional<std::uint64_t> target;  ///< of a jump within the function
  bool spill = false, frame = false;    ///< by %rsp; by %rbp, which may be any pointer
};

struct Function {
  std::string name;
  std::vector<Instruction> code;
  bool has_frame = false;
};

std::vector<Rule> read_rules(const std::string& path, const std::string& isa) {
  std::vector<Rule> rules;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string where, name;
    Rule rule;
    if (!(words >> where) || where[0] == '#' || (where != "*" && where != isa)) continue;
    words >> rule.mode >> rule.most >> name;
    rule.name = std::regex(name);
    rule.text = line;
    rules.push_back(rule);
  }
  return rules;
}

Instruction parse(const std::string& line, std::size_t colon, const std::string& vectors) {
  Instruction out;
  out.address = std::stoull(line.substr(0, colon), nullptr, 16);
  std::istringstream words(line.substr(colon + 1));
  std::string name, operands;
  words >> name >> operands;
  out.ends = name.rfind("jmp", 0) == 0 || name.rfind("ret", 0) == 0;
  if (name[0] == 'j' && operands.find_first_not_of("0123456789abcdef") == std::string::npos) {
    out.target = std::stoull(operands, nullptr, 16);
  }
  const bool vector = line.find(vectors) != std::string::npos;
  out.spill = vector && line.find("(%rsp") != std::string::npos;
  out.frame = vector && line.find("(%rbp") != std::string::npos;
  return out;
}

std::vector<Function> read_code(std::istream& in, const std::string& vectors) {
  std::vector<Function> functions;
  for (std::string line; std::getline(in, line);) {
    if (line.size() > 2 && line.substr(line.size() - 2) == ">:") {
      functions.push_back({line.substr(line.find('<') + 1), {}, false});
    } else if (const std::size_t colon = line.find(":\t");
               colon != std::string::npos && !functions.empty()) {
      functions.back().code.push_back(parse(line, colon, vectors));
      functions.back().has_frame |= line.find("%rsp,%rbp") != std::string::npos;
    }
  }
  return functions;
}

/// Whether control that leaves the instruction comes back to it.
bool in_loop(const Function& f, const std::map<std::uint64_t, std::size_t>& at, std::size_t start) {
  std::vector<bool> seen(f.code.size());
  std::vector<std::size_t> pending{start};
  while (!pending.empty()) {
    const std::size_t i = pending.back();
    pending.pop_back();
    const auto visit = [&](std::size_t next) {
      if (next < f.code.size() && !seen[next]) {
        seen[next] = true;
        pending.push_back(next);
      }
    };
    if (!f.code[i].ends) visit(i + 1);
    if (f.code[i].target) {
      if (const auto found = at.find(*f.code[i].target); found != at.end()) visit(found->second);
    }
  }
  return seen[start];
}

/// Whether a jump backwards encloses the instruction, and no other jump backwards within.
bool in_inner_loop(const Function& f, std::size_t i) {
  const auto back = [&](std::size_t k) {
    return f.code[k].target && *f.code[k].target <= f.code[k].address;
  };
  for (std::size_t end = i; end < f.code.size(); ++end) {
    if (!back(end)) continue;
    if (*f.code[end].target > f.code[i].address) return false;
    for (std::size_t k = i; k-- > 0 && f.code[k].address >= *f.code[end].target;) {
      if (back(k)) return false;
    }
    return true;
  }
  return false;
}

int count(const Function& f, const std::string& mode) {
  std::map<std::uint64_t, std::size_t> at;
  for (std::size_t i = 0; i < f.code.size(); ++i) at[f.code[i].address] = i;
  int spills = 0;
  for (std::size_t i = 0; i < f.code.size(); ++i) {
    if (!f.code[i].spill && !(f.has_frame && f.code[i].frame)) continue;
    if (mode != "whole" && !in_loop(f, at, i)) continue;
    if (mode == "inner" && !in_inner_loop(f, i)) continue;
    ++spills;
  }
  return spills;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string isa = argv[1];
  const std::string vectors = isa == "baseline" ? "%xmm" : isa == "avx2" ? "%ymm" : "%zmm";
  std::vector<Rule> rules = read_rules(argv[2], isa);
  int bad = 0, checked = 0;
  for (const Function& f : read_code(std::cin, vectors)) {
    for (Rule& rule : rules) {
      if (!std::regex_search(f.name, rule.name)) continue;
      const int spills = count(f, rule.mode);
      ++checked;
      ++rule.functions;
      rule.worst = std::max(rule.worst, spills);
      if (spills > rule.most) {
        ++bad;
        std::cout << "FAILED: " << spills << " moves of vectors to or from the stack, at most "
                  << rule.most << " allowed, in " << f.name << "\n";
      }
      break;
    }
  }
  for (const Rule& rule : rules) {
    std::cout << rule.functions << " functions, worst " << rule.worst << ": " << rule.text << "\n";
    if (rule.functions == 0) {
      ++bad;
      std::cout << "FAILED: no function matches this line\n";
    }
  }
  std::cout << checked << " functions checked\n";
  return bad > 0 ? 1 : 0;
}
