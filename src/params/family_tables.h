// The tables of family parameters, for family_parameters.cc alone.
#pragma once

#include "params/family_parameters.h"

namespace kiln {

std::span<const FamilyParameter> RedisFamilyParameters();
std::span<const FamilyParameter> MemcachedFamilyParameters();

// For the tables' own checks.
constexpr bool IsSorted(std::span<const FamilyParameter> rows) {
  for (size_t i = 1; i < rows.size(); ++i) {
    if (!(rows[i - 1].name < rows[i].name)) return false;
  }
  return true;
}

}  // namespace kiln
