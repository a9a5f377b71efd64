#include "engine/server/tracking_table.h"

#include <algorithm>

namespace kiln {

TrackingTable::TrackingTable() : parts_(std::make_unique<Part[]>(kShardCount)) {}

void TrackingTable::Add(const Key& key, ClientHandle reader) {
  Part& part = parts_[key.shard()];
  auto found = part.find(key.text);
  if (found == part.end()) {
    found = part.emplace(std::string(key.text), Readers()).first;
    keys_.fetch_add(1, std::memory_order_relaxed);
  }
  Readers& readers = found->second;
  auto place =
      std::lower_bound(readers.begin(), readers.end(), reader,
                       [](const ClientHandle& a, const ClientHandle& b) { return a.id < b.id; });
  if (place != readers.end() && place->id == reader.id) return;
  readers.insert(place, reader);
  items_.fetch_add(1, std::memory_order_relaxed);
}

TrackingTable::Readers TrackingTable::Take(const Key& key) {
  Part& part = parts_[key.shard()];
  auto found = part.find(key.text);
  if (found == part.end()) return {};
  Readers readers = std::move(found->second);
  part.erase(found);
  keys_.fetch_sub(1, std::memory_order_relaxed);
  items_.fetch_sub(readers.size(), std::memory_order_relaxed);
  return readers;
}

bool TrackingTable::RandomKey(size_t shard, Random& random, std::string* key) const {
  const Part& part = parts_[shard];
  if (part.empty()) return false;
  size_t bucket = random.Below(part.bucket_count());
  while (part.bucket_size(bucket) == 0) bucket = (bucket + 1) % part.bucket_count();
  auto chosen = part.begin(bucket);
  for (uint64_t skip = random.Below(part.bucket_size(bucket)); skip > 0; --skip) ++chosen;
  *key = chosen->first;
  return true;
}

void TrackingTable::Clear() {
  for (size_t shard = 0; shard < kShardCount; ++shard) Part().swap(parts_[shard]);
  keys_ = 0;
  items_ = 0;
}

}  // namespace kiln
