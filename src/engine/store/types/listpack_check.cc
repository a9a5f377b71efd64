// Listpacks made of bytes from outside: checked, and rewritten where they are not as ours.

#include <utility>

#include "base/memory.h"
#include "engine/store/types/listpack.h"
#include "engine/store/types/listpack_coding.h"

namespace kiln {
namespace {

using namespace listpack;

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
  listpack.SetBlock(static_cast<uint8_t*>(AllocateBytes(bytes.size())), 0);
  std::memcpy(listpack.block(), bytes.data(), bytes.size());
  if (!listpack.IsCanonical()) {
    Listpack rewritten;
    ElementScratch scratch;
    for (uint32_t pos = listpack.First(); pos != kNone; pos = listpack.Next(pos)) {
      rewritten.PushBack(listpack.Get(pos).ToString(scratch));
    }
    std::swap(listpack.word_, rewritten.word_);
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

}  // namespace kiln
