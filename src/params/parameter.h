// A row of the parameter tables: everything Kiln knows about one directive of redis.conf.
//
// CONFIG GET, SET and REWRITE, the configuration file, the command line and the reference page are
// read from these rows. They stand in params/<subject>.cc, sorted by name; names, defaults and
// ranges are those of Redis 7.2. Constant data; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "params/settings.h"

namespace kiln {

// What a value may look like. params/value.h reads each.
enum class ParameterType : uint8_t {
  kBool,            // yes, no
  kInt,             // a decimal number
  kClampedInt,      // the same; one out of range is brought into it
  kBytes,           // a number with an optional unit: b, k, kb, m, mb, g, gb
  kBytesOrPercent,  // the same, or "5%"
  kOctal,
  kEnum,   // one of the words
  kEnums,  // some of the words; the first means none of the others
  kString,
  kFileName,      // without a folder
  kDirectory,     // an existing one
  kAddresses,     // up to 16 words
  kEndpoints,     // up to 16 words "address:port"
  kSavePoints,    // pairs of seconds and changes
  kOutputLimits,  // class, hard limit, soft limit, seconds; again
  kEventClasses,  // letters
  kPercentiles,   // numbers from 0 to 100
  kOomScores,     // three numbers
  kPrimary,       // host and port
};

enum class Apply : uint8_t {
  kNow,    // CONFIG SET changes it.
  kStart,  // Only when the server starts.
};

enum ParameterFlag : uint8_t {
  kHidden = 1,     // CONFIG GET tells it only by its full name.
  kSensitive = 2,  // A secret: masked in the slow log, MONITOR and the like.
  kMultiWord = 4,  // Takes several words on a line.
  kProtected = 8,  // CONFIG SET needs enable-protected-configs.
  kNoEffect = 16,  // Accepted for compatibility; Kiln does not act on it.
};

// The field that holds the value, for those that somebody reads.
using Member =
    std::variant<std::monostate, int64_t Settings::*, bool Settings::*, std::string Settings::*,
                 uint32_t Settings::*, EvictionPolicy Settings::*, LogLevel Settings::*,
                 Permission Settings::*, ChannelDefault Settings::*, SyncPolicy Settings::*,
                 DisklessLoad Settings::*, Durability Settings::*,
                 std::vector<std::string> Settings::*, std::vector<SavePoint> Settings::*,
                 std::vector<double> Settings::*,
                 std::array<OutputLimit, kClientClasses> Settings::*>;

struct Parameter {
  std::string_view name;
  std::string_view alias;  // An older name, or empty.
  ParameterType type;
  std::string_view initial;  // The default, as CONFIG GET prints it.
  // Numbers: "lowest..highest", where int, uint and long stand for the largest of these C types.
  // Enums: the words, in the order of the enumerators. File names: what to call it, and whether it
  // may be empty.
  std::string_view allowed;
  Apply apply;
  uint8_t flags;  // Of ParameterFlag.
  Member member;
  std::string_view help;

  bool Has(ParameterFlag flag) const { return (flags & flag) != 0; }
};

// Every row, sorted by name.
std::span<const Parameter* const> AllParameters();

// By name or alias, in any case; null when there is none.
const Parameter* FindParameter(std::string_view name);

// For the tables' own checks.
constexpr bool IsSorted(std::span<const Parameter> rows) {
  for (size_t i = 1; i < rows.size(); ++i) {
    if (!(rows[i - 1].name < rows[i].name)) return false;
  }
  return true;
}

}  // namespace kiln
