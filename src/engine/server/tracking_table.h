// TrackingTable: which clients have read which keys since those last changed, for client-side
// caching.
//
// As in Redis, a key stands for its name in every database. A part for each shard of the keyspace:
// whoever reads or changes a key holds its shard's lock already, so a read is remembered before any
// later change can look, and none is missed. Clients that close or stop are not taken out: whoever
// tells them finds nobody. A key that changes takes its readers along.
//
// Memory: some 120 bytes a key and 16 a reader; tracking-table-max-keys bounds the keys.
// Thread safety: Add, Take and RandomKey need the shard's lock, Clear needs the Gate alone; the
// counts may be read by anyone.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "engine/commands/client.h"
#include "engine/store/record.h"

namespace kiln {

class TrackingTable {
 public:
  using Readers = std::vector<ClientHandle>;  // ascending by id

  TrackingTable();

  void Add(const Key& key, ClientHandle reader);
  // The key's readers, who are forgotten.
  Readers Take(const Key& key);
  // Some key of this shard; false when there is none.
  bool RandomKey(size_t shard, Random& random, std::string* key) const;
  void Clear();

  size_t keys() const { return keys_.load(std::memory_order_relaxed); }
  // Readers of all keys.
  size_t items() const { return items_.load(std::memory_order_relaxed); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  using Part = std::unordered_map<std::string, Readers, Hash, std::equal_to<>>;

  std::unique_ptr<Part[]> parts_;  // by shard
  std::atomic<size_t> keys_{0};
  std::atomic<size_t> items_{0};
};

}  // namespace kiln
