// MEMORY: what keys and the server cost.

#include "base/memory.h"

#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

double Ratio(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// MEMORY DOCTOR
void MemoryDoctor(Call& call) {
  constexpr size_t kLittleBytes = size_t{5} << 20;
  MemoryReport memory = call.services.server->Memory();
  std::string report;
  if (memory.total_bytes < kLittleBytes) {
    report = "This server holds too little data to say anything about its memory.\n";
  } else if (memory.peak_bytes > memory.total_bytes + memory.total_bytes / 2) {
    report =
        "Memory use was much higher at its peak than it is now; the system may see the peak "
        "still.\n";
  } else if (Ratio(memory.resident_bytes, memory.total_bytes) > 1.4) {
    report =
        "The process takes far more memory than it has allocated: MEMORY PURGE may give some "
        "back.\n";
  } else {
    report = "No problem with memory was found.\n";
  }
  call.reply.Verbatim("txt", report);
}

// MEMORY HELP
void MemoryHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "DOCTOR",
      "    A report of problems with memory.",
      "MALLOC-STATS",
      "    What the allocator says of itself.",
      "PURGE",
      "    Give unused memory back to the system.",
      "STATS",
      "    How the server's memory is used.",
      "USAGE <key> [SAMPLES <count>]",
      "    The bytes that <key> and its value take. Kiln measures all elements, whatever <count>.",
  };
  ReplyHelp(call, kLines);
}

// MEMORY MALLOC-STATS
void MemoryMallocStats(Call& call) {
  MemoryReport memory = call.services.server->Memory();
  call.reply.Verbatim("txt", "allocated: " + std::to_string(memory.total_bytes) +
                                 " bytes\nresident: " + std::to_string(memory.resident_bytes) +
                                 " bytes\n");
}

// MEMORY PURGE
void MemoryPurge(Call& call) {
  ReleaseUnusedMemory();
  call.reply.Ok();
}

// Writes a map's pairs and counts them.
class StatsMap {
 public:
  explicit StatsMap(Reply& reply) : reply_(reply), at_(reply.Later()) {}
  ~StatsMap() { reply_.EndMap(at_, pairs_); }
  StatsMap(const StatsMap&) = delete;
  StatsMap& operator=(const StatsMap&) = delete;

  void Integer(std::string_view name, size_t value) {
    Name(name);
    reply_.Integer(static_cast<int64_t>(value));
  }
  void Number(std::string_view name, double value) {
    Name(name);
    reply_.Double(value);
  }
  void Name(std::string_view name) {
    reply_.Bulk(name);
    ++pairs_;
  }

 private:
  Reply& reply_;
  size_t at_;
  size_t pairs_ = 0;
};

// What the tables of each database that has keys take. Times of expiry stand in the records.
void ReplyDatabases(Call& call, StatsMap& stats) {
  Keyspace& keyspace = call.db.keyspace();
  for (int db = 0; db < keyspace.databases(); ++db) {
    if (keyspace.KeyCount(db) == 0) continue;
    size_t table_bytes = 0;
    for (size_t shard = 0; shard < kShardCount; ++shard)
      table_bytes += keyspace.table(db, shard).records.memory_bytes();
    stats.Name("db." + std::to_string(db));
    StatsMap database(call.reply);
    database.Integer("overhead.hashtable.main", table_bytes);
    database.Integer("overhead.hashtable.expires", 0);
    database.Integer("overhead.hashtable.slot-to-keys", 0);
  }
}

void ReplyAllocator(StatsMap& stats, const MemoryReport& memory) {
  size_t lost =
      memory.resident_bytes > memory.total_bytes ? memory.resident_bytes - memory.total_bytes : 0;
  double ratio = Ratio(memory.resident_bytes, memory.total_bytes);
  stats.Integer("allocator.allocated", memory.total_bytes);
  stats.Integer("allocator.active", memory.resident_bytes);
  stats.Integer("allocator.resident", memory.resident_bytes);
  stats.Number("allocator-fragmentation.ratio", ratio);
  stats.Integer("allocator-fragmentation.bytes", lost);
  stats.Number("allocator-rss.ratio", 1);
  stats.Integer("allocator-rss.bytes", 0);
  stats.Number("rss-overhead.ratio", 1);
  stats.Integer("rss-overhead.bytes", 0);
  stats.Number("fragmentation", ratio);
  stats.Integer("fragmentation.bytes", lost);
}

// MEMORY STATS
void MemoryStats(Call& call) {
  MemoryReport memory = call.services.server->Memory();
  size_t above_start =
      memory.total_bytes > memory.startup_bytes ? memory.total_bytes - memory.startup_bytes : 0;
  StatsMap stats(call.reply);
  stats.Integer("peak.allocated", memory.peak_bytes);
  stats.Integer("total.allocated", memory.total_bytes);
  stats.Integer("startup.allocated", memory.startup_bytes);
  stats.Integer("replication.backlog", 0);
  stats.Integer("clients.slaves", 0);
  stats.Integer("clients.normal", memory.client_bytes);
  stats.Integer("cluster.links", 0);
  stats.Integer("aof.buffer", 0);
  stats.Integer("lua.caches", call.services.scripts->MemoryBytes());
  stats.Integer("functions.caches", 0);
  ReplyDatabases(call, stats);
  stats.Integer("overhead.total", memory.overhead_bytes);
  stats.Integer("keys.count", memory.keys);
  stats.Integer("keys.bytes-per-key", memory.keys == 0 ? 0 : above_start / memory.keys);
  stats.Integer("dataset.bytes", memory.dataset_bytes);
  stats.Number("dataset.percentage", Ratio(memory.dataset_bytes, above_start) * 100);
  stats.Number("peak.percentage", Ratio(memory.total_bytes, memory.peak_bytes) * 100);
  ReplyAllocator(stats, memory);
}

// MEMORY USAGE key [SAMPLES count]
void MemoryUsage(Call& call) {
  Key key = call.args.NextKey();
  while (call.args.More()) {
    if (!call.args.Take("SAMPLES") || !call.args.More()) return call.Fail(Error::kSyntax);
    int64_t samples = call.args.Integer();
    if (call.args.ok() && samples < 0) call.args.Fail(Error::kSyntax);
  }
  if (!call.args.Done()) return call.Fail(call.args.error());
  Record* record = call.db.Peek(key);
  if (record == nullptr) return call.reply.Null();
  call.reply.Integer(static_cast<int64_t>(call.db.MemoryBytes(key, record)));
}

// clang-format off
constexpr Command kMemoryCommands[] = {
  // name                  arity  keys                  flags             acl         handler            since    usage                  summary
  {"MEMORY",               -2,    Keys::None(),         kContainer,       Acl::kNone, nullptr,           "4.0.0", "",                    "A container for commands about memory."},
  {"MEMORY|DOCTOR",        2,     Keys::None(),         kGate,            Acl::kNone, MemoryDoctor,      "4.0.0", "",                    "Returns a report of problems with memory."},
  {"MEMORY|HELP",          2,     Keys::None(),         kLoading | kStale, Acl::kNone, MemoryHelp,       "4.0.0", "",                    "Describes the subcommands."},
  {"MEMORY|MALLOC-STATS",  2,     Keys::None(),         kGate,            Acl::kNone, MemoryMallocStats, "4.0.0", "",                    "Returns what the allocator says of itself."},
  {"MEMORY|PURGE",         2,     Keys::None(),         0,                Acl::kNone, MemoryPurge,       "4.0.0", "",                    "Gives unused memory back to the system."},
  {"MEMORY|STATS",         2,     Keys::None(),         kGate,            Acl::kNone, MemoryStats,       "4.0.0", "",                    "Returns how the server's memory is used."},
  {"MEMORY|USAGE",         -3,    Keys::Range(2, 2, 1), kReadOnly,        Acl::kNone, MemoryUsage,       "4.0.0", "key [SAMPLES count]", "Returns the bytes that a key and its value take."},
};
// clang-format on
static_assert(WellFormed(kMemoryCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> MemoryCommands() {
  return kMemoryCommands;
}

}  // namespace kiln
