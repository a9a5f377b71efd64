// What the commands on strings share: type checks, text of a record, the limit on length, room to
// write in.
//
// Record pointers and texts are good until the next change of the same shard.
#pragma once

#include <algorithm>
#include <string_view>

#include "engine/commands/call.h"

namespace kiln {

// Room for the text of an integer record.
struct StringScratch {
  char digits[kMaxInt64Chars];
};

inline bool IsWrongType(const Record* record) {
  return record != nullptr && record->type() != Type::kString;
}

// The text of a string record; an absent one (null) is empty.
inline std::string_view TextOrEmpty(const Record* record, StringScratch& scratch) {
  return record == nullptr ? std::string_view() : Db::StringOf(record, scratch.digits);
}

inline size_t MaxStringBytes(const Settings& settings) {
  return static_cast<size_t>(std::min(settings.proto_max_bulk_len_bytes, kMaxValueBytes));
}

// Whether `offset` + `bytes` is more than a string may hold; then the client has been told.
bool IsTooLong(Call& call, size_t offset, size_t bytes);

// The string at `key` as a raw record of at least `bytes`, grown with zeros or created; `record` is
// the one found there.
Record* MakeWritable(Call& call, const Key& key, Record* record, size_t bytes);

}  // namespace kiln
