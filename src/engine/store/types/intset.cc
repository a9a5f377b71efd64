#include "engine/store/types/intset.h"

#include <bit>
#include <cstring>

#include "base/memory.h"

namespace kiln {
namespace {

static_assert(std::endian::native == std::endian::little,
              "integers are copied as they lie in memory");

template <typename T>
int64_t Load(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

int64_t LoadWidth(const uint8_t* integers, size_t index, uint32_t width) {
  const uint8_t* from = integers + index * width;
  if (width == 2) return Load<int16_t>(from);
  return width == 4 ? Load<int32_t>(from) : Load<int64_t>(from);
}

uint32_t WidthFor(int64_t value) {
  if (value == static_cast<int16_t>(value)) return 2;
  return value == static_cast<int32_t>(value) ? 4 : 8;
}

}  // namespace

bool Intset::Validate(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return false;
  auto* block = reinterpret_cast<const uint8_t*>(bytes.data());
  auto width = static_cast<uint64_t>(Load<uint32_t>(block));
  auto count = static_cast<uint64_t>(Load<uint32_t>(block + 4));
  if (width != 2 && width != 4 && width != 8) return false;
  if (kHeaderBytes + width * count != bytes.size()) return false;
  const uint8_t* integers = block + kHeaderBytes;
  for (size_t i = 1; i < count; ++i) {
    if (LoadWidth(integers, i - 1, width) >= LoadWidth(integers, i, width)) return false;
  }
  return true;
}

std::optional<Intset> Intset::FromBytes(std::string_view bytes) {
  if (!Validate(bytes)) return std::nullopt;
  Intset intset;
  if (bytes.size() == kHeaderBytes) return intset;
  intset.Reserve(bytes.size());
  std::memcpy(intset.block_, bytes.data(), bytes.size());
  return intset;
}

Intset Intset::Clone() const {
  Intset copy;
  if (empty()) return copy;
  copy.Reserve(bytes().size());
  std::memcpy(copy.block_, block_, bytes().size());
  return copy;
}

std::string_view Intset::bytes() const {
  static constexpr char kEmpty[kHeaderBytes] = {2, 0, 0, 0, 0, 0, 0, 0};
  if (empty()) return {kEmpty, kHeaderBytes};
  return {reinterpret_cast<const char*>(block_), kHeaderBytes + size() * Width()};
}

size_t Intset::memory_bytes() const {
  return empty() ? 0 : UsableBytes(block_);
}

bool Intset::Contains(int64_t value) const {
  size_t index = LowerBound(value);
  return index < size() && At(index) == value;
}

bool Intset::Add(int64_t value) {
  size_t count = size();
  size_t index = LowerBound(value);
  if (index < count && At(index) == value) return false;
  if (WidthFor(value) > Width()) Widen(WidthFor(value));
  uint32_t width = Width();
  Reserve(kHeaderBytes + (count + 1) * width);
  SetHeader(width, count + 1);
  uint8_t* at = block_ + kHeaderBytes + index * width;
  std::memmove(at + width, at, (count - index) * width);
  SetAt(index, value);
  return true;
}

bool Intset::Remove(int64_t value) {
  size_t count = size();
  size_t index = LowerBound(value);
  if (index == count || At(index) != value) return false;
  if (count == 1) {
    Clear();
    return true;
  }
  uint32_t width = Width();
  uint8_t* at = block_ + kHeaderBytes + index * width;
  std::memmove(at, at + width, (count - index - 1) * width);
  SetHeader(width, count - 1);
  size_t bytes = kHeaderBytes + (count - 1) * width;
  constexpr size_t kWorthShrinkingBytes = 32;
  if (UsableBytes(block_) > 2 * bytes + kWorthShrinkingBytes) {
    block_ = static_cast<uint8_t*>(ReallocateBytes(block_, bytes));
  }
  return true;
}

void Intset::Clear() {
  FreeBytes(block_);
  block_ = nullptr;
}

uint32_t Intset::Word(size_t offset) const {
  return static_cast<uint32_t>(Load<uint32_t>(block_ + offset));
}

int64_t Intset::AtWidth(size_t index, uint32_t width) const {
  return LoadWidth(block_ + kHeaderBytes, index, width);
}

void Intset::SetAt(size_t index, int64_t value) {
  uint32_t width = Width();
  std::memcpy(block_ + kHeaderBytes + index * width, &value, width);
}

// Index of the first integer that is not below the value. Values beyond either end are the common
// case of growing.
size_t Intset::LowerBound(int64_t value) const {
  size_t count = size();
  if (count == 0 || At(count - 1) < value) return count;
  size_t low = 0;
  for (size_t high = count; low < high;) {
    size_t middle = (low + high) / 2;
    if (At(middle) < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void Intset::SetHeader(uint32_t width, size_t count) {
  uint32_t header[2] = {width, static_cast<uint32_t>(count)};
  std::memcpy(block_, header, sizeof(header));
}

void Intset::Reserve(size_t bytes) {
  if (empty() || bytes > UsableBytes(block_)) {
    block_ = static_cast<uint8_t*>(ReallocateBytes(block_, bytes));
  }
}

// Makes every integer `width` bytes wide, the last one first because each moves away from the
// front.
void Intset::Widen(uint32_t width) {
  size_t count = size();
  uint32_t old_width = Width();
  Reserve(kHeaderBytes + count * width);
  SetHeader(width, count);
  for (size_t i = count; i-- > 0;) SetAt(i, AtWidth(i, old_width));
}

}  // namespace kiln
