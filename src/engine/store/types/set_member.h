// A member of a big set: one allocation of its length (varint) and its bytes. Thread rules: those
// of the owning set.
#pragma once

#include <cstring>
#include <string_view>

#include "base/memory.h"
#include "engine/store/types/varint.h"

namespace kiln {

// Never constructed: a name for the allocation's first byte.
class SetMember {
 public:
  // Freed with FreeBytes().
  static SetMember* Make(std::string_view text) {
    void* block = AllocateBytes(VarintBytes(text.size()) + text.size());
    uint8_t* bytes = PutVarint(text.size(), static_cast<uint8_t*>(block));
    if (!text.empty()) std::memcpy(bytes, text.data(), text.size());
    return static_cast<SetMember*>(block);
  }

  std::string_view text() const {
    uint64_t length;
    const uint8_t* bytes = GetVarint(reinterpret_cast<const uint8_t*>(this), &length);
    return {reinterpret_cast<const char*>(bytes), length};
  }

 private:
  SetMember() = default;
};

}  // namespace kiln
