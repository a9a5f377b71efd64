// What the files of set commands share: finding a set, and replying with a member.
#pragma once

#include "engine/commands/call.h"
#include "engine/store/types/set.h"

namespace kiln {

// The set at a key that is read, or null where there is none. False when the error is replied
// already.
inline bool FindSet(Call& call, const Key& key, Set** set) {
  StoreResult<Set*> found = call.db.Find<Set>(key);
  if (!found) {
    call.Fail(found.error());
    return false;
  }
  *set = *found;
  return true;
}

inline void ReplyMember(Reply& reply, const Element& member) {
  member.is_int ? reply.BulkInteger(member.integer) : reply.Bulk(member.text);
}

}  // namespace kiln
