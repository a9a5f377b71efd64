// Commands for entries that were delivered to a group's consumers and not acknowledged yet.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/commands/call.h"
#include "engine/commands/command_errors.h"
#include "engine/commands/groups.h"
#include "engine/commands/stream_access.h"

namespace kiln {
namespace {

struct FoundGroup {
  Key key;
  Stream* stream = nullptr;
  StreamGroup* group = nullptr;
};

// Finds a group, which must exist. False when an error is replied.
bool FindGroup(Call& call, const Key& key, std::string_view name, FoundGroup* found) {
  StoreResult<Stream*> stream = call.db.Find<Stream>(key);
  if (!stream) return call.Fail(stream.error()), false;
  found->key = key;
  found->stream = *stream;
  if (found->stream != nullptr) found->group = found->stream->FindGroup(name);
  if (found->group != nullptr) return true;
  return call.FailText(NoKeyOrGroupText(key.text, name)), false;
}

// XACK key group id [id ...]
void XAck(Call& call) {
  Key key = call.args.NextKey();
  std::string_view group_name = call.args.Text();
  StoreResult<Stream*> stream = call.db.Find<Stream>(key);
  if (!stream) return call.Fail(stream.error());
  StreamGroup* group = *stream == nullptr ? nullptr : (*stream)->FindGroup(group_name);
  if (group == nullptr) return call.reply.Integer(0);
  std::vector<StreamId> ids(call.args.Left());
  for (StreamId& id : ids) {
    if (!ReadStreamId(call, call.args.Text(), &id)) return;
  }
  int64_t acknowledged = 0;
  for (const StreamId& id : ids) {
    if (!group->Acknowledge(id)) continue;
    ++acknowledged;
    GroupChanged(call, key);
  }
  call.reply.Integer(acknowledged);
}

// ---- XPENDING ----

struct PendingQuery {
  int64_t min_idle_ms = 0;
  StreamId first;
  StreamId last;
  size_t count = 0;
  std::optional<std::string_view> consumer;
};

// "[IDLE min-idle-time] start end count [consumer]". False when an error is replied.
bool ReadPendingQuery(Call& call, PendingQuery* query) {
  ArgumentCursor& args = call.args;
  constexpr size_t kMaxArguments = 6;
  if (args.Left() < 3 || args.Left() > kMaxArguments) return call.Fail(Error::kSyntax), false;
  if (args.Take("IDLE")) {
    query->min_idle_ms = args.Integer();
    if (args.ok() && args.Left() < 3) args.Fail(Error::kSyntax);
  }
  std::string_view start = args.Text();
  std::string_view end = args.Text();
  query->count = static_cast<size_t>(std::max<int64_t>(args.Integer(), 0));
  if (!args.ok()) return call.Fail(args.error()), false;
  if (!ReadRangeStart(call, start, &query->first)) return false;
  if (!ReadRangeEnd(call, end, &query->last)) return false;
  if (args.More()) query->consumer = args.Text();
  return true;
}

// How many entries are pending, the first and last id, and how many each consumer has.
void ReplyPendingSummary(Reply& reply, const StreamGroup& group) {
  reply.Array(4);
  reply.Integer(static_cast<int64_t>(group.pending().size()));
  if (group.pending().empty()) {
    reply.Null();
    reply.Null();
    return reply.NullArray();
  }
  ReplyStreamId(reply, group.pending().begin()->first);
  ReplyStreamId(reply, group.pending().rbegin()->first);
  size_t at = reply.Later();
  size_t consumers = 0;
  for (const auto& [name, consumer] : group.consumers()) {
    if (consumer.pending.empty()) continue;
    ++consumers;
    reply.Array(2);
    reply.Bulk(name);
    reply.BulkInteger(static_cast<int64_t>(consumer.pending.size()));
  }
  reply.EndArray(at, consumers);
}

void ReplyPendingEntry(Call& call, const StreamId& id, const PendingEntry& entry) {
  call.reply.Array(4);
  ReplyStreamId(call.reply, id);
  call.reply.Bulk(entry.consumer->name);
  call.reply.Integer(std::max<int64_t>(NowMsOf(call) - entry.delivered_ms, 0));
  call.reply.Integer(entry.deliveries);
}

const PendingEntry& EntryOf(const PendingEntry& entry) {
  return entry;
}
const PendingEntry& EntryOf(const PendingEntry* entry) {
  return *entry;
}

// `pending` is a group's list or a consumer's.
template <class Pending>
void ReplyPendingEntries(Call& call, const Pending& pending, const PendingQuery& query) {
  size_t at = call.reply.Later();
  size_t entries = 0;
  for (auto item = pending.lower_bound(query.first);
       item != pending.end() && item->first <= query.last && entries < query.count; ++item) {
    const PendingEntry& entry = EntryOf(item->second);
    if (query.min_idle_ms != 0 && NowMsOf(call) - entry.delivered_ms < query.min_idle_ms) continue;
    ReplyPendingEntry(call, item->first, entry);
    ++entries;
  }
  call.reply.EndArray(at, entries);
}

// XPENDING key group [[IDLE min-idle-time] start end count [consumer]]
void XPending(Call& call) {
  Key key = call.args.NextKey();
  std::string_view group_name = call.args.Text();
  bool wants_summary = !call.args.More();
  PendingQuery query;
  if (!wants_summary && !ReadPendingQuery(call, &query)) return;
  FoundGroup found;
  if (!FindGroup(call, key, group_name, &found)) return;
  if (wants_summary) return ReplyPendingSummary(call.reply, *found.group);
  if (!query.consumer) return ReplyPendingEntries(call, found.group->pending(), query);
  const StreamConsumer* consumer = found.group->FindConsumer(*query.consumer);
  if (consumer == nullptr) return call.reply.Array(0);
  ReplyPendingEntries(call, consumer->pending, query);
}

// ---- XCLAIM ----

struct Claim {
  std::string_view group;
  std::string_view consumer;
  int64_t min_idle_ms = 0;
  std::vector<StreamId> ids;
  int64_t delivered_ms = 0;
  std::optional<int64_t> deliveries;
  bool force = false;
  bool only_ids = false;
  StreamId last_id;
};

// A number behind an option, or an error that names the option. False when it is replied.
bool ReadClaimNumber(Call& call, std::string_view what, int64_t* number) {
  *number = call.args.Integer();
  if (call.args.ok()) return true;
  call.FailText("ERR Invalid " + std::string(what) + " argument for XCLAIM");
  return false;
}

bool ReadClaimOption(Call& call, Claim* claim) {
  ArgumentCursor& args = call.args;
  bool has_value = args.Left() >= 2;
  int64_t number = 0;
  if (args.Take("FORCE")) return claim->force = true;
  if (args.Take("JUSTID")) return claim->only_ids = true;
  if (has_value && args.Take("IDLE")) {
    if (!ReadClaimNumber(call, "IDLE option", &number)) return false;
    // A time that makes no sense, also one ahead, becomes now: clients' clocks differ.
    if (__builtin_sub_overflow(NowMsOf(call), number, &claim->delivered_ms))
      claim->delivered_ms = NowMsOf(call);
    return true;
  }
  if (has_value && args.Take("TIME")) {
    return ReadClaimNumber(call, "TIME option", &claim->delivered_ms);
  }
  if (has_value && args.Take("RETRYCOUNT")) {
    if (!ReadClaimNumber(call, "RETRYCOUNT option", &number)) return false;
    if (number >= 0) claim->deliveries = number;
    return true;
  }
  if (has_value && args.Take("LASTID")) return ReadStreamId(call, args.Text(), &claim->last_id);
  call.FailText("ERR Unrecognized XCLAIM option '" + UntilZero(args.Peek()) + "'");
  return false;
}

// "min-idle-time id [id ...] [options]". False when an error is replied.
bool ReadClaim(Call& call, Claim* claim) {
  ArgumentCursor& args = call.args;
  if (!ReadClaimNumber(call, "min-idle-time", &claim->min_idle_ms)) return false;
  claim->delivered_ms = NowMsOf(call);
  while (args.More()) {
    std::optional<StreamId> id = ParseStreamId(args.Peek(), 0);
    if (!id) break;
    claim->ids.push_back(*id);
    args.Skip();
  }
  while (args.More()) {
    if (!ReadClaimOption(call, claim)) return false;
  }
  if (claim->delivered_ms < 0 || claim->delivered_ms > NowMsOf(call))
    claim->delivered_ms = NowMsOf(call);
  return true;
}

bool IsIdle(const Call& call, const PendingEntry& entry, int64_t min_idle_ms) {
  return min_idle_ms <= 0 || NowMsOf(call) - entry.delivered_ms >= min_idle_ms;
}

// Gives one entry to the consumer, if it may have it.
bool ClaimEntry(Call& call, const Claim& claim, const FoundGroup& found, const StreamId& id,
                StreamConsumer* consumer) {
  StreamGroup* group = found.group;
  PendingEntry* entry = group->FindPending(id);
  if (!found.stream->Contains(id)) {
    if (entry == nullptr) return false;
    ReplayPending(call, found.key, claim.group, *group, id);
    group->Acknowledge(id);  // nobody can process it any more
    return false;
  }
  if (entry == nullptr) {
    if (!claim.force) return false;
    entry = group->Force(id, NowMsOf(call));
  } else if (!IsIdle(call, *entry, claim.min_idle_ms)) {
    return false;
  }
  group->Assign(id, entry, consumer);
  entry->delivered_ms = claim.delivered_ms;
  if (claim.deliveries)
    entry->deliveries = *claim.deliveries;
  else if (!claim.only_ids)
    entry->CountDelivery();
  consumer->active_ms = NowMsOf(call);
  ReplayPending(call, found.key, claim.group, *group, id);
  return true;
}

void ReplyClaimed(Call& call, const Stream& stream, const StreamId& id, bool only_ids) {
  if (only_ids)
    ReplyStreamId(call.reply, id);
  else
    ReplyStreamEntry(call.reply, stream, id);
}

// XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-ms]
//     [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID last-id]
void XClaim(Call& call) {
  Key key = call.args.NextKey();
  Claim claim;
  claim.group = call.args.Text();
  claim.consumer = call.args.Text();
  FoundGroup found;
  if (!FindGroup(call, key, claim.group, &found)) return;
  if (!ReadClaim(call, &claim)) return;
  call.replays_itself = true;
  bool has_moved = claim.last_id > found.group->last_id;
  if (has_moved) {
    found.group->last_id = claim.last_id;
    GroupChanged(call, key);
  }
  bool is_new = found.group->FindConsumer(claim.consumer) == nullptr;
  StreamConsumer* consumer = SeeConsumer(call, key, found.group, claim.consumer);
  size_t at = call.reply.Later();
  size_t claimed = 0;
  size_t changes = 0;
  for (const StreamId& id : claim.ids) {
    size_t pending = found.group->pending().size();
    bool is_claimed = ClaimEntry(call, claim, found, id, consumer);
    if (is_claimed || found.group->pending().size() != pending) {
      GroupChanged(call, key);
      ++changes;
    }
    if (!is_claimed) continue;
    ReplyClaimed(call, *found.stream, id, claim.only_ids);
    ++claimed;
  }
  call.reply.EndArray(at, claimed);
  // What is replayed for an entry tells of the rest as well.
  if (has_moved && changes == 0) ReplayPosition(call, key, claim.group, *found.group);
  if (is_new && claimed == 0) ReplayConsumer(call, key, claim.group, claim.consumer);
}

// ---- XAUTOCLAIM ----

struct AutoClaim {
  std::string_view group;
  int64_t min_idle_ms = 0;
  StreamId start;
  int64_t count = 100;
  bool only_ids = false;
};

// "min-idle-time start [COUNT count] [JUSTID]". False when an error is replied.
bool ReadAutoClaim(Call& call, AutoClaim* claim) {
  ArgumentCursor& args = call.args;
  claim->min_idle_ms = args.Integer();
  if (!args.ok()) {
    return call.FailText("ERR Invalid min-idle-time argument for XAUTOCLAIM"), false;
  }
  if (!ReadRangeStart(call, args.Text(), &claim->start)) return false;
  constexpr int64_t kMaxCount = INT64_MAX / 16;
  while (args.More()) {
    if (args.Left() >= 2 && args.Take("COUNT")) {
      claim->count = args.IntegerWithin(1, kMaxCount);
      if (!args.ok()) return call.FailText("ERR COUNT must be > 0"), false;
    } else if (args.Take("JUSTID")) {
      claim->only_ids = true;
    } else {
      return call.Fail(Error::kSyntax), false;
    }
  }
  return true;
}

struct Claimed {
  std::vector<StreamId> ids;
  std::vector<StreamId> deleted;  // pending entries that the stream has no more
  StreamId next;                  // where to go on; 0-0 at the end
};

// Looks at so many pending entries for each that may be claimed.
constexpr int64_t kLooksForEach = 10;

Claimed ClaimFrom(Call& call, const AutoClaim& claim, const FoundGroup& found,
                  StreamConsumer* consumer) {
  Claimed claimed;
  StreamGroup* group = found.group;
  int64_t count = claim.count;
  auto at = group->pending().lower_bound(claim.start);
  for (int64_t looks = count * kLooksForEach;
       looks > 0 && count > 0 && at != group->pending().end(); --looks) {
    PendingEntry& entry = at->second;
    if (!found.stream->Contains(at->first)) {
      claimed.deleted.push_back(at->first);
      ReplayPending(call, found.key, claim.group, *group, at->first);
      at = group->Drop(at);
      --count;
      continue;
    }
    if (IsIdle(call, entry, claim.min_idle_ms)) {
      group->Assign(at->first, &entry, consumer);
      entry.delivered_ms = consumer->active_ms = NowMsOf(call);
      if (!claim.only_ids) entry.CountDelivery();
      claimed.ids.push_back(at->first);
      ReplayPending(call, found.key, claim.group, *group, at->first);
      --count;
    }
    ++at;
  }
  if (at != group->pending().end()) claimed.next = at->first;
  return claimed;
}

// XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]
void XAutoClaim(Call& call) {
  Key key = call.args.NextKey();
  AutoClaim claim;
  claim.group = call.args.Text();
  std::string_view consumer_name = call.args.Text();
  if (!ReadAutoClaim(call, &claim)) return;
  FoundGroup found;
  if (!FindGroup(call, key, claim.group, &found)) return;
  call.replays_itself = true;
  bool is_new = found.group->FindConsumer(consumer_name) == nullptr;
  StreamConsumer* consumer = SeeConsumer(call, key, found.group, consumer_name);
  Claimed claimed = ClaimFrom(call, claim, found, consumer);
  if (is_new && claimed.ids.empty()) ReplayConsumer(call, key, claim.group, consumer_name);
  for (size_t i = 0; i < claimed.ids.size() + claimed.deleted.size(); ++i) GroupChanged(call, key);
  call.reply.Array(3);
  ReplyStreamId(call.reply, claimed.next);
  call.reply.Array(claimed.ids.size());
  for (const StreamId& id : claimed.ids) ReplyClaimed(call, *found.stream, id, claim.only_ids);
  call.reply.Array(claimed.deleted.size());
  for (const StreamId& id : claimed.deleted) ReplyStreamId(call.reply, id);
}

// clang-format off
constexpr Command kStreamPendingCommands[] = {
  // name        arity  keys         flags           acl           handler     since    usage                     summary
  {"XACK",       -4,    Keys::One(), kWrite | kFast, Acl::kStream, XAck,       "5.0.0", "key group ID:string...", "Says that entries were processed; returns how many were pending."},
  {"XAUTOCLAIM", -6,    Keys::One(), kWrite | kFast, Acl::kStream, XAutoClaim, "6.2.0", "key group consumer min-idle-time:string start:string [COUNT count] [JUSTID]", "Gives a consumer the entries that others had pending for too long."},
  {"XCLAIM",     -6,    Keys::One(), kWrite | kFast, Acl::kStream, XClaim,     "5.0.0", "key group consumer min-idle-time:string ID:string... [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]", "Gives a consumer entries that others had pending."},
  {"XPENDING",   -3,    Keys::One(), kReadOnly,      Acl::kStream, XPending,   "5.0.0", "key group [filters=([IDLE min-idle-time@6.2.0] start:string end:string count [consumer])]", "Returns what was delivered to a group and not acknowledged."},
};
// clang-format on
static_assert(WellFormed(kStreamPendingCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> StreamPendingCommands() {
  return kStreamPendingCommands;
}

}  // namespace kiln
