// StreamId: names an entry of a stream and orders the entries: milliseconds, then a number within
// the millisecond.
//
// Pure functions; any thread.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kiln {

struct StreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  auto operator<=>(const StreamId&) const = default;

  bool IsZero() const { return ms == 0 && seq == 0; }
  // The neighbours; none beyond the smallest and the greatest.
  std::optional<StreamId> Next() const {
    if (seq != UINT64_MAX) return StreamId{ms, seq + 1};
    if (ms != UINT64_MAX) return StreamId{ms + 1, 0};
    return std::nullopt;
  }
  std::optional<StreamId> Previous() const {
    if (seq != 0) return StreamId{ms, seq - 1};
    if (ms != 0) return StreamId{ms - 1, UINT64_MAX};
    return std::nullopt;
  }
};

constexpr StreamId kMinStreamId = {};
constexpr StreamId kMaxStreamId = {UINT64_MAX, UINT64_MAX};

// Room that FormatStreamId may need.
constexpr size_t kMaxStreamIdChars = 41;
// Writes "<ms>-<seq>" without a terminator and returns its length.
size_t FormatStreamId(const StreamId& id, char* out);

// "<ms>" (whose number is then `missing_seq`) or "<ms>-<seq>". Numbers are read as Redis reads
// them: what strtoull takes is fine, up to the first zero byte.
std::optional<StreamId> ParseStreamId(std::string_view text, uint64_t missing_seq);

}  // namespace kiln
