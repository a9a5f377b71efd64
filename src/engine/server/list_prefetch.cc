#include "engine/server/list_prefetch.h"

#include "base/prefetch.h"
#include "engine/store/types/list.h"

namespace kiln {

void PrefetchLists(Keyspace& keyspace, const RequestBatch& batch) {
  for (bool have_come : {false, true}) {
    for (size_t i = 0; i < batch.size; ++i) {
      const Request& request = batch.requests[i];
      if (request.hint.home == nullptr || request.hint.slot == nullptr) continue;
      Shard& shard = keyspace.shard(request.first_key.shard());
      if (!shard.lock.TryLock()) continue;
      const Record* record = Table<RecordPolicy>::FindSeen(request.hint, request.first_key.text);
      if (record != nullptr && record->type() == Type::kList) {
        const auto* list = record->collection<List>();
        have_come ? list->PrefetchHead() : Prefetch(list);
      }
      shard.lock.Unlock();
    }
  }
}

}  // namespace kiln
