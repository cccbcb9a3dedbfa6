// What this processor can do, as levels of instruction sets, and the cap that TAXON_ISA sets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

/// Each level contains the ones before it.
enum class Isa : std::uint8_t { baseline, avx2, avx512, avx512bf16, amx };

std::string_view name_of(Isa isa);
/// The highest level that processor and operating system support.
Isa detected_isa();
/// The level in force: detected, capped by the environment variable TAXON_ISA (read once).
/// An unknown value there, or a level this machine lacks, throws OptionError on first use.
Isa active_isa();
/// Changes the level in force (tests and benchmarks); throws OptionError above detected_isa().
void set_isa(Isa isa);
Isa parse_isa(std::string_view name);
/// All levels up to detected_isa(), lowest first.
std::vector<Isa> available_isas();
std::string cpu_model();  ///< as the processor names itself

}  // namespace taxon
