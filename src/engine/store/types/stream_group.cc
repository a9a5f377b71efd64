#include "engine/store/types/stream_group.h"

#include "base/check.h"

namespace kiln {
namespace {

// What a map's element takes beside its value.
constexpr size_t kMapNodeBytes = 32;

template <class Map>
size_t MapBytes(const Map& map) {
  return map.size() * (kMapNodeBytes + sizeof(typename Map::value_type));
}

}  // namespace

StreamConsumer* StreamGroup::FindConsumer(std::string_view name) {
  auto found = consumers_.find(name);
  return found == consumers_.end() ? nullptr : &found->second;
}

StreamConsumer* StreamGroup::CreateConsumer(std::string_view name, int64_t now_ms) {
  auto [at, is_new] = consumers_.try_emplace(std::string(name));
  KILN_DCHECK(is_new);
  at->second.name = at->first;
  at->second.seen_ms = now_ms;
  return &at->second;
}

void StreamGroup::DeleteConsumer(StreamConsumer* consumer) {
  for (const auto& [id, entry] : consumer->pending) pending_.erase(id);
  consumers_.erase(consumers_.find(consumer->name));
}

void StreamGroup::Deliver(const StreamId& id, StreamConsumer* consumer, int64_t now_ms) {
  // Entries are nearly always delivered in order, each once.
  auto at = pending_.try_emplace(pending_.end(), id);
  PendingEntry& entry = at->second;
  entry.delivered_ms = now_ms;
  entry.deliveries = 1;
  Assign(id, &entry, consumer);
}

PendingEntry* StreamGroup::FindPending(const StreamId& id) {
  auto found = pending_.find(id);
  return found == pending_.end() ? nullptr : &found->second;
}

PendingEntry* StreamGroup::Force(const StreamId& id, int64_t now_ms) {
  return &pending_.try_emplace(id, PendingEntry{nullptr, now_ms, 1}).first->second;
}

void StreamGroup::Assign(const StreamId& id, PendingEntry* entry, StreamConsumer* consumer) {
  if (entry->consumer == consumer) return;
  if (entry->consumer != nullptr) entry->consumer->pending.erase(id);
  entry->consumer = consumer;
  consumer->pending.try_emplace(consumer->pending.end(), id, entry);
}

bool StreamGroup::Acknowledge(const StreamId& id) {
  auto found = pending_.find(id);
  if (found == pending_.end()) return false;
  Drop(found);
  return true;
}

StreamGroup::Pending::iterator StreamGroup::Drop(Pending::iterator at) {
  at->second.consumer->pending.erase(at->first);
  return pending_.erase(at);
}

StreamGroup StreamGroup::Clone() const {
  StreamGroup copy(last_id, entries_read);
  for (const auto& [name, consumer] : consumers_) {
    StreamConsumer* twin = copy.CreateConsumer(name, consumer.seen_ms);
    twin->active_ms = consumer.active_ms;
  }
  for (const auto& [id, entry] : pending_) {
    copy.Deliver(id, copy.FindConsumer(entry.consumer->name), entry.delivered_ms);
    copy.FindPending(id)->deliveries = entry.deliveries;
  }
  return copy;
}

size_t StreamGroup::memory_bytes() const {
  // Each pending entry is in one consumer's list as well.
  constexpr size_t kInConsumerBytes = kMapNodeBytes + sizeof(StreamId) + sizeof(PendingEntry*);
  size_t bytes = MapBytes(pending_) + pending_.size() * kInConsumerBytes + MapBytes(consumers_);
  for (const auto& [name, consumer] : consumers_) bytes += name.capacity();
  return bytes;
}

bool StreamGroup::FreeSome(size_t* budget) {
  while (*budget > 0 && !pending_.empty()) {
    Drop(pending_.begin());
    --*budget;
  }
  while (*budget > 0 && !consumers_.empty()) {
    consumers_.erase(consumers_.begin());
    --*budget;
  }
  return pending_.empty() && consumers_.empty();
}

}  // namespace kiln
