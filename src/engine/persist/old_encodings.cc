#include "engine/persist/old_encodings.h"

#include <cstdint>
#include <cstring>

namespace kiln {
namespace {

// A reader that stops at the first wrong thing.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  bool is_broken() const { return is_broken_; }
  size_t left() const { return rest_.size(); }

  std::string_view Take(uint64_t count) {
    if (count > rest_.size()) {
      is_broken_ = true;
      rest_ = {};
      return {};
    }
    std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  uint64_t Little(size_t count) {
    uint64_t number = 0;
    std::string_view taken = Take(count);
    for (size_t i = taken.size(); i > 0; --i)
      number = number << 8 | static_cast<uint8_t>(taken[i - 1]);
    return number;
  }
  uint64_t Big(size_t count) {
    uint64_t number = 0;
    for (char c : Take(count)) number = number << 8 | static_cast<uint8_t>(c);
    return number;
  }
  int64_t Signed(size_t count) {
    auto shift = static_cast<int>(64 - 8 * count);
    return static_cast<int64_t>(Little(count) << shift) >> shift;
  }
  void Break() { is_broken_ = true; }

 private:
  std::string_view rest_;
  bool is_broken_ = false;
};

// ---- Ziplist: total bytes (4), offset of the last entry (4), entries (2), entries, 0xFF ----
// An entry: length of the one before (1 byte, or 0xFE and 4), encoding, bytes.

constexpr uint8_t kEnd = 0xFF;
constexpr size_t kZiplistHeaderBytes = 10;
constexpr uint64_t kManyEntries = 0xFFFF;  // More than fit into the count.

Element ZiplistElement(Bytes& in) {
  auto head = static_cast<uint8_t>(in.Little(1));
  switch (head >> 6) {
    case 0:
      return {.text = in.Take(head & 63)};
    case 1:
      return {.text = in.Take(static_cast<uint64_t>(head & 63) << 8 | in.Big(1))};
    case 2:
      if (head != 0x80) in.Break();
      return {.text = in.Take(in.Big(4))};
    default:
      break;
  }
  auto integer = [](int64_t value) { return Element{.integer = value, .is_int = true}; };
  switch (head) {
    case 0xC0:
      return integer(in.Signed(2));
    case 0xD0:
      return integer(in.Signed(4));
    case 0xE0:
      return integer(in.Signed(8));
    case 0xF0:
      return integer(in.Signed(3));
    case 0xFE:
      return integer(in.Signed(1));
    default:
      if (head < 0xF1 || head > 0xFD) in.Break();
      return integer((head & 15) - 1);
  }
}

bool WalkZiplist(std::string_view bytes, const ElementVisitor* visit) {
  Bytes in(bytes);
  uint64_t total = in.Little(4);
  uint64_t last_offset = in.Little(4);
  uint64_t entries = in.Little(2);
  if (in.is_broken() || total != bytes.size() || static_cast<uint8_t>(bytes.back()) != kEnd)
    return false;
  uint64_t found = 0;
  size_t before = 0, start = kZiplistHeaderBytes;
  while (in.left() > 1 && !in.is_broken()) {
    size_t at = bytes.size() - in.left();
    uint64_t told = in.Little(1);
    if (told == 0xFE) told = in.Little(4);
    Element element = ZiplistElement(in);
    if (in.is_broken() || in.left() == 0 || told != before) return false;
    if (visit != nullptr) (*visit)(element);
    before = bytes.size() - in.left() - at;
    start = at;
    ++found;
  }
  bool is_counted = entries == found || (entries == kManyEntries && found >= kManyEntries);
  return !in.is_broken() && is_counted && last_offset == start;
}

// ---- Zipmap: count (1), then length, field, length, free bytes (1), value, free; 0xFF ----

uint64_t ZipmapLength(Bytes& in) {
  uint64_t first = in.Little(1);
  if (first == 255) in.Break();
  return first == 254 ? in.Little(4) : first;
}

bool WalkZipmap(std::string_view bytes, const ElementVisitor* visit) {
  Bytes in(bytes);
  in.Take(1);  // The count; 254 and more mean that it has to be counted.
  while (in.left() > 1 && !in.is_broken()) {
    std::string_view field = in.Take(ZipmapLength(in));
    uint64_t value_bytes = ZipmapLength(in);
    uint64_t free_bytes = in.Little(1);
    std::string_view value = in.Take(value_bytes);
    in.Take(free_bytes);
    if (in.is_broken() || in.left() == 0) return false;
    if (visit == nullptr) continue;
    (*visit)({.text = field});
    (*visit)({.text = value});
  }
  return !in.is_broken() && in.left() == 1 && static_cast<uint8_t>(bytes.back()) == kEnd;
}

}  // namespace

bool ReadZiplist(std::string_view bytes, const ElementVisitor& visit) {
  return WalkZiplist(bytes, nullptr) && WalkZiplist(bytes, &visit);
}

bool ReadZipmap(std::string_view bytes, const ElementVisitor& visit) {
  return WalkZipmap(bytes, nullptr) && WalkZipmap(bytes, &visit);
}

}  // namespace kiln
