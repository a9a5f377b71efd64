#include "params/family_parameters.h"

#include <algorithm>

#include "base/number.h"
#include "params/family_tables.h"

namespace kiln {
namespace {

// clang-format off
constexpr FamilyRow kFamilies[] = {
  {kMemcached14, "memcached1.4", "memcached", false},
  {kMemcached15, "memcached1.5", "memcached", false},
  {kMemcached16, "memcached1.6", "memcached", false},
  {kRedis26,     "redis2.6",     "redis",     false},
  {kRedis28,     "redis2.8",     "redis",     false},
  {kRedis32,     "redis3.2",     "redis",     true},
  {kRedis40,     "redis4.0",     "redis",     true},
  {kRedis50,     "redis5.0",     "redis",     true},
  {kRedis6x,     "redis6.x",     "redis",     true},
  {kRedis7,      "redis7",       "redis",     true},
  {kValkey7,     "valkey7",      "valkey",    true},
  {kValkey8,     "valkey8",      "valkey",    true},
  {kValkey9,     "valkey9",      "valkey",    true},
};
// clang-format on

std::span<const FamilyParameter> TableOf(Family family) {
  bool is_memcached = family == kMemcached14 || family == kMemcached15 || family == kMemcached16;
  return is_memcached ? MemcachedFamilyParameters() : RedisFamilyParameters();
}

// "lo-hi", "lo-", "-" or one number; numbers may be negative.
bool IsInRange(std::string_view range, double number) {
  size_t dash = range.find('-', 1);
  if (range == "-") return true;
  if (dash == std::string_view::npos) return ParseDouble(range) == number;
  std::optional<double> low = ParseDouble(range.substr(0, dash));
  std::optional<double> high = ParseDouble(range.substr(dash + 1));
  return low && number >= *low && (!high || number <= *high);
}

}  // namespace

std::span<const FamilyRow> AllFamilies() {
  return kFamilies;
}

const FamilyRow* FindFamily(std::string_view name) {
  for (const FamilyRow& row : kFamilies) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::vector<const FamilyParameter*> ParametersOf(Family family) {
  std::vector<const FamilyParameter*> found;
  for (const FamilyParameter& row : TableOf(family)) {
    if (row.IsIn(family)) found.push_back(&row);
  }
  return found;
}

const FamilyParameter* FindFamilyParameter(Family family, std::string_view name) {
  for (const FamilyParameter& row : TableOf(family)) {
    if (row.IsIn(family) && row.name == name) return &row;
  }
  return nullptr;
}

std::string_view DefaultOf(Family family, const FamilyParameter& parameter) {
  bool is_valkey8 = family == kValkey8 || family == kValkey9;
  if (is_valkey8 && parameter.name == "repl-backlog-size") return "10485760";
  return parameter.initial;
}

bool IsAllowedValue(const FamilyParameter& parameter, std::string_view value) {
  bool is_number = parameter.type != "string";
  std::optional<double> number = is_number ? ParseDouble(value) : std::nullopt;
  if (is_number && !number) return false;
  if (parameter.type == "integer" && !ParseInt64(value)) return false;
  std::string_view rest = parameter.allowed;
  if (rest.empty()) return true;
  while (!rest.empty()) {
    size_t comma = std::min(rest.find(','), rest.size());
    std::string_view choice = rest.substr(0, comma);
    if (is_number ? IsInRange(choice, *number) : choice == value) return true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return false;
}

}  // namespace kiln
