// Listpack: a sequence of short texts and integers in one block, in the byte format that RDB files
// carry verbatim.
//
// Format (little endian): u32 total bytes, u16 entries (0xFFFF: too many, count them), entries,
// 0xFF. An entry is its encoding and length, its bytes, and its own length once more, written to be
// read backwards. Texts that are canonical integers are stored as integers. Source of the format:
// https://github.com/antirez/listpack, listpack.md.
//
// Positions are byte offsets; kNone (0) means "past either end". Any change invalidates every
// position but the one it returns. Texts passed in must not lie inside the listpack that is
// changed.
//
// A listpack holds less than 4 GiB, which callers ensure (a list gives a huge element a listpack of
// its own). Thread safety: none. Errors: only Validate and FromBytes meet bytes that are not ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/prefetch.h"
#include "engine/store/types/element.h"

namespace kiln {

// One element as the bytes it will be stored as; a needle is encoded once and compared often. Keeps
// a view of its text.
class ListpackEntry {
 public:
  explicit ListpackEntry(std::string_view text);
  explicit ListpackEntry(int64_t integer);

  // Bytes that this entry takes in a listpack.
  size_t bytes() const { return head_bytes_ + payload_.size() + back_bytes_; }

 private:
  friend class Listpack;
  void EncodeInteger(int64_t integer);
  // Whether the entry at `at`, whose first byte is this one's, is this one.
  bool IsAt(const uint8_t* at) const;

  std::string_view payload_;
  uint8_t head_[9];
  uint8_t head_bytes_ = 0;
  uint8_t back_bytes_ = 1;
};

class Listpack {
 public:
  static constexpr uint32_t kNone = 0;
  static constexpr size_t kHeaderBytes = 6;
  static constexpr size_t kEmptyBytes = kHeaderBytes + 1;
  // Past this a value should stop growing its one listpack, whatever its limits say (Redis stops
  // there too).
  static constexpr size_t kSafeBytes = size_t{1} << 30;

  Listpack() = default;
  Listpack(Listpack&& other) noexcept : word_(std::exchange(other.word_, 0)) {}
  Listpack& operator=(Listpack&& other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~Listpack() { Clear(); }

  // True when every byte is as this format demands; for bytes that come from outside.
  static bool Validate(std::string_view bytes);
  // A copy of bytes from outside, rewritten where they are valid but not as we would have written
  // them.
  static std::optional<Listpack> FromBytes(std::string_view bytes);
  Listpack Clone() const;

  bool empty() const { return word_ == 0; }
  size_t size() const;       // O(1) below 65535 entries
  size_t byte_size() const;  // of bytes()
  size_t memory_bytes() const;
  std::string_view bytes() const;  // the whole serialised form, of an empty one too

  uint32_t First() const { return empty() ? kNone : kHeaderBytes; }
  uint32_t Last() const;
  uint32_t Next(uint32_t pos) const;
  uint32_t Prev(uint32_t pos) const;
  // Position of the index-th entry; -1 is the last one. kNone when there is none.
  uint32_t Seek(int64_t index) const;
  Element Get(uint32_t pos) const;
  bool Matches(uint32_t pos, const ListpackEntry& entry) const;

  // The first match at or after `from`; after each entry compared, `skip` entries are passed over
  // (1: keys of pairs).
  uint32_t Find(const ListpackEntry& needle, uint32_t from, uint32_t skip = 0) const;
  uint32_t Find(std::string_view needle, uint32_t skip = 0) const {
    return Find(ListpackEntry(needle), First(), skip);
  }

  // Each returns the position of the new entry. InsertBefore(kNone, ...) appends.
  uint32_t InsertBefore(uint32_t pos, const ListpackEntry& entry);
  uint32_t InsertBefore(uint32_t pos, std::string_view text) {
    return InsertBefore(pos, ListpackEntry(text));
  }
  uint32_t InsertAfter(uint32_t pos, const ListpackEntry& entry) {
    return InsertBefore(Next(pos), entry);
  }
  uint32_t InsertAfter(uint32_t pos, std::string_view text) {
    return InsertAfter(pos, ListpackEntry(text));
  }
  uint32_t PushFront(const ListpackEntry& entry) { return InsertBefore(First(), entry); }
  uint32_t PushFront(std::string_view text) { return PushFront(ListpackEntry(text)); }
  uint32_t PushBack(const ListpackEntry& entry) { return InsertBefore(kNone, entry); }
  uint32_t PushBack(std::string_view text) { return PushBack(ListpackEntry(text)); }
  uint32_t Replace(uint32_t pos, const ListpackEntry& entry);
  uint32_t Replace(uint32_t pos, std::string_view text) {
    return Replace(pos, ListpackEntry(text));
  }

  // Appends many entries for little each. The listpack is whole again when the appender has gone;
  // until then only positions before the appended entries may be looked at.
  class Appender;

  // Overwrites an integer below 128 with another one.
  void ReplaceSmall(uint32_t pos, uint8_t integer);
  // Makes this entry the only one, with room for `room_bytes` in all; what is pushed at the head
  // or at the tail finds its place there at once.
  enum class Grows : uint8_t { kAtHead, kAtTail };
  void Start(const ListpackEntry& entry, size_t room_bytes, Grows grows);
  // Asks for what a push or pop at the head touches, if there were some before.
  void PrefetchHead() const {
    if (gap() == 0) return;
    for (ptrdiff_t line : {-64, 0, 64}) Prefetch(block() + line);
  }
  // Gives memory kept for growth back.
  void Shrink();

  // Erases up to `count` entries; returns the position of the entry that followed them, or kNone.
  uint32_t Erase(uint32_t pos, size_t count = 1);
  // Moves the entries from `pos` on into a new listpack.
  Listpack SplitOff(uint32_t pos);
  void Clear();

 private:
  static constexpr unsigned kGapShift = 48;
  static constexpr size_t kMaxGapBytes = 0xFFFF;

  uint8_t* block() const {
    return reinterpret_cast<uint8_t*>(word_ & ((uint64_t{1} << kGapShift) - 1));
  }
  size_t gap() const { return word_ >> kGapShift; }
  uint8_t* allocation() const { return block() - gap(); }
  void SetBlock(uint8_t* allocation, size_t gap) {
    word_ = reinterpret_cast<uintptr_t>(allocation + gap) | uint64_t{gap} << kGapShift;
  }
  // Moves the start, which must stay within the allocation, and writes the header there: entries
  // come or go before those that stay.
  void MoveStart(ptrdiff_t by, int64_t count_delta);

  bool IsCanonical() const;
  void Resize(uint32_t pos, size_t old_bytes, size_t new_bytes);
  bool MakeRoomAhead(size_t bytes);
  void WidenGap(size_t bytes);
  void CloseGap();
  void MakeRoomBehind(size_t after);
  void GiveBackIfSparse(size_t before, size_t after);
  uint16_t CountAfter(int64_t delta) const;
  void AddToCount(int64_t delta);
  void Write(uint32_t pos, const ListpackEntry& entry);

  // The address of the first byte, and above it how many bytes of the allocation lie unused before
  // that: what is pushed at the head goes there, and what is erased at the head leaves it, so that
  // neither moves the rest. 0 when there is no entry.
  uint64_t word_ = 0;
};

class Listpack::Appender {
 public:
  // What an entry may need beside its text.
  static constexpr size_t kMaxEntryBytes = 10;

  // Makes room for `max_bytes` of entries, and when that takes more memory, for some growth to
  // come.
  Appender(Listpack& listpack, size_t max_bytes);
  Appender(const Appender&) = delete;
  Appender& operator=(const Appender&) = delete;
  ~Appender();

  void Add(const ListpackEntry& entry);
  void Add(int64_t integer);

 private:
  Listpack& listpack_;
  uint8_t* block_ = nullptr;  // stays where it is: there is room
  uint32_t end_;
  int64_t count_ = 0;
};

}  // namespace kiln
