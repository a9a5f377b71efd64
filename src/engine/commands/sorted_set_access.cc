#include "engine/commands/sorted_set_access.h"

#include <memory>
#include <utility>

namespace kiln {

void MembersRemoved(Call& call, const Key& key, const SortedSet& set, std::string_view event) {
  bool is_gone = call.db.DeleteIfEmpty(key, set);
  call.Changed(key, kEventSortedSet, event);
  if (is_gone) call.db.Notify(kEventGeneric, "del", key.text);
}

void StoreSortedSet(Call& call, const Key& key, SortedSet result, std::string_view event) {
  size_t size = result.size();
  bool was_there = call.db.Delete(key);
  if (size > 0) {
    call.db.PutCollection(key, Type::kZset, std::make_unique<SortedSet>(std::move(result)).release());
    call.Changed(key, kEventSortedSet, event);
  } else if (was_there) {
    call.Changed(key, kEventGeneric, "del");
  }
  call.reply.Integer(static_cast<int64_t>(size));
}

}  // namespace kiln
