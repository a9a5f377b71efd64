// The classes of keyspace events (notify-keyspace-events), one bit each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kiln {

enum EventClass : uint32_t {
  kEventKeyspace = 1 << 0,   // K: published on __keyspace@<db>__
  kEventKeyevent = 1 << 1,   // E: published on __keyevent@<db>__
  kEventGeneric = 1 << 2,    // g: DEL, EXPIRE, RENAME ...
  kEventString = 1 << 3,     // $
  kEventList = 1 << 4,       // l
  kEventSet = 1 << 5,        // s
  kEventHash = 1 << 6,       // h
  kEventSortedSet = 1 << 7,  // z
  kEventExpired = 1 << 8,    // x
  kEventEvicted = 1 << 9,    // e
  kEventStream = 1 << 10,    // t
  kEventKeyMiss = 1 << 11,   // m: not part of A
  kEventModule = 1 << 12,    // d
  kEventNew = 1 << 13,       // n: not part of A
};

// A: everything but key misses and new keys.
inline constexpr uint32_t kEventAll = kEventGeneric | kEventString | kEventList | kEventSet |
                                      kEventHash | kEventSortedSet | kEventExpired | kEventEvicted |
                                      kEventStream | kEventModule;

// The bits of letters like "KEA"; nothing when a letter is unknown.
std::optional<uint32_t> ParseEventClasses(std::string_view letters);

// The letters of the bits in the order of CONFIG GET.
std::string FormatEventClasses(uint32_t classes);

}  // namespace kiln
