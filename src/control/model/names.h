// Names and their rules: identifiers, ARNs. Sources: ElastiCache API reference. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kiln {

inline constexpr size_t kMaxClusterIdBytes = 50;
inline constexpr size_t kMaxReplicationGroupIdBytes = 40;
inline constexpr size_t kMaxGroupNameBytes = 255;

std::string LowerCase(std::string_view text);  // ASCII.

// A letter, then letters, digits and single hyphens; none at the end. 1 to `max_bytes`.
bool IsIdentifier(std::string_view text, size_t max_bytes);

struct Arn {
  std::string region;
  std::string account_id;
  std::string type;  // "cluster"
  std::string name;
};

// Empty `problem`: it is well formed and in `arn`. Otherwise AWS's sentence for what is wrong.
std::string ParseArn(std::string_view text, Arn* arn);

// Why a tag may not be set, or empty: key of 1 to 128 characters, not of AWS's own, value to 256.
std::string TagProblem(std::string_view key, std::string_view value);
inline constexpr size_t kMaxTags = 50;

}  // namespace kiln
