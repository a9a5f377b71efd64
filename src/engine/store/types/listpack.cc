#include "engine/store/types/listpack.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/memory.h"
#include "base/short_bytes.h"
#include "base/size_class.h"
#include "engine/store/types/listpack_coding.h"

namespace kiln {
namespace {

using namespace listpack;

uint64_t LoadEnd(std::string_view text) {
  return Load<uint64_t>(reinterpret_cast<const uint8_t*>(text.data()) + text.size() - 8);
}

// What has grown tends to grow on; an eighth ahead halves how often it has to move.
size_t RoomAhead(size_t bytes) {
  constexpr size_t kWorthRoomBytes = 256;
  return bytes < kWorthRoomBytes ? 0 : bytes / 8;
}

}  // namespace

ListpackEntry::ListpackEntry(std::string_view text) {
  if (!text.empty() && text.size() < kMaxInt64Chars &&
      (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'))) {
    if (std::optional<int64_t> integer = ParseInt64(text)) {
      EncodeInteger(*integer);
      return;
    }
  }
  size_t size = text.size();
  payload_ = text;
  if (size < 64) {
    head_[0] = kText6 | size;
    head_bytes_ = 1;
  } else if (size < 4096) {
    head_[0] = kText12 | (size >> 8);
    head_[1] = size & 0xFF;
    head_bytes_ = 2;
  } else {
    head_[0] = kText32;
    Store<uint32_t>(head_ + 1, size);
    head_bytes_ = 5;
  }
  back_bytes_ = BackBytes(head_bytes_ + size);
}

ListpackEntry::ListpackEntry(int64_t integer) {
  EncodeInteger(integer);
}

void ListpackEntry::EncodeInteger(int64_t integer) {
  auto fits = [&](int bits) {
    return integer >= -(1LL << (bits - 1)) && integer < 1LL << (bits - 1);
  };
  if (integer >= 0 && integer < 128) {
    head_[0] = integer;
    head_bytes_ = 1;
    return;
  }
  if (fits(13)) {
    head_[0] = kInt13 | ((integer >> 8) & 0x1F);
    head_[1] = integer & 0xFF;
    head_bytes_ = 2;
    return;
  }
  head_[0] = fits(16) ? kInt16 : fits(24) ? kInt24 : fits(32) ? kInt32 : kInt64;
  head_bytes_ = HeadBytes(head_[0]);
  std::memcpy(head_ + 1, &integer, head_bytes_ - 1);
}

Listpack Listpack::Clone() const {
  Listpack copy;
  if (empty()) return copy;
  copy.SetBlock(static_cast<uint8_t*>(AllocateBytes(byte_size())), 0);
  std::memcpy(copy.block(), block(), byte_size());
  return copy;
}

size_t Listpack::size() const {
  if (empty()) return 0;
  uint16_t told = Load<uint16_t>(block() + 4);
  if (told != kUnknownCount) return told;
  size_t count = 0;
  for (uint32_t pos = First(); pos != kNone; pos = Next(pos)) ++count;
  return count;
}

size_t Listpack::byte_size() const {
  return empty() ? kEmptyBytes : Load<uint32_t>(block());
}

size_t Listpack::memory_bytes() const {
  return empty() ? 0 : UsableBytes(allocation());
}

std::string_view Listpack::bytes() const {
  static constexpr char kEmpty[kEmptyBytes] = {kEmptyBytes, 0, 0, 0, 0, 0, static_cast<char>(kEnd)};
  if (empty()) return {kEmpty, kEmptyBytes};
  return {reinterpret_cast<const char*>(block()), byte_size()};
}

uint32_t Listpack::Last() const {
  return empty() ? kNone : Prev(byte_size() - 1);
}

uint32_t Listpack::Next(uint32_t pos) const {
  pos += EntryBytes(block() + pos);
  return block()[pos] == kEnd ? kNone : pos;
}

uint32_t Listpack::Prev(uint32_t pos) const {
  if (pos == kHeaderBytes) return kNone;
  uint64_t front = ReadBack(block() + pos);
  return pos - front - BackBytes(front);
}

uint32_t Listpack::Seek(int64_t index) const {
  if (empty()) return kNone;
  uint16_t told = Load<uint16_t>(block() + 4);
  if (told != kUnknownCount) {
    if (index >= told || index < -int64_t{told}) return kNone;
    if (index >= 0 && index > told / 2) index -= told;
    if (index < 0 && -index > told / 2) index += told;
  }
  uint32_t pos = index < 0 ? Last() : First();
  for (; index > 0 && pos != kNone; --index) pos = Next(pos);
  for (; index < -1 && pos != kNone; ++index) pos = Prev(pos);
  return pos;
}

Element Listpack::Get(uint32_t pos) const {
  return Decode(block() + pos);
}

// An entry's first byte tells how long its head is, so nothing past the entry is read. Every entry
// is encoded in the one way that ListpackEntry encodes it, so equal elements have equal bytes.
bool ListpackEntry::IsAt(const uint8_t* at) const {
  if (head_bytes_ > 1 && std::memcmp(at, head_, head_bytes_) != 0) return false;
  return EqualBytes(reinterpret_cast<const char*>(at) + head_bytes_, payload_);
}

bool Listpack::Matches(uint32_t pos, const ListpackEntry& entry) const {
  return block()[pos] == entry.head_[0] && entry.IsAt(block() + pos);
}

// The walk from head to head is what takes the time: texts of one length that are not it mostly
// differ in their last bytes, and those are compared first.
uint32_t Listpack::Find(const ListpackEntry& needle, uint32_t from, uint32_t skip) const {
  if (from == kNone) return kNone;
  size_t text_bytes = needle.payload_.size();
  bool has_end = text_bytes >= 8 && needle.head_bytes_ == 1;  // then the head tells the length
  size_t end_at = has_end ? text_bytes - 7 : 0;
  uint64_t end = has_end ? LoadEnd(needle.payload_) : 0;
  for (const uint8_t* at = block() + from; *at != kEnd;) {
    if (*at == needle.head_[0] && (end_at == 0 || Load<uint64_t>(at + end_at) == end) &&
        needle.IsAt(at)) {
      return static_cast<uint32_t>(at - block());
    }
    at += EntryBytes(at);
    for (uint32_t step = 0; step < skip && *at != kEnd; ++step) at += EntryBytes(at);
  }
  return kNone;
}

uint32_t Listpack::InsertBefore(uint32_t pos, const ListpackEntry& entry) {
  if (pos == kNone) pos = byte_size() - 1;
  if (pos == kHeaderBytes && !empty() && MakeRoomAhead(entry.bytes())) {
    MoveStart(-static_cast<ptrdiff_t>(entry.bytes()), 1);
  } else {
    Resize(pos, 0, entry.bytes());
    AddToCount(1);
  }
  Write(pos, entry);
  return pos;
}

uint32_t Listpack::Replace(uint32_t pos, const ListpackEntry& entry) {
  size_t old_bytes = EntryBytes(block() + pos);
  if (old_bytes != entry.bytes()) Resize(pos, old_bytes, entry.bytes());
  Write(pos, entry);
  return pos;
}

void Listpack::ReplaceSmall(uint32_t pos, uint8_t integer) {
  KILN_DCHECK(block()[pos] < kText6 && integer < kText6);
  block()[pos] = integer;
}

void Listpack::Start(const ListpackEntry& entry, size_t room_bytes, Grows grows) {
  KILN_DCHECK(empty());
  size_t bytes = kEmptyBytes + entry.bytes();
  size_t room = SizeClassBytes(std::max(bytes, room_bytes));
  auto* allocation = static_cast<uint8_t*>(AllocateBytes(room));
  SetBlock(allocation, grows == Grows::kAtHead ? std::min(room - bytes, kMaxGapBytes) : 0);
  Store<uint32_t>(block(), bytes);
  Store<uint16_t>(block() + 4, 1);
  Write(kHeaderBytes, entry);
  block()[bytes - 1] = kEnd;
}

void Listpack::Shrink() {
  if (empty()) return;
  CloseGap();
  SetBlock(static_cast<uint8_t*>(ReallocateBytes(allocation(), byte_size())), 0);
}

Listpack::Appender::Appender(Listpack& listpack, size_t max_bytes)
    : listpack_(listpack), end_(static_cast<uint32_t>(listpack.byte_size() - 1)) {
  size_t after = end_ + max_bytes + 1;
  KILN_CHECK(after <= UINT32_MAX);
  if (listpack.empty()) {
    listpack.SetBlock(static_cast<uint8_t*>(AllocateBytes(after)), 0);
    Store<uint16_t>(listpack.block() + 4, 0);
  } else if (listpack.gap() + after > UsableBytes(listpack.allocation())) {
    listpack.CloseGap();
    listpack.SetBlock(
        static_cast<uint8_t*>(ReallocateBytes(listpack.allocation(), after + after / 2)), 0);
  }
  block_ = listpack.block();
}

Listpack::Appender::~Appender() {
  listpack_.block()[end_] = kEnd;
  Store<uint32_t>(listpack_.block(), end_ + 1);
  listpack_.AddToCount(count_);
}

void Listpack::Appender::Add(const ListpackEntry& entry) {
  listpack_.Write(end_, entry);
  end_ += static_cast<uint32_t>(entry.bytes());
  ++count_;
}

void Listpack::Appender::Add(int64_t integer) {
  if (integer < 0 || integer >= kText6) return Add(ListpackEntry(integer));
  block_[end_++] = static_cast<uint8_t>(integer);
  block_[end_++] = 1;  // how long that was
  ++count_;
}

uint32_t Listpack::Erase(uint32_t pos, size_t count) {
  uint32_t end = pos;
  size_t erased = 0;
  for (; erased < count && block()[end] != kEnd; ++erased) end += EntryBytes(block() + end);
  bool at_end = block()[end] == kEnd;
  if (at_end && pos == kHeaderBytes) {
    Clear();
    return kNone;
  }
  if (pos == kHeaderBytes && gap() + end - pos <= kMaxGapBytes) {
    size_t before = byte_size();
    MoveStart(end - pos, -static_cast<int64_t>(erased));
    GiveBackIfSparse(before, before - (end - pos));
  } else {
    AddToCount(-static_cast<int64_t>(erased));
    Resize(pos, end - pos, 0);
  }
  return at_end ? kNone : pos;
}

Listpack Listpack::SplitOff(uint32_t pos) {
  Listpack tail;
  if (pos == kHeaderBytes) {
    std::swap(tail.word_, word_);
    return tail;
  }
  size_t count = 0;
  for (uint32_t at = pos; at != kNone; at = Next(at)) ++count;
  size_t bytes = byte_size() - 1 - pos;
  tail.Resize(kHeaderBytes, 0, bytes);
  std::memcpy(tail.block() + kHeaderBytes, block() + pos, bytes);
  tail.AddToCount(static_cast<int64_t>(count));
  Erase(pos, count);
  return tail;
}

void Listpack::Clear() {
  if (empty()) return;
  FreeBytes(allocation());
  word_ = 0;
}

// ---- Room ----

// Replaces `old_bytes` at `pos` by `new_bytes` that the caller then writes.
void Listpack::Resize(uint32_t pos, size_t old_bytes, size_t new_bytes) {
  size_t before = byte_size();
  size_t after = before - old_bytes + new_bytes;
  KILN_CHECK(after <= UINT32_MAX);
  if (empty()) {
    SetBlock(static_cast<uint8_t*>(AllocateBytes(after)), 0);
    Store<uint16_t>(block() + 4, 0);
    block()[kHeaderBytes] = kEnd;
  } else if (gap() + after > SizeClassBytes(gap() + before)) {
    MakeRoomBehind(after);
  }
  uint8_t* at = block() + pos;
  std::memmove(at + new_bytes, at + old_bytes, before - pos - old_bytes);
  Store<uint32_t>(block(), after);
  GiveBackIfSparse(before, after);
}

void Listpack::MakeRoomBehind(size_t after) {
  size_t usable = UsableBytes(allocation());
  if (gap() + after <= usable) return;
  bool is_gap_worth_it = after <= usable && gap() > RoomAhead(after);
  CloseGap();
  if (is_gap_worth_it) return;
  SetBlock(static_cast<uint8_t*>(ReallocateBytes(allocation(), after + RoomAhead(after))), 0);
}

void Listpack::CloseGap() {
  if (gap() == 0) return;
  uint8_t* to = allocation();
  std::memmove(to, block(), byte_size());
  SetBlock(to, 0);
}

// False when that is more than a gap can be.
bool Listpack::MakeRoomAhead(size_t bytes) {
  if (gap() < bytes) WidenGap(bytes);
  return gap() >= bytes;
}

// All that is free, and more when that is little for what has to move, goes before the first byte.
void Listpack::WidenGap(size_t bytes) {
  size_t size = byte_size();
  uint8_t* from = allocation();
  size_t usable = UsableBytes(from);
  uint8_t* to = from;
  if (usable < size + std::max(bytes, RoomAhead(size))) {
    usable = SizeClassBytes(size + bytes + RoomAhead(size + bytes));
    to = static_cast<uint8_t*>(AllocateBytes(usable));
  }
  size_t wide = std::min(usable - size, kMaxGapBytes);
  std::memmove(to + wide, block(), size);
  if (to != from) FreeBytes(from);
  SetBlock(to, wide);
}

// What was written to memory that is not in the cache yet had better not be read at once: the
// header moves in one go.
void Listpack::MoveStart(ptrdiff_t by, int64_t count_delta) {
  size_t bytes = byte_size() - by;
  KILN_CHECK(bytes <= UINT32_MAX);
  uint16_t count = CountAfter(count_delta);
  SetBlock(allocation(), gap() + by);
  Store<uint32_t>(block(), bytes);
  Store<uint16_t>(block() + 4, count);
}

// Looked at when a size class is left: often enough, and rarely.
void Listpack::GiveBackIfSparse(size_t before, size_t after) {
  constexpr size_t kWorthShrinkingBytes = 32;
  if (SizeClassBytes(after) >= SizeClassBytes(before) ||
      UsableBytes(allocation()) <= 2 * after + kWorthShrinkingBytes) {
    return;
  }
  CloseGap();
  SetBlock(static_cast<uint8_t*>(ReallocateBytes(allocation(), after)), 0);
}

uint16_t Listpack::CountAfter(int64_t delta) const {
  int64_t told = Load<uint16_t>(block() + 4);
  return told == kUnknownCount ? told : std::min<int64_t>(told + delta, kUnknownCount);
}

void Listpack::AddToCount(int64_t delta) {
  Store<uint16_t>(block() + 4, CountAfter(delta));
}

void Listpack::Write(uint32_t pos, const ListpackEntry& entry) {
  uint8_t* to = block() + pos;
  size_t text_bytes = entry.payload_.size();
  if (entry.head_bytes_ == 1) [[likely]]
    *to = entry.head_[0];
  else
    std::memcpy(to, entry.head_, entry.head_bytes_);
  to += entry.head_bytes_;
  if (text_bytes > 0) std::memcpy(to, entry.payload_.data(), text_bytes);
  to += text_bytes;
  if (entry.back_bytes_ == 1) [[likely]]
    *to = static_cast<uint8_t>(entry.head_bytes_ + text_bytes);
  else
    WriteBack(to, entry.head_bytes_ + text_bytes, entry.back_bytes_);
}

}  // namespace kiln
