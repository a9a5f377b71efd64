#include "engine/store/types/listpack.h"

#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/memory.h"
#include "base/short_bytes.h"

namespace kiln {
namespace {

static_assert(std::endian::native == std::endian::little,
              "integers are copied as they lie in memory");

constexpr uint8_t kEnd = 0xFF;
constexpr uint16_t kUnknownCount = 0xFFFF;

// First bytes of entries. A short integer or text keeps the rest of the byte for itself.
constexpr uint8_t kInt13 = 0xC0;
constexpr uint8_t kText6 = 0x80;
constexpr uint8_t kText12 = 0xE0;
constexpr uint8_t kText32 = 0xF0;
constexpr uint8_t kInt16 = 0xF1;
constexpr uint8_t kInt24 = 0xF2;
constexpr uint8_t kInt32 = 0xF3;
constexpr uint8_t kInt64 = 0xF4;

template <typename T>
T Load(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <typename T>
void Store(uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof(value));
}

uint64_t LoadEnd(std::string_view text) {
  return Load<uint64_t>(reinterpret_cast<const uint8_t*>(text.data()) + text.size() - 8);
}

// Bytes of the back length. That 2^14-1 and its like take one byte more than they need is part of
// the format.
uint32_t BackBytes(uint64_t entry_bytes) {
  if (entry_bytes <= 127) return 1;
  if (entry_bytes < (1u << 14) - 1) return 2;
  if (entry_bytes < (1u << 21) - 1) return 3;
  if (entry_bytes < (1u << 28) - 1) return 4;
  return 5;
}

// Bytes that tell the encoding and length, or 0 for a byte that starts no entry.
uint32_t HeadBytes(uint8_t first) {
  if (first < kInt13) return 1;
  if (first < kText32) return 2;
  switch (first) {
    case kText32:
      return 5;
    case kInt16:
      return 3;
    case kInt24:
      return 4;
    case kInt32:
      return 5;
    case kInt64:
      return 9;
    default:
      return 0;
  }
}

// Bytes of the text behind the head; integers lie in the head.
uint64_t TextBytes(const uint8_t* entry) {
  uint8_t first = entry[0];
  if ((first & 0xC0) == kText6) return first & 0x3F;
  if ((first & 0xF0) == kText12) return (first & 0x0F) << 8 | entry[1];
  if (first == kText32) return Load<uint32_t>(entry + 1);
  return 0;
}

// Bytes of an entry up to its back length.
uint64_t FrontBytes(const uint8_t* entry) {
  return HeadBytes(entry[0]) + TextBytes(entry);
}

// Short integers and texts, which most entries are, come first.
inline uint64_t EntryBytes(const uint8_t* entry) {
  uint8_t first = entry[0];
  if (first < kText6) return 2;
  if (first < kInt13) return 2 + (first & 0x3F);
  uint64_t front = FrontBytes(entry);
  return front + BackBytes(front);
}

// Writes seven bits a byte, the lowest last; all but the first byte are marked so that a reader
// going left goes on.
void WriteBack(uint8_t* to, uint64_t entry_bytes, uint32_t back_bytes) {
  for (uint32_t i = back_bytes; i-- > 0; entry_bytes >>= 7) {
    to[i] = (entry_bytes & 0x7F) | (i > 0 ? 0x80 : 0);
  }
}

// Reads the back length whose last byte lies just before `end`.
uint64_t ReadBack(const uint8_t* end) {
  uint64_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    uint8_t byte = *--end;
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

int64_t DecodeInteger(const uint8_t* entry) {
  uint8_t first = entry[0];
  if (first < kText6) return first;
  if ((first & 0xE0) == kInt13) {
    int64_t value = (first & 0x1F) << 8 | entry[1];
    return value < 4096 ? value : value - 8192;
  }
  switch (first) {
    case kInt16:
      return Load<int16_t>(entry + 1);
    case kInt24:
      return static_cast<int32_t>(Load<uint16_t>(entry + 1) << 8 | uint32_t{entry[3]} << 24) >> 8;
    case kInt32:
      return Load<int32_t>(entry + 1);
    default:
      return Load<int64_t>(entry + 1);
  }
}

bool IsText(uint8_t first) {
  return (first & 0xC0) == kText6 || (first & 0xF0) == kText12 || first == kText32;
}

Element Decode(const uint8_t* entry) {
  Element element;
  if (IsText(entry[0])) {
    const char* text = reinterpret_cast<const char*>(entry) + HeadBytes(entry[0]);
    element.text = {text, TextBytes(entry)};
  } else {
    element.is_int = true;
    element.integer = DecodeInteger(entry);
  }
  return element;
}

// Bytes of the entry at the front of `room`, or 0 when it is broken or does not fit.
uint64_t CheckedEntryBytes(const uint8_t* entry, size_t room) {
  if (room == 0) return 0;
  uint32_t head = HeadBytes(entry[0]);
  if (head == 0 || head > room) return 0;
  uint64_t front = head + TextBytes(entry);
  uint64_t back = BackBytes(front);
  if (front + back > room) return 0;
  uint8_t expected[5];
  WriteBack(expected, front, back);
  return std::memcmp(entry + front, expected, back) == 0 ? front + back : 0;
}

const uint8_t* Bytes(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
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

bool Listpack::Validate(std::string_view bytes) {
  if (bytes.size() < kEmptyBytes) return false;
  const uint8_t* block = Bytes(bytes);
  if (Load<uint32_t>(block) != bytes.size() || block[bytes.size() - 1] != kEnd) return false;
  size_t count = 0;
  size_t end = bytes.size() - 1;
  for (size_t pos = kHeaderBytes; pos < end; ++count) {
    uint64_t entry = CheckedEntryBytes(block + pos, end - pos);
    if (entry == 0) return false;
    pos += entry;
  }
  uint16_t told = Load<uint16_t>(block + 4);
  return told == kUnknownCount || told == count;
}

std::optional<Listpack> Listpack::FromBytes(std::string_view bytes) {
  if (!Validate(bytes)) return std::nullopt;
  Listpack listpack;
  if (bytes.size() == kEmptyBytes) return listpack;
  listpack.block_ = static_cast<uint8_t*>(AllocateBytes(bytes.size()));
  std::memcpy(listpack.block_, bytes.data(), bytes.size());
  if (!listpack.IsCanonical()) {
    Listpack rewritten;
    ElementScratch scratch;
    for (uint32_t pos = listpack.First(); pos != kNone; pos = listpack.Next(pos)) {
      rewritten.PushBack(listpack.Get(pos).ToString(scratch));
    }
    std::swap(listpack.block_, rewritten.block_);
  }
  return listpack;
}

// True when every entry is encoded as ListpackEntry encodes it.
bool Listpack::IsCanonical() const {
  ElementScratch scratch;
  for (uint32_t pos = First(); pos != kNone; pos = Next(pos)) {
    if (!Matches(pos, ListpackEntry(Get(pos).ToString(scratch)))) return false;
  }
  return true;
}

Listpack Listpack::Clone() const {
  Listpack copy;
  if (empty()) return copy;
  copy.block_ = static_cast<uint8_t*>(AllocateBytes(byte_size()));
  std::memcpy(copy.block_, block_, byte_size());
  return copy;
}

size_t Listpack::size() const {
  if (empty()) return 0;
  uint16_t told = Load<uint16_t>(block_ + 4);
  if (told != kUnknownCount) return told;
  size_t count = 0;
  for (uint32_t pos = First(); pos != kNone; pos = Next(pos)) ++count;
  return count;
}

size_t Listpack::byte_size() const {
  return empty() ? kEmptyBytes : Load<uint32_t>(block_);
}

size_t Listpack::memory_bytes() const {
  return empty() ? 0 : UsableBytes(block_);
}

std::string_view Listpack::bytes() const {
  static constexpr char kEmpty[kEmptyBytes] = {kEmptyBytes, 0, 0, 0, 0, 0, static_cast<char>(kEnd)};
  if (empty()) return {kEmpty, kEmptyBytes};
  return {reinterpret_cast<const char*>(block_), byte_size()};
}

uint32_t Listpack::Last() const {
  return empty() ? kNone : Prev(byte_size() - 1);
}

uint32_t Listpack::Next(uint32_t pos) const {
  pos += EntryBytes(block_ + pos);
  return block_[pos] == kEnd ? kNone : pos;
}

uint32_t Listpack::Prev(uint32_t pos) const {
  if (pos == kHeaderBytes) return kNone;
  uint64_t front = ReadBack(block_ + pos);
  return pos - front - BackBytes(front);
}

uint32_t Listpack::Seek(int64_t index) const {
  if (empty()) return kNone;
  uint16_t told = Load<uint16_t>(block_ + 4);
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
  return Decode(block_ + pos);
}

// An entry's first byte tells how long its head is, so nothing past the entry is read. Every entry
// is encoded in the one way that ListpackEntry encodes it, so equal elements have equal bytes.
bool ListpackEntry::IsAt(const uint8_t* at) const {
  if (head_bytes_ > 1 && std::memcmp(at, head_, head_bytes_) != 0) return false;
  return EqualBytes(reinterpret_cast<const char*>(at) + head_bytes_, payload_);
}

bool Listpack::Matches(uint32_t pos, const ListpackEntry& entry) const {
  return block_[pos] == entry.head_[0] && entry.IsAt(block_ + pos);
}

// The walk from head to head is what takes the time: texts of one length that are not it mostly
// differ in their last bytes, and those are compared first.
uint32_t Listpack::Find(const ListpackEntry& needle, uint32_t from, uint32_t skip) const {
  if (from == kNone) return kNone;
  size_t text_bytes = needle.payload_.size();
  bool has_end = text_bytes >= 8 && needle.head_bytes_ == 1;  // then the head tells the length
  size_t end_at = has_end ? text_bytes - 7 : 0;
  uint64_t end = has_end ? LoadEnd(needle.payload_) : 0;
  for (const uint8_t* at = block_ + from; *at != kEnd;) {
    if (*at == needle.head_[0] && (end_at == 0 || Load<uint64_t>(at + end_at) == end) &&
        needle.IsAt(at)) {
      return static_cast<uint32_t>(at - block_);
    }
    at += EntryBytes(at);
    for (uint32_t step = 0; step < skip && *at != kEnd; ++step) at += EntryBytes(at);
  }
  return kNone;
}

uint32_t Listpack::InsertBefore(uint32_t pos, const ListpackEntry& entry) {
  if (pos == kNone) pos = byte_size() - 1;
  Resize(pos, 0, entry.bytes());
  AddToCount(1);
  Write(pos, entry);
  return pos;
}

uint32_t Listpack::Replace(uint32_t pos, const ListpackEntry& entry) {
  size_t old_bytes = EntryBytes(block_ + pos);
  if (old_bytes != entry.bytes()) Resize(pos, old_bytes, entry.bytes());
  Write(pos, entry);
  return pos;
}

void Listpack::ReplaceSmall(uint32_t pos, uint8_t integer) {
  KILN_DCHECK(block_[pos] < kText6 && integer < kText6);
  block_[pos] = integer;
}

void Listpack::Shrink() {
  if (!empty()) block_ = static_cast<uint8_t*>(ReallocateBytes(block_, byte_size()));
}

Listpack::Appender::Appender(Listpack& listpack, size_t max_bytes)
    : listpack_(listpack), end_(static_cast<uint32_t>(listpack.byte_size() - 1)) {
  size_t after = end_ + max_bytes + 1;
  KILN_CHECK(after <= UINT32_MAX);
  if (listpack.empty()) {
    listpack.block_ = static_cast<uint8_t*>(AllocateBytes(after));
    Store<uint16_t>(listpack.block_ + 4, 0);
  } else if (after > UsableBytes(listpack.block_)) {
    listpack.block_ = static_cast<uint8_t*>(ReallocateBytes(listpack.block_, after + after / 2));
  }
}

Listpack::Appender::~Appender() {
  listpack_.block_[end_] = kEnd;
  Store<uint32_t>(listpack_.block_, end_ + 1);
  listpack_.AddToCount(count_);
}

void Listpack::Appender::Add(const ListpackEntry& entry) {
  listpack_.Write(end_, entry);
  end_ += static_cast<uint32_t>(entry.bytes());
  ++count_;
}

void Listpack::Appender::Add(int64_t integer) {
  if (integer < 0 || integer >= kText6) return Add(ListpackEntry(integer));
  listpack_.block_[end_++] = static_cast<uint8_t>(integer);
  listpack_.block_[end_++] = 1;  // how long that was
  ++count_;
}

uint32_t Listpack::Erase(uint32_t pos, size_t count) {
  uint32_t end = pos;
  size_t erased = 0;
  for (; erased < count && block_[end] != kEnd; ++erased) end += EntryBytes(block_ + end);
  bool at_end = block_[end] == kEnd;
  if (at_end && pos == kHeaderBytes) {
    Clear();
    return kNone;
  }
  AddToCount(-static_cast<int64_t>(erased));
  Resize(pos, end - pos, 0);
  return at_end ? kNone : pos;
}

Listpack Listpack::SplitOff(uint32_t pos) {
  Listpack tail;
  if (pos == kHeaderBytes) {
    std::swap(tail.block_, block_);
    return tail;
  }
  size_t count = 0;
  for (uint32_t at = pos; at != kNone; at = Next(at)) ++count;
  size_t bytes = byte_size() - 1 - pos;
  tail.Resize(kHeaderBytes, 0, bytes);
  std::memcpy(tail.block_ + kHeaderBytes, block_ + pos, bytes);
  tail.AddToCount(static_cast<int64_t>(count));
  Erase(pos, count);
  return tail;
}

void Listpack::Clear() {
  FreeBytes(block_);
  block_ = nullptr;
}

// Replaces `old_bytes` at `pos` by `new_bytes` that the caller then writes.
void Listpack::Resize(uint32_t pos, size_t old_bytes, size_t new_bytes) {
  size_t before = byte_size();
  size_t after = before - old_bytes + new_bytes;
  KILN_CHECK(after <= UINT32_MAX);
  if (empty()) {
    block_ = static_cast<uint8_t*>(AllocateBytes(after));
    Store<uint16_t>(block_ + 4, 0);
    block_[kHeaderBytes] = kEnd;
  } else if (after > before && after > UsableBytes(block_)) {
    block_ = static_cast<uint8_t*>(ReallocateBytes(block_, after));
  }
  std::memmove(block_ + pos + new_bytes, block_ + pos + old_bytes, before - pos - old_bytes);
  Store<uint32_t>(block_, after);
  constexpr size_t kWorthShrinkingBytes = 32;
  if (after < before && UsableBytes(block_) > 2 * after + kWorthShrinkingBytes) {
    block_ = static_cast<uint8_t*>(ReallocateBytes(block_, after));
  }
}

void Listpack::AddToCount(int64_t delta) {
  uint16_t told = Load<uint16_t>(block_ + 4);
  if (told == kUnknownCount) return;
  Store<uint16_t>(block_ + 4, told + delta < kUnknownCount ? told + delta : kUnknownCount);
}

void Listpack::Write(uint32_t pos, const ListpackEntry& entry) {
  uint8_t* to = block_ + pos;
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
