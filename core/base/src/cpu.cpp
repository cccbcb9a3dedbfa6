#include <taxon/base/cpu.h>
#include <taxon/base/error.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace taxon {
namespace {

constexpr std::array<std::string_view, 5> kNames{"baseline", "avx2", "avx512", "avx512bf16", "amx"};

#if defined(__x86_64__)
struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d) == 0) return {};
  return r;
}

// Which register files the operating system saves: XCR0.
unsigned long long xcr0() {
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<unsigned long long>(high) << 32) | low;
}

bool bit(unsigned word, int i) {
  return ((word >> i) & 1u) != 0;
}

// Linux saves the tile registers only of processes that asked for it (arch/x86/xstate).
bool may_use_tiles() {
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

Isa detect() {
  const Registers one = cpuid(1), seven = cpuid(7), seven1 = cpuid(7, 1);
  if (!bit(one.c, 27)) return Isa::baseline;  // OSXSAVE
  const unsigned long long saved = xcr0();
  const bool avx2 = (saved & 0x6) == 0x6 && bit(one.c, 28) && bit(one.c, 12) && bit(one.c, 29) &&
                    bit(seven.b, 5) && bit(seven.b, 8);  // AVX, FMA, F16C, AVX2, BMI2
  if (!avx2) return Isa::baseline;
  const bool avx512 = (saved & 0xe6) == 0xe6 && bit(seven.b, 16) && bit(seven.b, 17) &&
                      bit(seven.b, 30) && bit(seven.b, 31);  // F, DQ, BW, VL
  if (!avx512) return Isa::avx2;
  if (!bit(seven1.a, 5)) return Isa::avx512;
  const bool amx = (saved & 0x60000) == 0x60000 && bit(seven.d, 22) && bit(seven.d, 24);
  return amx && may_use_tiles() ? Isa::amx : Isa::avx512bf16;
}
#else
Isa detect() {
  return Isa::baseline;
}
#endif

void check_available(Isa isa, std::string_view who) {
  if (isa > detected_isa()) {
    fail<OptionError>(who, " asks for ", name_of(isa), ", but this processor has ",
                      name_of(detected_isa()), " at most");
  }
}

Isa from_environment() {
  const char* asked = std::getenv("TAXON_ISA");
  if (asked == nullptr || *asked == '\0') return detected_isa();
  const Isa isa = parse_isa(asked);
  check_available(isa, "TAXON_ISA");
  return isa;
}

std::atomic<int>& active() {
  static std::atomic<int> level{static_cast<int>(from_environment())};
  return level;
}

}  // namespace

std::string_view name_of(Isa isa) {
  return kNames[static_cast<std::size_t>(isa)];
}

Isa detected_isa() {
  static const Isa isa = detect();
  return isa;
}

Isa active_isa() {
  return static_cast<Isa>(active().load(std::memory_order_relaxed));
}

void set_isa(Isa isa) {
  check_available(isa, "set_isa");
  active().store(static_cast<int>(isa), std::memory_order_relaxed);
}

Isa parse_isa(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Isa>(i);
  }
  fail<OptionError>("instruction set '", name,
                    "' is unknown; expected baseline, avx2, avx512, avx512bf16 or amx");
}

std::vector<Isa> available_isas() {
  std::vector<Isa> out;
  for (int i = 0; i <= static_cast<int>(detected_isa()); ++i) out.push_back(static_cast<Isa>(i));
  return out;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const auto colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

}  // namespace taxon
