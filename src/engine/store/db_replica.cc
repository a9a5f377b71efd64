// What a database does otherwise while the server is a replica: keys and fields that are due stay
// until the primary says that they go, for commands that need them may be on their way; but nobody
// sees them. Only what clients wrote to a writable replica is its own to remove.

#include <memory>

#include "engine/store/db.h"
#include "engine/store/types/hash.h"

namespace kiln {

void Db::DropHidden(const Key& key) {
  if (context_.now_ms == 0) return;  // what the primary sends sees them
  Record* record = table(key).records.Find(key.table_hash(), key.text);
  if (record != nullptr) DropExpired(key, record);
}

bool Db::DropIfDue(const Key& key) {
  Record* record = table(key).records.Find(key.table_hash(), key.text);
  if (record == nullptr || record->expiry_ms() == kNoExpiry) return true;
  if (!IsExpired(record)) return false;
  DropExpired(key, record);
  return true;
}

Hash* Db::ShownHash(Hash* hash) {
  if (hash->SoonestExpiryMs() > context_.now_ms) return hash;
  auto shown = std::make_shared<Hash>(hash->Clone());
  shown->RemoveDue(context_.now_ms, ~size_t{0}, nullptr);
  if (shown->empty()) return nullptr;
  context_.shown_hash = shown;
  return shown.get();
}

}  // namespace kiln
