#include "engine/store/expiry_index.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/memory.h"

namespace kiln {

ExpiryIndex::~ExpiryIndex() {
  for (auto& level : levels_) {
    for (size_t i = 0; level != nullptr && i < kSlots; ++i) FreeBytes(level[i].prefixes);
  }
}

void ExpiryIndex::Grow(Slot& slot) {
  if (slot.size >= 64) {
    std::sort(slot.prefixes, slot.prefixes + slot.size);
    auto unique = std::unique(slot.prefixes, slot.prefixes + slot.size) - slot.prefixes;
    entries_ -= slot.size - static_cast<size_t>(unique);
    slot.size = static_cast<uint32_t>(unique);
  }
  if (slot.size * 4 < slot.capacity * 3) return;
  size_t wanted = std::max<size_t>(4, slot.capacity + slot.capacity / 4 + 2);
  slot.prefixes = static_cast<uint32_t*>(ReallocateBytes(slot.prefixes, wanted * 4));
  slot.capacity = static_cast<uint32_t>(UsableBytes(slot.prefixes) / 4);
}

void ExpiryIndex::Push(size_t level, size_t index, uint32_t prefix) {
  if (levels_[level] == nullptr) levels_[level] = std::make_unique<Slot[]>(kSlots);
  Slot& slot = levels_[level][index];
  if (slot.size == slot.capacity) Grow(slot);
  slot.prefixes[slot.size++] = prefix;
  occupied_[level] |= 1u << index;
  ++entries_;
}

ExpiryIndex::Slot ExpiryIndex::Detach(size_t level, size_t index) {
  Slot slot = std::exchange(levels_[level][index], Slot{});
  occupied_[level] &= ~(1u << index);
  if (occupied_[level] == 0) levels_[level].reset();
  return slot;
}

void ExpiryIndex::Add(uint32_t prefix, uint64_t due_ms, uint64_t now_ms) {
  if (entries_ == 0) tick_ = now_ms / kTickMs;
  uint64_t due = std::max(due_ms / kTickMs + 1, tick_);
  // The finest level on which the slot lies ahead without a full turn. Past the horizon an entry
  // waits in the furthest slot and is put off again from there.
  size_t level = 0;
  auto slots_ahead = [&] { return (due >> (kSlotBits * level)) - (tick_ >> (kSlotBits * level)); };
  while (level + 1 < kLevels && slots_ahead() >= kSlots) ++level;
  uint64_t ahead = std::min<uint64_t>(slots_ahead(), kSlots - 1);
  size_t index = ((tick_ >> (kSlotBits * level)) + ahead) & (kSlots - 1);
  Push(level, index, prefix);
}

uint64_t ExpiryIndex::NextTick(size_t* level, size_t* slot) const {
  uint64_t best = kNever;
  for (size_t l = 0; l < kLevels; ++l) {
    if (occupied_[l] == 0) continue;
    unsigned shift = static_cast<unsigned>(kSlotBits * l);
    uint64_t now = tick_ >> shift;
    unsigned offset = static_cast<unsigned>(now & (kSlots - 1));
    unsigned ahead =
        static_cast<unsigned>(std::countr_zero(std::rotr(occupied_[l], static_cast<int>(offset))));
    uint64_t start = std::max((now + ahead) << shift, tick_);
    if (start < best) {
      best = start;
      *level = l;
      *slot = (offset + ahead) & (kSlots - 1);
    }
  }
  return best;
}

bool ExpiryIndex::Advance(uint64_t now_ms, size_t* budget, const Resolve& resolve) {
  uint64_t now_tick = now_ms / kTickMs;
  while (entries_ > 0) {
    size_t level = 0;
    size_t index = 0;
    uint64_t next = NextTick(&level, &index);
    if (next > now_tick) {
      tick_ = std::max(tick_, now_tick);
      return true;
    }
    if (*budget == 0) return false;
    tick_ = next;
    // Detached first: resolve may add to any slot, this one included.
    Slot fired = Detach(level, index);
    while (fired.size > 0 && *budget > 0) {
      --*budget;
      --entries_;
      resolve(fired.prefixes[--fired.size]);
    }
    while (fired.size > 0) {  // out of budget: the rest waits in place
      --entries_;
      Push(level, index, fired.prefixes[--fired.size]);
    }
    FreeBytes(fired.prefixes);
  }
  tick_ = std::max(tick_, now_tick);
  return true;
}

uint64_t ExpiryIndex::NextDueMs() const {
  if (entries_ == 0) return kNever;
  size_t level = 0;
  size_t slot = 0;
  return NextTick(&level, &slot) * kTickMs;
}

bool ExpiryIndex::Soonest(uint32_t* prefix) const {
  if (entries_ == 0) return false;
  size_t level = 0;
  size_t slot = 0;
  NextTick(&level, &slot);
  *prefix = levels_[level][slot].prefixes[0];
  return true;
}

bool ExpiryIndex::Sample(Random& random, uint32_t* prefix) const {
  if (entries_ == 0) return false;
  uint64_t rank = random.Below(entries_);
  for (const auto& level : levels_) {
    for (size_t i = 0; level != nullptr && i < kSlots; ++i) {
      const Slot& slot = level[i];
      if (rank < slot.size) {
        *prefix = slot.prefixes[rank];
        return true;
      }
      rank -= slot.size;
    }
  }
  return false;
}

}  // namespace kiln
