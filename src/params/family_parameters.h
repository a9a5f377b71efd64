// The parameters of ElastiCache's parameter groups, one row each, and which families have them.
//
// Names, defaults, ranges and what may be changed are those of ElastiCache's families (user guide,
// "Engine specific parameters"). A row names the directive of kiln-server that it sets. Constant
// data; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

// Bits of FamilyParameter::families, in the order of their versions.
enum Family : uint32_t {
  kMemcached14 = 1 << 0,
  kMemcached15 = 1 << 1,
  kMemcached16 = 1 << 2,
  kRedis26 = 1 << 3,
  kRedis28 = 1 << 4,
  kRedis32 = 1 << 5,
  kRedis40 = 1 << 6,
  kRedis50 = 1 << 7,
  kRedis6x = 1 << 8,
  kRedis7 = 1 << 9,
  kValkey7 = 1 << 10,
  kValkey8 = 1 << 11,
  kValkey9 = 1 << 12,
};

struct FamilyRow {
  Family family;
  std::string_view name;    // "redis7"
  std::string_view engine;  // "redis"
  bool has_cluster_mode;    // Has a default group "default.redis7.cluster.on" as well.
};

std::span<const FamilyRow> AllFamilies();
const FamilyRow* FindFamily(std::string_view name);  // Exact; null when there is none.

enum class Modifiable : uint8_t { kNo, kYes };

struct FamilyParameter {
  std::string_view name;
  uint32_t families;
  std::string_view initial;  // The default; may be empty.
  std::string_view type;     // string, integer, float
  // "a,b,c", "lo-hi", "lo-", "0,20-", "-" (any integer); empty: anything.
  std::string_view allowed;
  Modifiable modifiable;
  bool needs_reboot;  // Otherwise it takes effect at once.
  std::string_view minimum_version;
  // What it sets at kiln-server or kiln-memcached; empty: nothing, the row is there for those who
  // read it. A few are combined (node_parameters.h).
  std::string_view directive;
  std::string_view help;

  bool IsIn(Family family) const { return (families & family) != 0; }
};

// Those of one family, sorted by name. Null-free.
std::vector<const FamilyParameter*> ParametersOf(Family family);
const FamilyParameter* FindFamilyParameter(Family family, std::string_view name);
// The families' own exceptions from a row's default.
std::string_view DefaultOf(Family family, const FamilyParameter& parameter);

// Whether `allowed` and `type` let the value pass.
bool IsAllowedValue(const FamilyParameter& parameter, std::string_view value);

}  // namespace kiln
