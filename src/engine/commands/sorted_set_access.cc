#include "engine/commands/sorted_set_access.h"

#include <memory>
#include <utility>

namespace kiln {

void MembersRemoved(Call& call, const Key& key, const SortedSet& set, size_t count,
                    std::string_view event) {
  bool is_gone = call.db.DeleteIfEmpty(key, set);
  call.Changed(key, kEventSortedSet, event);
  call.CountAs(count);
  if (is_gone) call.db.Notify(kEventGeneric, "del", key.text);
}

void StoreSortedSet(Call& call, const Key& key, SortedSet result, std::string_view event) {
  size_t size = result.size();
  if (size > 0) {
    SortedSet* stored =
        std::make_unique<SortedSet>(std::move(result)).release();  // the record owns it
    call.db.ReplaceWithCollection(key, Type::kZset, stored);
    call.Changed(key, kEventSortedSet, event);
  } else if (call.db.Delete(key)) {
    call.Changed(key, kEventGeneric, "del");
  }
  call.reply.Integer(static_cast<int64_t>(size));
}

}  // namespace kiln
