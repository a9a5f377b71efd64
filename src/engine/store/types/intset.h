// Intset: a sorted set of integers in one block, in the byte format that RDB files carry verbatim.
//
// Format (little endian): u32 bytes an integer (2, 4 or 8), u32 count, the integers ascending. All
// integers are as wide as the widest ever added. Lookup is a binary search; adding moves what lies
// behind. Source of the format: the Redis RDB file format, type 11 (SET_INTSET).
//
// Thread safety: none. Errors: only Validate and FromBytes meet bytes that are not ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/prefetch.h"

namespace kiln {

class Intset {
 public:
  static constexpr size_t kHeaderBytes = 8;

  Intset() = default;
  Intset(Intset&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Intset& operator=(Intset&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Intset() { Clear(); }

  // True when the bytes are an intset in ascending order; for bytes that come from outside.
  static bool Validate(std::string_view bytes);
  static std::optional<Intset> FromBytes(std::string_view bytes);
  Intset Clone() const;

  bool empty() const { return block_ == nullptr; }
  size_t size() const { return empty() ? 0 : Word(4); }
  std::string_view bytes() const;  // the whole serialised form, of an empty one too
  size_t memory_bytes() const;

  bool Contains(int64_t value) const;
  bool Add(int64_t value);     // false when present
  bool Remove(int64_t value);  // false when absent
  // The index-th smallest; index < size().
  int64_t At(size_t index) const { return AtWidth(index, Width()); }
  void Clear();
  void PrefetchStart() const { Prefetch(block_); }

 private:
  uint32_t Word(size_t offset) const;
  uint32_t Width() const { return empty() ? 2 : Word(0); }
  int64_t AtWidth(size_t index, uint32_t width) const;
  void SetAt(size_t index, int64_t value);
  size_t LowerBound(int64_t value) const;
  void SetHeader(uint32_t width, size_t count);
  void Reserve(size_t bytes);
  void Widen(uint32_t width);

  uint8_t* block_ = nullptr;  // null when empty
};

}  // namespace kiln
