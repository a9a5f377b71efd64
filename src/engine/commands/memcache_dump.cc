#include "engine/commands/memcache_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "engine/commands/memcache_item.h"
#include "engine/commands/memcache_log.h"
#include "protocol/memcache/meta_flags.h"

namespace kiln {
namespace {

constexpr size_t kPieceBytes = 16384;
constexpr size_t kItemsAtOnce = 64;  // under one lock

// Keys that no line of text can hold, such as those of other protocols, are told in base64.
bool IsPlainKey(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return static_cast<uint8_t>(c) > ' ' && c != 0x7f;
  });
}

}  // namespace

bool ItemDump::Write(ByteBuffer& out) {
  size_t start = out.size();
  while (shard_ < kShardCount) {
    if (out.size() - start >= kPieceBytes) return true;
    ShardLock& lock = db_.keyspace().shard(shard_).lock;
    lock.Lock();
    position_ = db_.keyspace().table(0, shard_).records.Scan(
        position_, kItemsAtOnce, [&](const Record* record) { WriteItem(out, record); });
    lock.Unlock();
    if (position_ == 0) ++shard_;
  }
  out.Append(form_ == Form::kMeta ? "EN\r\n" : "END\r\n");
  return false;
}

void ItemDump::WriteItem(ByteBuffer& out, const Record* record) {
  if (!IsString(record) || record->expiry_ms() <= db_.now_ms()) return;
  std::string_view key = record->key();
  if (form_ == Form::kMeta) {
    if (IsPlainKey(key)) return out.Append(fmt::format("mg {}\r\n", key));
    std::string text(key.size() / 3 * 4 + 4, '\0');
    text.resize(static_cast<size_t>(memcache::EncodeBase64(key, text.data()) - text.data()));
    return out.Append(fmt::format("mg {} b\r\n", text));
  }
  bool expires = record->expiry_ms() != kNoExpiry;
  out.Append(fmt::format("key={} exp={} la={} cas={} fetch={} cls=1 size={}\n", EncodedKey(key),
                         expires ? static_cast<int64_t>(record->expiry_ms() / 1000) : -1,
                         db_.now_ms() / 1000 - db_.IdleSeconds(record), record->cas(),
                         record->is_fetched() ? "yes" : "no",
                         db_.MemoryBytes(HashKey(key), record)));
}

}  // namespace kiln
