#include "engine/commands/list_pop.h"

#include <algorithm>
#include <string>

#include "engine/commands/encoding_limits.h"
#include "engine/commands/replay_words.h"

namespace kiln {

void ReplyElement(Call& call, const Element& element) {
  if (element.is_int) return call.reply.BulkInteger(element.integer);
  call.reply.Bulk(element.text);
}

void ElementsPopped(Call& call, const Key& key, const List& list, End end, size_t count) {
  call.Changed(key, kEventList, end == End::kHead ? "lpop" : "rpop");
  call.CountAs(count);
  if (call.db.DeleteIfEmpty(key, list)) call.db.Notify(kEventGeneric, "del", key.text);
}

void PopOne(Call& call, const Key& key, List& list, End end) {
  list.Pop(end, ListLimitsOf(call.settings()),
           [&](const Element& element) { ReplyElement(call, element); });
  ElementsPopped(call, key, list, end, 1);
}

void PopSeveral(Call& call, const Key& key, List& list, End end, size_t count) {
  count = std::min(count, list.size());
  call.reply.Array(count);
  list.ForEach(
      {0, count}, [&](const Element& element) { ReplyElement(call, element); }, end);
  list.Drop(end, count, ListLimitsOf(call.settings()));
  ElementsPopped(call, key, list, end, count);
}

void ReplayPop(Call& call, const Key& key, End end, size_t count) {
  if (!call.is_journaled()) return;
  call.ReplayAs({end == End::kHead ? "LPOP" : "RPOP", key.text, Digits(uint64_t{count})});
}

void MoveElement(Call& call, const Key& source_key, List& source, const Key& target_key,
                 const Move& move) {
  StoreResult<List*> target = call.db.FindOrCreate<List>(target_key);
  if (!target) return call.Fail(target.error());
  ListLimits limits = ListLimitsOf(call.settings());
  std::string moved;  // a copy, for the lists may be the same
  source.Pop(move.from, limits, [&](const Element& element) {
    ElementScratch scratch;
    moved = element.ToString(scratch);
  });
  (*target)->Push(move.to, moved, limits);
  call.reply.Bulk(moved);
  call.Changed(target_key, kEventList, move.to == End::kHead ? "lpush" : "rpush");
  // The two ends of a move are one change.
  ElementsPopped(call, source_key, source, move.from, 0);
}

End TakeEnd(ArgumentCursor& args) {
  if (args.Take("RIGHT")) return End::kTail;
  if (!args.Take("LEFT")) args.Fail(Error::kSyntax);
  return End::kHead;
}

namespace {

// A number of at least 1, or the error is replied.
bool ReadPositive(Call& call, std::string_view error, size_t* number) {
  int64_t read = call.args.Integer();
  if (!call.args.ok() || read < 1) {
    call.FailText(error);
    return false;
  }
  *number = static_cast<size_t>(read);
  return true;
}

}  // namespace

bool ReadMultiPop(Call& call, MultiPop* pop) {
  ArgumentCursor& args = call.args;
  size_t key_count = 0;
  if (!ReadPositive(call, "ERR numkeys should be greater than 0", &key_count)) return false;
  for (size_t i = 0; i < key_count && args.More(); ++i) pop->keys.push_back(args.NextKey());
  pop->end = TakeEnd(args);
  if (args.Left() >= 2 && args.Take("COUNT") &&
      !ReadPositive(call, "ERR count should be greater than 0", &pop->count)) {
    return false;
  }
  if (args.Done()) return true;
  call.Fail(args.error());
  return false;
}

FoundList FindFirstList(Call& call, const std::vector<Key>& keys) {
  bool wrong_type = false;
  FoundList found;
  for (const Key& key : keys) {
    StoreResult<List*> list = call.db.Change<List>(key);
    wrong_type |= !list;
    if (!list && !call.is_retry) break;
    if (!list || *list == nullptr) continue;
    found = {&key, *list, false};
    break;
  }
  if (wrong_type && (found.key != nullptr || !call.is_retry)) {
    call.Fail(Error::kWrongType);
    return {nullptr, nullptr, true};
  }
  return found;
}

}  // namespace kiln
