// A field of a big hash: one allocation of flags (1 byte), field length (varint), field, value
// length (varint), value, and for a field with a time to live its place in the heap of those
// (4 bytes; field_expiry.h).
//
// Fields without a time to live pay nothing for those that have one. The field comes before the
// value's length so that it stays where it is when the value changes. Thread rules: those of the
// owning hash.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/memory.h"
#include "engine/store/types/varint.h"

namespace kiln {

struct HashField {
  static constexpr uint8_t kExpiryFlag = 0x01;
  static constexpr size_t kPlaceBytes = sizeof(uint32_t);

  uint8_t flags;

  std::string_view name() const { return TextAt(start()); }
  std::string_view value() const { return TextAt(EndOf(name())); }
  bool has_expiry() const { return flags & kExpiryFlag; }

  static size_t BytesFor(size_t name_bytes, size_t value_bytes) {
    return sizeof(HashField) + VarintBytes(name_bytes) + name_bytes + VarintBytes(value_bytes) +
           value_bytes;
  }

  // Freed with FreeBytes().
  static HashField* Make(std::string_view name, std::string_view value) {
    return MakeIn(BytesFor(name.size(), value.size()), name, value);
  }
  // The same with room for a place in the heap, which is to be set next.
  static HashField* MakeWithPlace(std::string_view name, std::string_view value) {
    return MakeIn(BytesFor(name.size(), value.size()) + kPlaceBytes, name, value);
  }

  // Changes the value where it is, if this block is the one that an allocation for the new value
  // would get. The value must not lie inside this field, which must have no time to live.
  bool SetValue(std::string_view fresh) {
    if (GoodSizeBytes(BytesFor(name().size(), fresh.size())) != UsableBytes(this)) return false;
    PutText(fresh, const_cast<uint8_t*>(EndOf(name())));
    return true;
  }

  // Whether a place fits behind the value.
  bool HasRoomForPlace() const {
    return BytesFor(name().size(), value().size()) + kPlaceBytes <= UsableBytes(this);
  }
  uint32_t place() const {
    uint32_t place;
    std::memcpy(&place, EndOf(value()), kPlaceBytes);
    return place;
  }
  void set_place(uint32_t place) {
    flags |= kExpiryFlag;
    std::memcpy(const_cast<uint8_t*>(EndOf(value())), &place, kPlaceBytes);
  }
  void forget_place() { flags = static_cast<uint8_t>(flags & ~kExpiryFlag); }

 private:
  static HashField* MakeIn(size_t bytes, std::string_view name, std::string_view value) {
    auto* field = static_cast<HashField*>(AllocateBytes(bytes));
    field->flags = 0;
    PutText(value, PutText(name, field->start()));
    return field;
  }

  uint8_t* start() { return reinterpret_cast<uint8_t*>(this + 1); }
  const uint8_t* start() const { return reinterpret_cast<const uint8_t*>(this + 1); }

  static std::string_view TextAt(const uint8_t* at) {
    uint64_t length;
    at = GetVarint(at, &length);
    return {reinterpret_cast<const char*>(at), length};
  }
  static const uint8_t* EndOf(std::string_view text) {
    return reinterpret_cast<const uint8_t*>(text.data() + text.size());
  }
  static uint8_t* PutText(std::string_view text, uint8_t* out) {
    out = PutVarint(text.size(), out);
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    return out + text.size();
  }
};

}  // namespace kiln
