#include "engine/commands/string_value.h"

#include <algorithm>

namespace kiln {

bool IsTooLong(Call& call, size_t offset, size_t bytes) {
  size_t limit = MaxStringBytes(call.settings());
  if (bytes <= limit && offset <= limit - bytes) return false;
  call.Fail(Error::kStringTooLong);
  return true;
}

Record* MakeWritable(Call& call, const Key& key, Record* record, size_t bytes) {
  StringScratch scratch;
  size_t old_bytes = TextOrEmpty(record, scratch).size();
  bool has_room = record != nullptr && record->is_raw() && old_bytes >= bytes;
  if (has_room && !record->IsBeingRead()) {
    record->set_edited(true);
    if (record->cas() != 0) record->set_cas(0);  // as where it is resized
    return record;
  }
  return call.db.ResizeString(key, record, std::max(bytes, old_bytes), true);
}

}  // namespace kiln
