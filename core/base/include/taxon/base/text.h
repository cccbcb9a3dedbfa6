// Small text helpers shared by parsers and error messages.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace taxon {

/// The candidate nearest to `given` by Damerau-Levenshtein distance if it is near enough to be a
/// slip of the keyboard (distance <= max(1, length/3)), else an empty string.
std::string nearest(std::string_view given, std::span<const std::string> candidates);
/// " (did you mean 'resnet18'?)" or "".
std::string did_you_mean(std::string_view given, std::span<const std::string> candidates);
std::vector<std::string> split(std::string_view s, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string_view trim(std::string_view s);
std::string lower(std::string_view s);
/// Whole-string number parsing; throws FormatError naming `what`, what was found and what was
/// expected.
std::int64_t parse_int(std::string_view s, std::string_view what);
double parse_number(std::string_view s, std::string_view what);
/// The shortest text that reads back as the same number.
std::string shortest(double value);
/// With `digits` decimals.
std::string fixed(double value, int digits);

}  // namespace taxon
