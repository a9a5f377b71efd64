// What may stand in a line of CLIENT LIST: names and library names are printable and have no
// blanks.
#pragma once

#include <algorithm>
#include <string_view>

namespace kiln {

inline bool IsClientName(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

inline constexpr std::string_view kBadClientName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

}  // namespace kiln
