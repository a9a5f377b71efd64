#include "control/model/engine_versions.h"

#include <algorithm>
#include <cstdlib>

namespace kiln {
namespace {

// clang-format off
constexpr EngineVersion kVersions[] = {
  {"memcached", "1.4.5",  "memcached1.4"},
  {"memcached", "1.4.14", "memcached1.4"},
  {"memcached", "1.4.24", "memcached1.4"},
  {"memcached", "1.4.33", "memcached1.4"},
  {"memcached", "1.4.34", "memcached1.4"},
  {"memcached", "1.5.10", "memcached1.5"},
  {"memcached", "1.5.16", "memcached1.5"},
  {"memcached", "1.6.6",  "memcached1.6"},
  {"memcached", "1.6.12", "memcached1.6"},
  {"memcached", "1.6.17", "memcached1.6"},
  {"memcached", "1.6.22", "memcached1.6"},
  {"redis",     "4.0.10", "redis4.0"},
  {"redis",     "5.0.6",  "redis5.0"},
  {"redis",     "6.0.5",  "redis6.x"},
  {"redis",     "6.2.6",  "redis6.x"},
  {"redis",     "7.0.7",  "redis7"},
  {"redis",     "7.1.0",  "redis7"},
  {"valkey",    "7.2.6",  "valkey7"},
  {"valkey",    "8.0.1",  "valkey8"},
  {"valkey",    "8.1.0",  "valkey8"},
  {"valkey",    "8.2.0",  "valkey8"},
  {"valkey",    "9.0.0",  "valkey9"},
};
// clang-format on

// The next number of a version, which is shortened by it; -1 at the end.
long NextNumber(std::string_view* version) {
  if (version->empty()) return -1;
  size_t dot = std::min(version->find('.'), version->size());
  long number = std::strtol(std::string(version->substr(0, dot)).c_str(), nullptr, 10);
  version->remove_prefix(std::min(dot + 1, version->size()));
  return number;
}

// "6.x" covers "6.2.6"; "7.1" covers "7.1.0" but not "7.10.0".
bool Covers(std::string_view wanted, std::string_view version) {
  if (wanted.ends_with(".x")) wanted.remove_suffix(2);
  if (!version.starts_with(wanted)) return false;
  return version.size() == wanted.size() || wanted.empty() || version[wanted.size()] == '.';
}

}  // namespace

std::span<const EngineVersion> AllEngineVersions() {
  return kVersions;
}

const EngineVersion* FindEngineVersion(std::string_view engine, std::string_view wanted) {
  const EngineVersion* newest = nullptr;
  for (const EngineVersion& row : kVersions) {
    if (row.engine == engine && Covers(wanted, row.version)) newest = &row;
  }
  return newest;
}

std::string_view ListedVersion(const EngineVersion& row) {
  bool is_whole =
      row.engine == "memcached" || (row.engine == "redis" && CompareVersions(row.version, "6") < 0);
  return is_whole ? row.version : row.version.substr(0, row.version.rfind('.'));
}

int CompareVersions(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    long left = NextNumber(&a);
    long right = NextNumber(&b);
    if (left != right) return left < right ? -1 : 1;
  }
  return 0;
}

std::string_view EngineDescription(std::string_view engine) {
  if (engine == "redis") return "Redis";
  return engine == "valkey" ? "Valkey" : "memcached";
}

}  // namespace kiln
