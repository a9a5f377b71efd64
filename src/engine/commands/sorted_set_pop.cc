// Sorted set commands that take the lowest or the highest members, and those that wait for some.

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/commands/block_timeout.h"
#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/replay_words.h"
#include "engine/commands/sorted_set_access.h"

namespace kiln {
namespace {

// What to pop, and how the reply looks.
struct PopRequest {
  Order end;  // kAscending: the lowest
  size_t count = 1;
  bool names_key = false;  // the key comes first
  bool in_pairs = false;   // [[member score] ...] instead of [member score ...]
};

void ReplyPopHead(Reply& reply, const Key& key, size_t members, const PopRequest& request) {
  if (!request.in_pairs) {
    reply.Array(members * 2 + (request.names_key ? 1 : 0));
    if (request.names_key) reply.Bulk(key.text);
    return;
  }
  if (request.names_key) {
    reply.Array(2);
    reply.Bulk(key.text);
  }
  reply.Array(members);
}

void PopFrom(Call& call, const Key& key, SortedSet& set, const PopRequest& request) {
  size_t members = std::min(request.count, set.size());
  ReplyPopHead(call.reply, key, members, request);
  set.Pop(request.end, request.count, [&](std::string_view member, double score) {
    if (request.in_pairs) call.reply.Array(2);
    call.reply.Bulk(member);
    call.reply.Double(score);
  });
  if (members == 0) return;
  MembersRemoved(call, key, set, members, request.end == Order::kAscending ? "zpopmin" : "zpopmax");
}

// What was popped for whom several keys were named.
void ReplayPop(Call& call, const Key& key, size_t members, const PopRequest& request) {
  if (!call.is_journaled()) return;
  std::string_view name = request.end == Order::kAscending ? "ZPOPMIN" : "ZPOPMAX";
  if (request.in_pairs) {
    call.ReplayAs({name, key.text, Digits(uint64_t{members})});
  } else {
    call.ReplayAs({name, key.text});
  }
}

// Pops from the first key that has members and replies; false when none has. A key of another type
// is an error, but whoever waits already goes on waiting.
bool PopFirst(Call& call, const std::vector<Key>& keys, const PopRequest& request) {
  for (const Key& key : keys) {
    StoreResult<SortedSet*> set = call.db.Change<SortedSet>(key);
    if (!set && call.is_retry) continue;
    if (!set) return call.Fail(set.error()), true;
    if (*set == nullptr) continue;
    ReplayPop(call, key, std::min(request.count, (*set)->size()), request);
    PopFrom(call, key, **set, request);
    return true;
  }
  return false;
}

void PopOne(Call& call, Order end) {
  Key key = call.args.NextKey();
  if (call.args.Left() > 1) return call.Fail(Error::kSyntax);
  PopRequest request{.end = end};
  if (call.args.More()) {
    int64_t count = call.args.Integer(Error::kNotPositive);
    if (!call.args.ok() || count < 0) return call.Fail(Error::kNotPositive);
    request.count = static_cast<size_t>(count);
    request.in_pairs = call.reply.version() >= 3;
  }
  StoreResult<SortedSet*> set = call.db.Change<SortedSet>(key);
  if (!set) return call.Fail(set.error());
  if (*set == nullptr || request.count == 0) return call.reply.Array(0);
  PopFrom(call, key, **set, request);
}

// ZPOPMIN key [count]
void ZPopMin(Call& call) {
  PopOne(call, Order::kAscending);
}
// ZPOPMAX key [count]
void ZPopMax(Call& call) {
  PopOne(call, Order::kDescending);
}

// A number of at least 1, or this error is replied.
bool ReadPositive(Call& call, std::string_view error, uint64_t* number) {
  int64_t read = call.args.Integer();
  if (!call.args.ok() || read < 1) return call.FailText(error), false;
  *number = static_cast<uint64_t>(read);
  return true;
}

// "numkeys key [key ...] MIN | MAX [COUNT count]". False when an error is replied.
bool ReadManyKeyed(Call& call, std::vector<Key>* keys, PopRequest* request) {
  uint64_t key_count = 0;
  if (!ReadPositive(call, "ERR numkeys should be greater than 0", &key_count)) return false;
  if (key_count >= call.args.Left()) return call.Fail(Error::kSyntax), false;
  keys->reserve(key_count);
  for (uint64_t i = 0; i < key_count; ++i) keys->push_back(call.args.NextKey());
  if (call.args.Take("MAX"))
    request->end = Order::kDescending;
  else if (call.args.Take("MIN"))
    request->end = Order::kAscending;
  else
    return call.Fail(Error::kSyntax), false;
  if (call.args.Left() >= 2 && call.args.Take("COUNT")) {
    uint64_t count = 0;
    if (!ReadPositive(call, "ERR count should be greater than 0", &count)) return false;
    request->count = count;
  }
  if (!call.args.Done()) return call.Fail(call.args.error()), false;
  return true;
}

// ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]
void ZMPop(Call& call) {
  std::vector<Key> keys;
  PopRequest request{.end = Order::kAscending, .names_key = true, .in_pairs = true};
  if (!ReadManyKeyed(call, &keys, &request)) return;
  if (!PopFirst(call, keys, request)) call.reply.NullArray();
}

void PopOrWait(Call& call, std::vector<Key> keys, const PopRequest& request,
               std::string_view timeout) {
  uint64_t deadline_ms = 0;
  if (!ReadBlockTimeout(call, timeout, &deadline_ms)) return;
  if (PopFirst(call, keys, request)) return;
  call.Block(std::move(keys), deadline_ms, NullArrayText(call.reply));
}

void BlockingPop(Call& call, Order end) {
  std::vector<Key> keys;
  while (call.args.Left() > 1) keys.push_back(call.args.NextKey());
  PopOrWait(call, std::move(keys), {.end = end, .names_key = true}, call.args.Text());
}

// BZPOPMIN key [key ...] timeout
void BZPopMin(Call& call) {
  BlockingPop(call, Order::kAscending);
}
// BZPOPMAX key [key ...] timeout
void BZPopMax(Call& call) {
  BlockingPop(call, Order::kDescending);
}

// BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]
void BZMPop(Call& call) {
  std::string_view timeout = call.args.Text();
  std::vector<Key> keys;
  PopRequest request{.end = Order::kAscending, .names_key = true, .in_pairs = true};
  if (!ReadManyKeyed(call, &keys, &request)) return;
  PopOrWait(call, std::move(keys), request, timeout);
}

// clang-format off
constexpr Command kPopCommands[] = {
  // name      arity  keys                          flags                             acl              handler   since    usage                                                   summary
  {"BZMPOP",   -5,    Keys::By(FindCountedKeys<2>), kWrite | kBlocking | kMovableKeys, Acl::kSortedSet, BZMPop,   "7.0.0", "timeout numkeys key... where=<MIN|MAX> [COUNT count]", "Pops members from the first sorted set that has some, or waits for them."},
  {"BZPOPMAX", -3,    Keys::Range(1, -2, 1),        kWrite | kFast | kBlocking,        Acl::kSortedSet, BZPopMax, "5.0.0", "key... timeout",                                       "Pops the highest member of the first sorted set that has one, or waits for it."},
  {"BZPOPMIN", -3,    Keys::Range(1, -2, 1),        kWrite | kFast | kBlocking,        Acl::kSortedSet, BZPopMin, "5.0.0", "key... timeout",                                       "Pops the lowest member of the first sorted set that has one, or waits for it."},
  {"ZMPOP",    -4,    Keys::By(FindCountedKeys<1>), kWrite | kMovableKeys,             Acl::kSortedSet, ZMPop,    "7.0.0", "numkeys key... where=<MIN|MAX> [COUNT count]",         "Pops members from the first sorted set that has some."},
  {"ZPOPMAX",  -2,    Keys::One(),                  kWrite | kFast,                    Acl::kSortedSet, ZPopMax,  "5.0.0", "key [count]",                                          "Removes the members with the highest scores and returns them."},
  {"ZPOPMIN",  -2,    Keys::One(),                  kWrite | kFast,                    Acl::kSortedSet, ZPopMin,  "5.0.0", "key [count]",                                          "Removes the members with the lowest scores and returns them."},
};
// clang-format on
static_assert(WellFormed(kPopCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> SortedSetPopCommands() {
  return kPopCommands;
}

}  // namespace kiln
