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

// MEMORY STATS
void MemoryStats(Call& call) {
  MemoryReport memory = call.services.server->Memory();
  size_t above_start =
      memory.total_bytes > memory.startup_bytes ? memory.total_bytes - memory.startup_bytes : 0;
  size_t lost =
      memory.resident_bytes > memory.total_bytes ? memory.resident_bytes - memory.total_bytes : 0;
  Reply& reply = call.reply;
  size_t at = reply.Later();
  size_t pairs = 0;
  auto integer = [&](std::string_view name, size_t value) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(value));
    ++pairs;
  };
  auto number = [&](std::string_view name, double value) {
    reply.Bulk(name);
    reply.Double(value);
    ++pairs;
  };
  integer("peak.allocated", memory.peak_bytes);
  integer("total.allocated", memory.total_bytes);
  integer("startup.allocated", memory.startup_bytes);
  integer("replication.backlog", 0);
  integer("clients.slaves", 0);
  integer("clients.normal", memory.client_bytes);
  integer("cluster.links", 0);
  integer("aof.buffer", 0);
  integer("overhead.total", memory.overhead_bytes);
  integer("keys.count", memory.keys);
  integer("keys.bytes-per-key", memory.keys == 0 ? 0 : above_start / memory.keys);
  integer("dataset.bytes", memory.dataset_bytes);
  number("dataset.percentage", Ratio(memory.dataset_bytes, above_start) * 100);
  number("peak.percentage", Ratio(memory.total_bytes, memory.peak_bytes) * 100);
  integer("allocator.allocated", memory.total_bytes);
  integer("allocator.resident", memory.resident_bytes);
  number("fragmentation", Ratio(memory.resident_bytes, memory.total_bytes));
  integer("fragmentation.bytes", lost);
  reply.EndMap(at, pairs);
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
  // name                  arity  keys                  flags             acl         handler            since    usage                    summary
  {"MEMORY",               -2,    Keys::None(),         kContainer,       Acl::kNone, nullptr,           "4.0.0", "",                      "A container for commands about memory."},
  {"MEMORY|DOCTOR",        2,     Keys::None(),         kGate,            Acl::kNone, MemoryDoctor,      "4.0.0", "",                      "Returns a report of problems with memory."},
  {"MEMORY|HELP",          2,     Keys::None(),         kLoading | kStale, Acl::kNone, MemoryHelp,       "4.0.0", "",                      "Describes the subcommands."},
  {"MEMORY|MALLOC-STATS",  2,     Keys::None(),         kGate,            Acl::kNone, MemoryMallocStats, "4.0.0", "",                      "Returns what the allocator says of itself."},
  {"MEMORY|PURGE",         2,     Keys::None(),         0,                Acl::kNone, MemoryPurge,       "4.0.0", "",                      "Gives unused memory back to the system."},
  {"MEMORY|STATS",         2,     Keys::None(),         kGate,            Acl::kNone, MemoryStats,       "4.0.0", "",                      "Returns how the server's memory is used."},
  {"MEMORY|USAGE",         -3,    Keys::Range(2, 2, 1), kReadOnly,        Acl::kNone, MemoryUsage,       "4.0.0", "key [SAMPLES count]",   "Returns the bytes that a key and its value take."},
};
// clang-format on
static_assert(WellFormed(kMemoryCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> MemoryCommands() {
  return kMemoryCommands;
}

}  // namespace kiln
