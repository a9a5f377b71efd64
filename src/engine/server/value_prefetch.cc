#include "engine/server/value_prefetch.h"

#include "base/prefetch.h"
#include "engine/store/types/list.h"
#include "engine/store/types/set.h"

namespace kiln {
namespace {

// Calls step(request's place, value) for those of the batch's values that are known to be of this
// type and whose shard is free, holding its lock.
template <class Value, Type kType, class F>
void ForEachValue(Keyspace& keyspace, const RequestBatch& batch, F&& step) {
  for (size_t i = 0; i < batch.size; ++i) {
    const Request& request = batch.requests[i];
    if (request.hint.home == nullptr || request.hint.slot == nullptr) continue;
    Shard& shard = keyspace.shard(request.first_key.shard());
    if (!shard.lock.TryLock()) continue;
    const Record* record = Table<RecordPolicy>::FindSeen(request.hint, request.first_key.text);
    if (record != nullptr && record->type() == kType) step(i, record->collection<Value>());
    shard.lock.Unlock();
  }
}

void PrefetchLists(Keyspace& keyspace, const RequestBatch& batch) {
  auto for_each = ForEachValue<List, Type::kList, void (*)(size_t, const List*)>;
  for_each(keyspace, batch, [](size_t, const List* list) { Prefetch(list); });
  for_each(keyspace, batch, [](size_t, const List* list) { list->PrefetchHead(); });
}

void PrefetchSets(Keyspace& keyspace, const RequestBatch& batch) {
  TableHint hints[RequestBatch::kMax] = {};
  auto for_each = [&](auto&& step) { ForEachValue<Set, Type::kSet>(keyspace, batch, step); };
  for_each([](size_t, const Set* set) { Prefetch(set); });
  for_each([](size_t, const Set* set) { set->PrefetchForm(); });
  for_each([](size_t, const Set* set) { set->PrefetchDirectory(); });
  for_each([&](size_t i, const Set* set) {
    Arguments arguments = batch.requests[i].arguments;
    if (arguments.size() > 2) hints[i] = set->PrefetchMember(arguments[2]);
  });
  for (size_t i = 0; i < batch.size; ++i) Set::PrefetchFound(&hints[i]);
}

}  // namespace

void PrefetchValues(ValuePrefetch which, Keyspace& keyspace, const RequestBatch& batch) {
  if (which == ValuePrefetch::kLists) PrefetchLists(keyspace, batch);
  if (which == ValuePrefetch::kSets) PrefetchSets(keyspace, batch);
}

}  // namespace kiln
