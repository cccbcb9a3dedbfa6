// Where a tensor lives.
#pragma once

#include <cstdint>
#include <string>

namespace taxon {

enum class DeviceType : std::uint8_t { cpu, cuda };

struct Device {
  DeviceType type = DeviceType::cpu;
  std::int8_t index = 0;
  std::string str() const;                  ///< "cpu", "cuda:0"
  static Device parse(const std::string&);  ///< the inverse; throws OptionError
  friend bool operator==(const Device&, const Device&) = default;
};
inline constexpr Device cpu{};

}  // namespace taxon
