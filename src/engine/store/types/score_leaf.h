// A leaf of the score tree: members in order, eight bytes each.
//
// A slot is a member's address with 16 bits that tell where its score lies between the leaf's
// lowest and highest: a number that grows with the score, so that a search looks at members only
// where these bits are the same. Which scores get which bits is chosen anew when a score falls
// outside, and when entries came from another leaf. Rejected: the score itself beside the address.
// It doubles the leaves, and the member, which has it too, is looked at anyway by whoever reads.
//
// Bits of a double, those of a negative one turned round, compare as the numbers do (-0 counts as
// 0). Thread rules: those of the owning set.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/store/types/zset_member.h"

namespace kiln {

struct ScoreEntry {
  double score;
  ZsetMember* member;
};

// Whether the entry comes before one of this score and name.
inline bool IsBefore(const ScoreEntry& entry, double score, std::string_view name) {
  if (entry.score != score) return entry.score < score;
  return entry.member->name() < name;
}

struct ScoreNode {
  size_t count;
};

struct ScoreLeaf : ScoreNode {
  static constexpr size_t kEntries = 123;

  ScoreLeaf* previous;
  ScoreLeaf* next;
  uint64_t base;   // scores up to this have code 0
  uint64_t shift;  // how many of a score's low bits a code leaves out
  uint64_t slots[kEntries];

  ZsetMember* member(size_t index) const {
    return reinterpret_cast<ZsetMember*>(slots[index] & kAddressMask);
  }
  ScoreEntry entry(size_t index) const {
    ZsetMember* found = member(index);
    return {found->score, found};
  }

  // How many entries come before this one.
  size_t PlaceOf(double score, std::string_view name) const {
    return CountBefore(score,
                       [&](const ScoreEntry& entry) { return IsBefore(entry, score, name); });
  }
  // How many have a lower score, or, with `or_at`, no higher one.
  size_t CountBelow(double score, bool or_at) const {
    return CountBefore(score, [&](const ScoreEntry& entry) {
      return entry.score < score || (or_at && entry.score == score);
    });
  }
  // For how many leading entries before(entry) holds.
  template <class Before>
  size_t CountWhile(Before&& before) const {
    return CountWhile(0, count, before);
  }

  // The leaf must have room.
  void Insert(size_t index, ZsetMember* member);
  // Gives all entries codes that fit their scores; to be called when some came from elsewhere.
  void Recode();

 private:
  static constexpr unsigned kAddressBits = 48;
  static constexpr uint64_t kAddressMask = (uint64_t{1} << kAddressBits) - 1;
  static constexpr uint64_t kMaxCode = 0xffff;

  // A number that grows with the score.
  static uint64_t KeyOf(double score) {
    auto bits = std::bit_cast<uint64_t>(score + 0.0);
    return bits >> 63 != 0 ? ~bits : bits | uint64_t{1} << 63;
  }
  bool Covers(uint64_t key) const { return key >= base && (key - base) >> shift <= kMaxCode; }
  uint64_t CodeOf(uint64_t key) const {
    return key < base ? 0 : std::min((key - base) >> shift, kMaxCode);
  }
  uint64_t code(size_t index) const { return slots[index] >> kAddressBits; }
  uint64_t SlotOf(ZsetMember* member) const {
    return reinterpret_cast<uintptr_t>(member) | CodeOf(KeyOf(member->score)) << kAddressBits;
  }

  template <class Before>
  size_t CountWhile(size_t first, size_t end, Before&& before) const {
    while (first < end) {
      size_t middle = first + (end - first) / 2;
      before(entry(middle)) ? first = middle + 1 : end = middle;
    }
    return first;
  }
  // `before` must be as what the codes say of this score.
  template <class Before>
  size_t CountBefore(double score, Before&& before) const {
    uint64_t wanted = CodeOf(KeyOf(score));
    const uint64_t* low = std::lower_bound(slots, slots + count, wanted << kAddressBits);
    const uint64_t* high = low;
    while (high < slots + count && *high >> kAddressBits == wanted) ++high;
    return CountWhile(static_cast<size_t>(low - slots), static_cast<size_t>(high - slots), before);
  }
};
static_assert(sizeof(ScoreLeaf) == 1024);

}  // namespace kiln
