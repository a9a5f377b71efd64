// Expiry index: finds keys that are due within milliseconds, for about five bytes a key with a TTL.
//
// A hierarchical timing wheel (Varghese and Lauck, 1987) of 16 ms ticks and six levels of 32 slots.
// An entry is the top 32 bits of a key's table hash, and only a hint: when its slot comes up, the
// owner looks the key up and says when it really is due. So extending a TTL or deleting a key costs
// nothing here, and only shortening one adds an entry. Duplicates meet in a slot, where growing a
// full slot sorts them out; a key can thus never hold more than one live entry a slot. Keys with
// the same 32 bits share entries, which is harmless. Only levels in use take memory.
//
// Thread safety: none; lives under its shard's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/random.h"

namespace kiln {

class ExpiryIndex {
 public:
  static constexpr int64_t kTickMs = 16;
  static constexpr uint64_t kNever = ~uint64_t{0};

  ExpiryIndex() = default;
  ExpiryIndex(const ExpiryIndex&) = delete;
  ExpiryIndex& operator=(const ExpiryIndex&) = delete;
  ~ExpiryIndex();

  // A key with this prefix falls due at `due_ms` (Unix ms).
  void Add(uint32_t prefix, uint64_t due_ms, uint64_t now_ms);

  // Resolve handles the keys of one prefix: removes those due at now, calls Add again for those due
  // later.
  using Resolve = std::function<void(uint32_t prefix)>;
  // Fires what is due, at most *budget entries; true when nothing due is left.
  bool Advance(uint64_t now_ms, size_t* budget, const Resolve& resolve);

  // When Advance has something to do next (Unix ms), or kNever.
  uint64_t NextDueMs() const;

  bool empty() const { return entries_ == 0; }
  size_t entries() const { return entries_; }

  // Some entry's prefix, the soonest or a random one; false when empty.
  bool Soonest(uint32_t* prefix) const;
  bool Sample(Random& random, uint32_t* prefix) const;

 private:
  static constexpr unsigned kSlotBits = 5;
  static constexpr size_t kSlots = size_t{1} << kSlotBits;
  static constexpr size_t kLevels = 6;

  struct Slot {
    uint32_t* prefixes = nullptr;
    uint32_t size = 0;
    uint32_t capacity = 0;
  };

  void Push(size_t level, size_t index, uint32_t prefix);
  // Makes room in a full slot: doubles out, or a larger block.
  void Grow(Slot& slot);
  // Takes a slot's entries out; the caller frees them.
  Slot Detach(size_t level, size_t index);
  // The earliest tick at which a slot comes up, and which slot.
  uint64_t NextTick(size_t* level, size_t* slot) const;

  uint64_t tick_ = 0;  // slots before it have fired
  size_t entries_ = 0;
  uint32_t occupied_[kLevels] = {};
  std::unique_ptr<Slot[]> levels_[kLevels];
};

}  // namespace kiln
