// Commands for walking the keyspace. They lock one shard at a time, so other keys may come and go
// meanwhile.

#include <optional>
#include <string>

#include "base/glob.h"
#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/scan_options.h"

namespace kiln {
namespace {

bool IsExpired(const Record& record, uint64_t now_ms) {
  return record.expiry_ms() <= now_ms;
}

// DBSIZE
void DbSize(Call& call) {
  size_t keys = 0;
  for (size_t shard = 0; shard < kShardCount; ++shard) {
    call.WithShard(
        shard, [&] { keys += call.db.keyspace().table(call.db.index(), shard).records.size(); });
  }
  call.reply.Integer(static_cast<int64_t>(keys));
}

// KEYS pattern
void ListKeys(Call& call) {
  std::string_view pattern = call.args.Text();
  bool all = pattern == "*";
  size_t start = call.reply.Later();
  size_t found = 0;
  for (size_t shard = 0; shard < kShardCount; ++shard) {
    call.WithShard(shard, [&] {
      call.db.keyspace().table(call.db.index(), shard).records.ForEach([&](const Record* record) {
        if (IsExpired(*record, call.now_ms())) return;
        if (!all && !GlobMatches(pattern, record->key())) return;
        call.reply.Bulk(record->key());
        ++found;
      });
    });
  }
  call.reply.EndArray(start, found);
}

// A random live key of one locked shard, about uniformly chosen; null when there seems to be none.
const Record* RandomRecord(Call& call, const DbShard& table) {
  constexpr int kTries = 100;  // expired keys stay during a pause
  for (int i = 0; i < kTries; ++i) {
    const Record* record = table.records.RandomEntry(call.db.context().random);
    if (record == nullptr || !IsExpired(*record, call.now_ms())) return record;
    call.db.Peek(HashKey(record->key()));  // removes it
  }
  return nullptr;
}

// RANDOMKEY
// A shard's chance grows with its size: of a few random shards each takes the lead by its share of
// the keys seen so far.
void RandomKey(Call& call) {
  constexpr size_t kShardsWeighed = 16;
  Random& random = call.db.context().random;
  std::optional<std::string> chosen;
  uint64_t keys_seen = 0;
  size_t first = random.Below(kShardCount);
  size_t stride = random.Below(kShardCount) | 1;  // odd, so that the walk comes by every shard
  for (size_t i = 0; i < kShardCount && (i < kShardsWeighed || !chosen); ++i) {
    size_t shard = (first + i * stride) % kShardCount;
    call.WithShard(shard, [&] {
      const DbShard& table = call.db.keyspace().table(call.db.index(), shard);
      const Record* record = RandomRecord(call, table);
      if (record == nullptr) return;
      keys_seen += table.records.size();
      if (random.Below(keys_seen) < table.records.size()) chosen = record->key();
    });
  }
  if (!chosen) return call.reply.Null();
  call.reply.Bulk(*chosen);
}

// ---- SCAN ----

// What a SCAN looks for. Of a type that nobody knows there are no keys; that is no error before
// Redis 8.
class KeyFilter {
 public:
  explicit KeyFilter(const ScanOptions& options) : options_(options) {
    constexpr std::string_view kNames[kTypeCount] = {"STRING", "LIST", "SET",
                                                     "ZSET",   "HASH", "STREAM"};
    for (size_t i = 0; i < kTypeCount; ++i) {
      if (EqualsWord(options.type_name, kNames[i])) type_ = static_cast<Type>(i);
    }
  }
  bool Matches(const Record& record) const {
    return (!options_.has_type || type_ == record.type()) && options_.Matches(record.key());
  }

 private:
  const ScanOptions& options_;
  std::optional<Type> type_;
};

// A cursor is the shard in the upper bits and the cursor within its table in the lower ones.
constexpr unsigned kTableCursorBits = 48;
constexpr uint64_t kTableCursorMask = (uint64_t{1} << kTableCursorBits) - 1;

// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
// Replies with what matches of about `count` keys. Removes the expired ones it meets.
void Scan(Call& call) {
  uint64_t cursor = ReadScanCursor(call.args);
  if (!call.args.ok()) return call.Fail(call.args.error());
  ScanOptions options = ReadScanOptions(call.args, true);
  if (!call.args.ok()) return call.Fail(call.args.error());
  KeyFilter filter(options);
  uint64_t shard = cursor >> kTableCursorBits;
  uint64_t position = cursor & kTableCursorMask;
  size_t start = call.reply.Later();
  size_t seen = 0;
  size_t replies = 0;
  std::vector<std::string> expired;
  auto see = [&](const Record* record) {
    ++seen;
    if (IsExpired(*record, call.now_ms())) return expired.emplace_back(record->key()), void();
    if (!filter.Matches(*record)) return;
    call.reply.Bulk(record->key());
    ++replies;
  };
  while (shard < kShardCount && seen < options.count) {
    call.WithShard(shard, [&] {
      const DbShard& table = call.db.keyspace().table(call.db.index(), shard);
      position = table.records.Scan(position, options.count - seen, see);
      for (const std::string& key : expired) call.db.Peek(HashKey(key));
      expired.clear();
    });
    if (position == 0) ++shard;
  }
  bool done = shard >= kShardCount;
  EndScan(call.reply, start, done ? 0 : shard << kTableCursorBits | position, replies);
}

// clang-format off
constexpr Command kScanCommands[] = {
  // name       arity  keys          flags                             acl                                 handler    since    usage                                                     summary
  {"DBSIZE",    1,     Keys::None(), kReadOnly | kFast | kWalksShards, Acl::kKeyspace,                     DbSize,    "1.0.0", "",                                                       "Counts the keys of the database."},
  {"KEYS",      2,     Keys::None(), kReadOnly | kWalksShards,         Acl::kKeyspace | Acl::kDangerous,   ListKeys,  "1.0.0", "pattern",                                                "Returns all keys whose names match a pattern."},
  {"RANDOMKEY", 1,     Keys::None(), kReadOnly | kWalksShards,         Acl::kKeyspace,                     RandomKey, "1.0.0", "",                                                       "Returns the name of a random key."},
  {"SCAN",      -2,    Keys::None(), kReadOnly | kWalksShards,         Acl::kKeyspace,                     Scan,      "2.8.0", "cursor [MATCH pattern] [COUNT count] [TYPE type@6.0.0]", "Walks the names of the database's keys step by step."},
};
// clang-format on
static_assert(WellFormed(kScanCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ScanCommands() {
  return kScanCommands;
}

}  // namespace kiln
