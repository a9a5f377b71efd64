// List commands that answer at once. Those that may wait are in list_blocking.cc.

#include <algorithm>

#include "engine/commands/command_errors.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/groups.h"
#include "engine/commands/list_pop.h"

namespace kiln {
namespace {

enum class IfAbsent : uint8_t { kCreate, kDoNothing };

void Push(Call& call, End end, IfAbsent if_absent) {
  Key key = call.args.NextKey();
  Arguments elements = call.args.Rest();
  StoreResult<List*> list =
      if_absent == IfAbsent::kCreate ? call.db.FindOrCreate<List>(key) : call.db.Change<List>(key);
  if (!list) return call.Fail(list.error());
  if (*list == nullptr) return call.reply.Integer(0);

  ListLimits limits = ListLimitsOf(call.settings());
  size_t bytes = 0;
  for (std::string_view element : elements) bytes += element.size();
  (*list)->PrepareGrowth(bytes, elements.size(), limits);
  for (std::string_view element : elements) (*list)->Add(end, element, limits);
  call.reply.Integer(static_cast<int64_t>((*list)->size()));
  call.Changed(key, kEventList, end == End::kHead ? "lpush" : "rpush");
  call.CountAs(elements.size());
}

// LPUSH key element [element ...]
void LPush(Call& call) {
  Push(call, End::kHead, IfAbsent::kCreate);
}
// LPUSHX key element [element ...]
void LPushX(Call& call) {
  Push(call, End::kHead, IfAbsent::kDoNothing);
}
// RPUSH key element [element ...]
void RPush(Call& call) {
  Push(call, End::kTail, IfAbsent::kCreate);
}
// RPUSHX key element [element ...]
void RPushX(Call& call) {
  Push(call, End::kTail, IfAbsent::kDoNothing);
}

void Pop(Call& call, End end) {
  Key key = call.args.NextKey();
  if (call.args.Left() > 1) return call.FailText(ArityErrorText(call.command));
  bool has_count = call.args.More();
  int64_t count = has_count ? call.args.Integer(Error::kNotPositive) : 1;
  if (!call.args.ok() || count < 0) return call.Fail(Error::kNotPositive);
  StoreResult<List*> list = call.db.Change<List>(key);
  if (!list) return call.Fail(list.error());
  if (*list == nullptr) return has_count ? call.reply.NullArray() : call.reply.Null();
  if (!has_count) return PopOne(call, key, **list, end);
  if (count == 0) return call.reply.Array(0);
  PopSeveral(call, key, **list, end, static_cast<size_t>(count));
}

// LPOP key [count]
void LPop(Call& call) {
  Pop(call, End::kHead);
}
// RPOP key [count]
void RPop(Call& call) {
  Pop(call, End::kTail);
}

// LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]
void LMPop(Call& call) {
  MultiPop pop;
  if (!ReadMultiPop(call, &pop)) return;
  FoundList found = FindFirstList(call, pop.keys);
  if (found.has_failed) return;
  if (found.key == nullptr) return call.reply.NullArray();
  call.reply.Array(2);
  call.reply.Bulk(found.key->text);
  ReplayPop(call, *found.key, pop.end, std::min(pop.count, found.list->size()));
  PopSeveral(call, *found.key, *found.list, pop.end, pop.count);
}

void MoveBetween(Call& call, const Key& source_key, const Key& target_key, const Move& move) {
  StoreResult<List*> source = call.db.Change<List>(source_key);
  if (!source) return call.Fail(source.error());
  if (*source == nullptr) return call.reply.Null();
  MoveElement(call, source_key, **source, target_key, move);
}

// LMOVE source destination LEFT|RIGHT LEFT|RIGHT
void LMove(Call& call) {
  Key source = call.args.NextKey();
  Key target = call.args.NextKey();
  End from = TakeEnd(call.args);
  End to = TakeEnd(call.args);
  if (!call.args.ok()) return call.Fail(call.args.error());
  MoveBetween(call, source, target, {from, to});
}

// RPOPLPUSH source destination
void RPopLPush(Call& call) {
  Key source = call.args.NextKey();
  Key target = call.args.NextKey();
  MoveBetween(call, source, target, {End::kTail, End::kHead});
}

// LLEN key
void LLen(Call& call) {
  StoreResult<List*> list = call.db.Find<List>(call.args.NextKey());
  if (!list) return call.Fail(list.error());
  call.reply.Integer(*list == nullptr ? 0 : static_cast<int64_t>((*list)->size()));
}

// LINDEX key index
void LIndex(Call& call) {
  StoreResult<List*> list = call.db.Find<List>(call.args.NextKey());
  if (!list) return call.Fail(list.error());
  if (*list == nullptr) return call.reply.Null();
  int64_t index = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  std::optional<Element> element = (*list)->Index(index);
  if (!element) return call.reply.Null();
  ReplyElement(call, *element);
}

// LSET key index element
void LSet(Call& call) {
  Key key = call.args.NextKey();
  StoreResult<List*> list = call.db.Change<List>(key);
  if (!list) return call.Fail(list.error());
  if (*list == nullptr) return call.Fail(Error::kNoSuchKey);
  int64_t index = call.args.Integer();
  std::string_view element = call.args.Text();
  if (!call.args.ok()) return call.Fail(call.args.error());
  if (!(*list)->Set(index, element, ListLimitsOf(call.settings()))) {
    return call.Fail(Error::kIndexOutOfRange);
  }
  call.reply.Ok();
  call.Changed(key, kEventList, "lset");
}

// LINSERT key BEFORE|AFTER pivot element
void LInsert(Call& call) {
  Key key = call.args.NextKey();
  Side side = call.args.Take("AFTER") ? Side::kAfter : Side::kBefore;
  if (side == Side::kBefore && !call.args.Take("BEFORE")) return call.Fail(Error::kSyntax);
  std::string_view pivot = call.args.Text();
  std::string_view element = call.args.Text();
  StoreResult<List*> list = call.db.Change<List>(key);
  if (!list) return call.Fail(list.error());
  if (*list == nullptr) return call.reply.Integer(0);
  if (!(*list)->Insert(side, pivot, element, ListLimitsOf(call.settings()))) {
    return call.reply.Integer(-1);
  }
  call.reply.Integer(static_cast<int64_t>((*list)->size()));
  call.Changed(key, kEventList, "linsert");
}

// LRANGE key start stop
void LRange(Call& call) {
  Key key = call.args.NextKey();
  int64_t start = call.args.Integer();
  int64_t stop = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  StoreResult<List*> list = call.db.Find<List>(key);
  if (!list) return call.Fail(list.error());
  if (*list == nullptr) return call.reply.Array(0);
  ListSlice slice = List::Resolve(start, stop, (*list)->size());
  call.reply.Array(slice.count);
  (*list)->ForEach(slice, [&](const Element& element) { ReplyElement(call, element); });
}

// LTRIM key start stop
void LTrim(Call& call) {
  Key key = call.args.NextKey();
  int64_t start = call.args.Integer();
  int64_t stop = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  StoreResult<List*> list = call.db.Change<List>(key);
  if (!list) return call.Fail(list.error());
  call.reply.Ok();
  if (*list == nullptr) return;
  size_t before = (*list)->size();
  (*list)->Trim(List::Resolve(start, stop, before), ListLimitsOf(call.settings()));
  call.Changed(key, kEventList, "ltrim");
  call.CountAs(before - (*list)->size());
  if (call.db.DeleteIfEmpty(key, **list)) call.db.Notify(kEventGeneric, "del", key.text);
}

// LREM key count element
void LRem(Call& call) {
  Key key = call.args.NextKey();
  int64_t count = call.args.Integer();
  std::string_view element = call.args.Text();
  if (!call.args.ok()) return call.Fail(call.args.error());
  StoreResult<List*> list = call.db.Change<List>(key);
  if (!list) return call.Fail(list.error());
  size_t removed =
      *list == nullptr ? 0 : (*list)->Remove(count, element, ListLimitsOf(call.settings()));
  call.reply.Integer(static_cast<int64_t>(removed));
  if (removed == 0) return;
  call.Changed(key, kEventList, "lrem");
  call.CountAs(removed);
  if (call.db.DeleteIfEmpty(key, **list)) call.db.Notify(kEventGeneric, "del", key.text);
}

// Reads "RANK rank", "COUNT matches" and "MAXLEN length"; the error's text, or empty.
std::string_view ReadPositionQuery(ArgumentCursor& args, PositionQuery* query, bool* has_count) {
  while (args.More()) {
    if (args.Left() >= 2 && args.Take("RANK")) {
      query->rank = args.Integer();
      if (!args.ok()) return TextOf(args.error());
      if (query->rank == 0) {
        return "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
               "or use negative to start from the end of the list";
      }
      if (query->rank == INT64_MIN) {
        return "ERR value is out of range, value must between -9223372036854775807 and "
               "9223372036854775807";
      }
    } else if (args.Left() >= 2 && args.Take("COUNT")) {
      int64_t count = args.Integer();
      if (!args.ok() || count < 0) return "ERR COUNT can't be negative";
      query->max_found = static_cast<size_t>(count);
      *has_count = true;
    } else if (args.Left() >= 2 && args.Take("MAXLEN")) {
      int64_t length = args.Integer();
      if (!args.ok() || length < 0) return "ERR MAXLEN can't be negative";
      query->max_compared = static_cast<size_t>(length);
    } else {
      return TextOf(Error::kSyntax);
    }
  }
  return {};
}

// LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]
void LPos(Call& call) {
  Key key = call.args.NextKey();
  std::string_view element = call.args.Text();
  PositionQuery query{.rank = 1, .max_found = 1, .max_compared = 0};
  bool has_count = false;
  std::string_view error = ReadPositionQuery(call.args, &query, &has_count);
  if (!error.empty()) return call.FailText(error);
  StoreResult<List*> list = call.db.Find<List>(key);
  if (!list) return call.Fail(list.error());
  std::vector<size_t> found;
  if (*list != nullptr) found = (*list)->Positions(element, query);
  if (has_count) {
    call.reply.Array(found.size());
  } else if (found.empty()) {
    call.reply.Null();
  }
  for (size_t index : found) call.reply.Integer(static_cast<int64_t>(index));
}

// clang-format off
constexpr Command kListCommands[] = {
  // name       arity  keys                                flags                    acl         handler    since    usage                                                       summary
  {"LINDEX",    3,     Keys::One(),                        kReadOnly,               Acl::kList, LIndex,    "1.0.0", "key index",                                                "Returns the element of a list at an index."},
  {"LINSERT",   5,     Keys::One(),                        kWrite | kGrows,         Acl::kList, LInsert,   "2.2.0", "key where=<BEFORE|AFTER> pivot element",                   "Inserts an element beside another one of a list."},
  {"LLEN",      2,     Keys::One(),                        kReadOnly | kFast,       Acl::kList, LLen,      "1.0.0", "key",                                                      "Returns the length of a list."},
  {"LMOVE",     5,     Keys::Range(1, 2, 1),               kWrite | kGrows,         Acl::kList, LMove,     "6.2.0", "source destination wherefrom=<LEFT|RIGHT> whereto=<LEFT|RIGHT>", "Moves an element from an end of a list to an end of another and returns it."},
  {"LMPOP",     -4,    Keys::By(FindCountedKeys<1>),       kWrite | kMovableKeys,   Acl::kList, LMPop,     "7.0.0", "numkeys key... where=<LEFT|RIGHT> [COUNT count]",          "Removes and returns elements of the first list that has some."},
  {"LPOP",      -2,    Keys::One(),                        kWrite | kFast,          Acl::kList, LPop,      "1.0.0", "key [count@6.2.0]",                                        "Removes and returns elements from the head of a list."},
  {"LPOS",      -3,    Keys::One(),                        kReadOnly,               Acl::kList, LPos,      "6.0.6", "key element [RANK rank] [COUNT num-matches] [MAXLEN len]", "Returns where an element stands in a list."},
  {"LPUSH",     -3,    Keys::One(),                        kWrite | kGrows | kFast, Acl::kList, LPush,     "1.0.0", "key element...",                                           "Pushes elements to the head of a list."},
  {"LPUSHX",    -3,    Keys::One(),                        kWrite | kGrows | kFast, Acl::kList, LPushX,    "2.2.0", "key element...",                                           "Pushes elements to the head of a list that exists."},
  {"LRANGE",    4,     Keys::One(),                        kReadOnly,               Acl::kList, LRange,    "1.0.0", "key start stop",                                           "Returns a range of elements of a list."},
  {"LREM",      4,     Keys::One(),                        kWrite,                  Acl::kList, LRem,      "1.0.0", "key count element",                                        "Removes elements equal to one given from a list."},
  {"LSET",      4,     Keys::One(),                        kWrite | kGrows,         Acl::kList, LSet,      "1.0.0", "key index element",                                        "Replaces the element of a list at an index."},
  {"LTRIM",     4,     Keys::One(),                        kWrite,                  Acl::kList, LTrim,     "1.0.0", "key start stop",                                           "Removes what lies outside a range from a list."},
  {"RPOP",      -2,    Keys::One(),                        kWrite | kFast,          Acl::kList, RPop,      "1.0.0", "key [count@6.2.0]",                                        "Removes and returns elements from the tail of a list."},
  {"RPOPLPUSH", 3,     Keys::Range(1, 2, 1),               kWrite | kGrows,         Acl::kList, RPopLPush, "1.2.0", "source destination",                                       "Moves the last element of a list to the head of another and returns it."},
  {"RPUSH",     -3,    Keys::One(),                        kWrite | kGrows | kFast, Acl::kList, RPush,     "1.0.0", "key element...",                                           "Pushes elements to the tail of a list."},
  {"RPUSHX",    -3,    Keys::One(),                        kWrite | kGrows | kFast, Acl::kList, RPushX,    "2.2.0", "key element...",                                           "Pushes elements to the tail of a list that exists."},
};
// clang-format on
static_assert(WellFormed(kListCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ListCommands() {
  return kListCommands;
}

}  // namespace kiln
