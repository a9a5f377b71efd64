// A member of a big sorted set: one allocation of score (8 bytes), length (varint), bytes.
// The member table finds it by its bytes, the score tree orders it. Thread rules: those of the
// owning set.
#pragma once

#include <cstring>
#include <string_view>

#include "base/memory.h"
#include "engine/store/types/varint.h"

namespace kiln {

struct ZsetMember {
  double score;

  std::string_view name() const {
    uint64_t length;
    const uint8_t* bytes = GetVarint(reinterpret_cast<const uint8_t*>(this + 1), &length);
    return {reinterpret_cast<const char*>(bytes), length};
  }

  // Freed with FreeBytes().
  static ZsetMember* Make(double score, std::string_view name) {
    size_t bytes = sizeof(ZsetMember) + VarintBytes(name.size()) + name.size();
    auto* member = static_cast<ZsetMember*>(AllocateBytes(bytes));
    member->score = score;
    uint8_t* out = PutVarint(name.size(), reinterpret_cast<uint8_t*>(member + 1));
    if (!name.empty()) std::memcpy(out, name.data(), name.size());
    return member;
  }
};

}  // namespace kiln
