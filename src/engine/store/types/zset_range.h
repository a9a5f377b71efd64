// Which part of a sorted set is meant: by score, by bytes, or by rank. Plain values; the texts of a
// LexRange are views that the caller keeps alive.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace kiln {

enum class Order : uint8_t { kAscending, kDescending };

struct ScoreRange {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_exclusive = false;
  bool max_exclusive = false;

  bool IsBelow(double score) const { return min_exclusive ? score <= min : score < min; }
  bool IsUpTo(double score) const { return max_exclusive ? score < max : score <= max; }
};

// One end of a LexRange: "-", "+", "[text" or "(text".
struct LexBound {
  enum class Kind : uint8_t { kLowest, kHighest, kInclusive, kExclusive };
  Kind kind = Kind::kLowest;
  std::string_view text;

  // True when `member` lies below this bound, or at it where `or_at` holds.
  bool IsAbove(std::string_view member, bool or_at) const {
    if (kind == Kind::kLowest || kind == Kind::kHighest) return kind == Kind::kHighest;
    return or_at ? member <= text : member < text;
  }
};

// Meant for sets whose members all have the same score; otherwise what it selects is not defined.
struct LexRange {
  LexBound min{LexBound::Kind::kLowest, {}};
  LexBound max{LexBound::Kind::kHighest, {}};

  bool IsBelow(std::string_view member) const {
    return min.IsAbove(member, min.kind == LexBound::Kind::kExclusive);
  }
  bool IsUpTo(std::string_view member) const {
    return max.IsAbove(member, max.kind == LexBound::Kind::kInclusive);
  }
};

// `count` members from rank `first` on; ranks are ascending from 0.
struct RankRange {
  size_t first = 0;
  size_t count = 0;

  // What LIMIT offset limit leaves of it, counted from the end that `order` starts at.
  RankRange Slice(size_t offset, size_t limit, Order order = Order::kAscending) const {
    if (offset >= count) return {first, 0};
    size_t left = std::min(limit, count - offset);
    return {order == Order::kAscending ? first + offset : first + count - offset - left, left};
  }
};

}  // namespace kiln
