// OBJECT: how a key's value is kept and when it was last used.

#include <limits>

#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/help.h"
#include "engine/store/value.h"

namespace kiln {
namespace {

constexpr std::string_view kNoFrequencies =
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    "when switching "
    "between policies at runtime LRU and LFU data will take some time to adjust.";
constexpr std::string_view kNoIdleTimes =
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
    "switching between "
    "policies at runtime LRU and LFU data will take some time to adjust.";

// Calls f(record), or replies with null when the key is absent.
template <class F>
void WithRecord(Call& call, F&& f) {
  const Record* record = call.db.Peek(call.args.NextKey());
  if (record == nullptr) return call.reply.Null();
  f(*record);
}

bool CountsUses(Call& call) {
  return IsLfu(call.settings().maxmemory_policy);
}

// OBJECT ENCODING key
void ObjectEncoding(Call& call) {
  WithRecord(call, [&](const Record& record) { call.reply.Bulk(EncodingOf(&record)); });
}

// OBJECT FREQ key
void ObjectFreq(Call& call) {
  WithRecord(call, [&](const Record& record) {
    if (!CountsUses(call)) return call.FailText(kNoFrequencies);
    call.reply.Integer(call.db.LfuCounter(&record));
  });
}

// OBJECT IDLETIME key
void ObjectIdleTime(Call& call) {
  WithRecord(call, [&](const Record& record) {
    if (CountsUses(call)) return call.FailText(kNoIdleTimes);
    call.reply.Integer(static_cast<int64_t>(call.db.IdleSeconds(&record)));
  });
}

// Values are never shared. Redis shares small integers, unless the policy needs a clock for every
// key, and shows them as held for ever; clients that ask see the same here.
bool IsSharedInRedis(Call& call, const Record& record) {
  constexpr int64_t kSharedIntegers = 10'000;
  if (record.type() != Type::kString || !record.is_integer()) return false;
  if (record.integer() < 0 || record.integer() >= kSharedIntegers) return false;
  EvictionPolicy policy = call.settings().maxmemory_policy;
  bool is_lru = policy == EvictionPolicy::kAllKeysLru || policy == EvictionPolicy::kVolatileLru;
  return call.settings().maxmemory_bytes == 0 || !(is_lru || IsLfu(policy));
}

// OBJECT REFCOUNT key
void ObjectRefCount(Call& call) {
  WithRecord(call, [&](const Record& record) {
    call.reply.Integer(IsSharedInRedis(call, record) ? std::numeric_limits<int32_t>::max() : 1);
  });
}

// OBJECT HELP
void ObjectHelp(Call& call) {
  constexpr std::string_view kLines[] = {
      "ENCODING <key>",
      "    How the key's value is kept inside.",
      "FREQ <key>",
      "    How often the key is used, as a logarithmic counter. Needs an LFU policy.",
      "IDLETIME <key>",
      "    Seconds since the key was last used. Needs a policy other than LFU.",
      "REFCOUNT <key>",
      "    How many references to the value there are.",
  };
  ReplyHelp(call, kLines);
}

// clang-format off
constexpr Command kObjectCommands[] = {
  // name               arity  keys                  flags               acl             handler         since    usage  summary
  {"OBJECT",            -2,    Keys::None(),         kContainer,         Acl::kNone,     nullptr,        "2.2.3", "",    "Tells how a key's value is kept."},
  {"OBJECT|ENCODING",   3,     Keys::Range(2, 2, 1), kReadOnly,          Acl::kKeyspace, ObjectEncoding, "2.2.3", "key", "Returns the internal form of a key's value."},
  {"OBJECT|FREQ",       3,     Keys::Range(2, 2, 1), kReadOnly,          Acl::kKeyspace, ObjectFreq,     "4.0.0", "key", "Returns a key's logarithmic counter of uses."},
  {"OBJECT|HELP",       2,     Keys::None(),         kLoading | kStale,  Acl::kKeyspace, ObjectHelp,     "6.2.0", "",    "Describes the subcommands."},
  {"OBJECT|IDLETIME",   3,     Keys::Range(2, 2, 1), kReadOnly,          Acl::kKeyspace, ObjectIdleTime, "2.2.3", "key", "Returns the seconds since a key was last used."},
  {"OBJECT|REFCOUNT",   3,     Keys::Range(2, 2, 1), kReadOnly,          Acl::kKeyspace, ObjectRefCount, "2.2.3", "key", "Returns the number of references to a key's value."},
};
// clang-format on
static_assert(WellFormed(kObjectCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ObjectCommands() {
  return kObjectCommands;
}

}  // namespace kiln
