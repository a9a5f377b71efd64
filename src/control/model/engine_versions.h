// The engine versions that can be asked for, and the parameter group family of each.
//
// They are labels: every cache runs Kiln's own engine. Constant data; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kiln {

struct EngineVersion {
  std::string_view engine;   // redis, valkey, memcached
  std::string_view version;  // Full: "7.1.0"
  std::string_view family;
};

// By engine, then from old to new.
std::span<const EngineVersion> AllEngineVersions();

// The newest whose version starts with the given numbers: "7", "7.1", "6.x" and "7.1.0" all work;
// empty: the newest. Null when there is none. Engine names are in lower case.
const EngineVersion* FindEngineVersion(std::string_view engine, std::string_view wanted);

// As lists show it and calls name it: "7.1" from Redis 6 and in Valkey, all numbers before.
std::string_view ListedVersion(const EngineVersion& row);

// Below 0, 0 or above, by their numbers.
int CompareVersions(std::string_view a, std::string_view b);

std::string_view EngineDescription(std::string_view engine);  // "Redis"

}  // namespace kiln
