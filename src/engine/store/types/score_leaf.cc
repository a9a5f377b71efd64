#include "engine/store/types/score_leaf.h"

#include <cstring>

#include "base/prefetch.h"

namespace kiln {

void ScoreLeaf::Insert(size_t index, ZsetMember* member) {
  std::memmove(slots + index + 1, slots + index, (count - index) * sizeof(*slots));
  slots[index] = SlotOf(member);
  ++count;
  if (count == 1 || !Covers(KeyOf(member->score))) Recode();
}

// The present scores get a quarter of the codes, in the middle: others may come on either side.
void ScoreLeaf::Recode() {
  constexpr int kUsedBits = 14;
  if (count == 0) return;
  for (size_t i = 0; i < count; ++i) Prefetch(member(i));
  uint64_t lowest = KeyOf(member(0)->score);
  uint64_t span = KeyOf(member(count - 1)->score) - lowest;
  int bits = std::bit_width(span);
  shift = static_cast<uint64_t>(std::max(bits - kUsedBits, 0));
  uint64_t unused = (kMaxCode - (span >> shift)) / 2;
  bool begins_at_zero = shift + 16 >= 64 || unused << shift > lowest;
  base = begins_at_zero ? 0 : lowest - (unused << shift);
  for (size_t i = 0; i < count; ++i) slots[i] = SlotOf(member(i));
}

}  // namespace kiln
