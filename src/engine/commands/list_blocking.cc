// List commands that wait for an element when there is none.

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/commands/block_timeout.h"
#include "engine/commands/groups.h"
#include "engine/commands/list_pop.h"
#include "engine/commands/replay_words.h"

namespace kiln {
namespace {

void BlockingPop(Call& call, End end) {
  std::vector<Key> keys;
  while (call.args.Left() > 1) keys.push_back(call.args.NextKey());
  uint64_t deadline_ms = 0;
  if (!ReadBlockTimeout(call, call.args.Text(), &deadline_ms)) return;
  FoundList found = FindFirstList(call, keys);
  if (found.has_failed) return;
  if (found.key == nullptr) {
    return call.Block(std::move(keys), deadline_ms, NullArrayText(call.reply));
  }
  call.reply.Array(2);
  call.reply.Bulk(found.key->text);
  call.ReplayAs({end == End::kHead ? "LPOP" : "RPOP", found.key->text});
  PopOne(call, *found.key, *found.list, end);
}

// BLPOP key [key ...] timeout
void BLPop(Call& call) {
  BlockingPop(call, End::kHead);
}
// BRPOP key [key ...] timeout
void BRPop(Call& call) {
  BlockingPop(call, End::kTail);
}

// BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]
void BLMPop(Call& call) {
  std::string_view timeout = call.args.Text();
  MultiPop pop;
  if (!ReadMultiPop(call, &pop)) return;
  uint64_t deadline_ms = 0;
  if (!ReadBlockTimeout(call, timeout, &deadline_ms)) return;
  FoundList found = FindFirstList(call, pop.keys);
  if (found.has_failed) return;
  if (found.key == nullptr) {
    return call.Block(std::move(pop.keys), deadline_ms, NullArrayText(call.reply));
  }
  call.reply.Array(2);
  call.reply.Bulk(found.key->text);
  ReplayPop(call, *found.key, pop.end, std::min(pop.count, found.list->size()));
  PopSeveral(call, *found.key, *found.list, pop.end, pop.count);
}

// The request with another name, and without its timeout.
void ReplayMove(Call& call, std::string_view name) {
  if (!call.is_journaled()) return;
  Arguments all = call.args.all();
  ReplayWords words(all.first(all.size() - 1));
  words.Put(0, name);
  call.ReplayAs(words.all());
}

void BlockingMove(Call& call, const Key& source_key, const Key& target_key, const Move& move,
                  std::string_view replayed_as) {
  uint64_t deadline_ms = 0;
  if (!ReadBlockTimeout(call, call.args.Text(), &deadline_ms)) return;
  FoundList source = FindFirstList(call, {source_key});
  if (source.has_failed) return;
  if (source.key != nullptr) {
    MoveElement(call, source_key, *source.list, target_key, move);
    if (!call.reply.HasError()) ReplayMove(call, replayed_as);
    return;
  }
  // Redis answers a null where it may not wait, but a null array when the wait is over.
  if (!call.may_block) return call.reply.Null();
  call.Block({source_key}, deadline_ms, NullArrayText(call.reply));
}

// BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout
void BLMove(Call& call) {
  Key source = call.args.NextKey();
  Key target = call.args.NextKey();
  End from = TakeEnd(call.args);
  End to = TakeEnd(call.args);
  if (!call.args.ok()) return call.Fail(call.args.error());
  BlockingMove(call, source, target, {from, to}, "LMOVE");
}

// BRPOPLPUSH source destination timeout
void BRPopLPush(Call& call) {
  Key source = call.args.NextKey();
  Key target = call.args.NextKey();
  BlockingMove(call, source, target, {End::kTail, End::kHead}, "RPOPLPUSH");
}

// clang-format off
constexpr Command kBlockingListCommands[] = {
  // name        arity  keys                          flags                              acl         handler     since    usage                                                      summary
  {"BLMOVE",     6,     Keys::Range(1, 2, 1),         kWrite | kGrows | kBlocking,       Acl::kList, BLMove,     "6.2.0", "source destination wherefrom=<LEFT|RIGHT> whereto=<LEFT|RIGHT> timeout", "Moves an element from an end of a list to an end of another and returns it; waits for one."},
  {"BLMPOP",     -5,    Keys::By(FindCountedKeys<2>), kWrite | kBlocking | kMovableKeys, Acl::kList, BLMPop,     "7.0.0", "timeout numkeys key... where=<LEFT|RIGHT> [COUNT count]", "Removes and returns elements of the first list that has some; waits for one."},
  {"BLPOP",      -3,    Keys::Range(1, -2, 1),        kWrite | kBlocking,                Acl::kList, BLPop,      "2.0.0", "key... timeout",                                          "Removes and returns the first element of the first list that has some; waits for one."},
  {"BRPOP",      -3,    Keys::Range(1, -2, 1),        kWrite | kBlocking,                Acl::kList, BRPop,      "2.0.0", "key... timeout",                                          "Removes and returns the last element of the first list that has some; waits for one."},
  {"BRPOPLPUSH", 4,     Keys::Range(1, 2, 1),         kWrite | kGrows | kBlocking,       Acl::kList, BRPopLPush, "2.2.0", "source destination timeout",                              "Moves the last element of a list to the head of another and returns it; waits for one."},
};
// clang-format on
static_assert(WellFormed(kBlockingListCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> BlockingListCommands() {
  return kBlockingListCommands;
}

}  // namespace kiln
