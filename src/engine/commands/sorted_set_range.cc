// Sorted set commands about ranges: by rank, by score, by bytes.
//
// Every range is first read into a RangeQuery, then turned into ranks of the set at hand; reading,
// storing, counting and removing all start from there.

#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/number.h"
#include "engine/commands/call.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/groups.h"
#include "engine/commands/sorted_set_access.h"

namespace kiln {
namespace {

enum class RangeBy : uint8_t { kRank, kScore, kLex };

struct RangeQuery {
  RangeBy by = RangeBy::kRank;
  Order order = Order::kAscending;
  bool with_scores = false;
  int64_t offset = 0;
  int64_t limit = -1;  // negative: all

  int64_t start = 0;  // by rank; negative counts from the end
  int64_t stop = 0;
  ScoreRange scores;
  LexRange lex;
};

// "1.5" or "(1.5", as strtod() reads it: unlike scores, bounds may have spaces in front, be empty
// or overflow.
bool ReadScoreBound(std::string_view text, double* bound, bool* is_exclusive) {
  *is_exclusive = !text.empty() && text[0] == '(';
  if (*is_exclusive) text.remove_prefix(1);
  if (std::optional<double> number = ParseDouble(text)) {
    *bound = *number;
    return true;
  }
  std::string terminated(text);
  char* end = nullptr;
  *bound = std::strtod(terminated.c_str(), &end);
  return *end == '\0' && !std::isnan(*bound);
}

bool ReadScores(std::string_view min, std::string_view max, ScoreRange* range) {
  return ReadScoreBound(min, &range->min, &range->min_exclusive) &&
         ReadScoreBound(max, &range->max, &range->max_exclusive);
}

std::optional<LexBound> ReadLexBound(std::string_view text) {
  using Kind = LexBound::Kind;
  if (text == "-") return LexBound{Kind::kLowest, {}};
  if (text == "+") return LexBound{Kind::kHighest, {}};
  if (text.empty() || (text[0] != '[' && text[0] != '(')) return std::nullopt;
  return LexBound{text[0] == '[' ? Kind::kInclusive : Kind::kExclusive, text.substr(1)};
}

bool ReadLex(std::string_view min, std::string_view max, LexRange* range) {
  std::optional<LexBound> low = ReadLexBound(min);
  std::optional<LexBound> high = ReadLexBound(max);
  if (!low || !high) return false;
  *range = {*low, *high};
  return true;
}

// The two ends of the range, in the order in which they were given.
Error ReadEnds(std::string_view first, std::string_view second, RangeQuery* query) {
  if (query->by == RangeBy::kRank) {
    std::optional<int64_t> start = ParseInt64(first);
    std::optional<int64_t> stop = ParseInt64(second);
    if (!start || !stop) return Error::kNotInteger;
    query->start = *start;
    query->stop = *stop;
    return Error::kNone;
  }
  if (query->order == Order::kDescending) std::swap(first, second);
  if (query->by == RangeBy::kScore) {
    return ReadScores(first, second, &query->scores) ? Error::kNone : Error::kMinMaxNotFloat;
  }
  return ReadLex(first, second, &query->lex) ? Error::kNone : Error::kMinMaxNotString;
}

// Which options a command knows beside LIMIT.
struct RangeForm {
  RangeBy by = RangeBy::kRank;
  Order order = Order::kAscending;
  bool may_choose = false;  // BYSCORE, BYLEX, REV
  bool stores = false;      // no WITHSCORES
};

void ReadOptions(const RangeForm& form, ArgumentCursor& args, RangeQuery* query) {
  while (args.More()) {
    if (!form.stores && args.Take("WITHSCORES")) {
      query->with_scores = true;
    } else if (args.Left() >= 3 && args.Take("LIMIT")) {
      query->offset = args.Integer();
      query->limit = args.Integer();
    } else if (form.may_choose && query->order == Order::kAscending && args.Take("REV")) {
      query->order = Order::kDescending;
    } else if (form.may_choose && query->by == RangeBy::kRank && args.Take("BYLEX")) {
      query->by = RangeBy::kLex;
    } else if (form.may_choose && query->by == RangeBy::kRank && args.Take("BYSCORE")) {
      query->by = RangeBy::kScore;
    } else {
      args.Fail(Error::kSyntax);
    }
  }
}

// min, max and the options. False when the error is replied.
bool ReadQuery(Call& call, const RangeForm& form, RangeQuery* query) {
  query->by = form.by;
  query->order = form.order;
  std::string_view first = call.args.Text();
  std::string_view second = call.args.Text();
  ReadOptions(form, call.args, query);
  if (!call.args.ok()) return call.Fail(call.args.error()), false;
  if (query->limit != -1 && query->by == RangeBy::kRank) {
    call.FailText(
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (query->with_scores && query->by == RangeBy::kLex) {
    call.FailText("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  if (Error error = ReadEnds(first, second, query); error != Error::kNone) {
    return call.Fail(error), false;
  }
  return true;
}

// Ranks `start` to `stop`, counted from the end that `order` starts at.
RankRange RanksBetween(const SortedSet& set, int64_t start, int64_t stop, Order order) {
  auto size = static_cast<int64_t>(set.size());
  if (start < 0) start = std::max<int64_t>(start + size, 0);
  stop = std::min(stop < 0 ? stop + size : stop, size - 1);
  if (start > stop) return {};
  int64_t first = order == Order::kAscending ? start : size - 1 - stop;
  return {static_cast<size_t>(first), static_cast<size_t>(stop - start + 1)};
}

RankRange RanksOf(const SortedSet& set, const RangeQuery& query) {
  if (query.by == RangeBy::kRank) return RanksBetween(set, query.start, query.stop, query.order);
  if (query.offset < 0) return {};
  RankRange all = query.by == RangeBy::kScore ? set.RanksIn(query.scores) : set.RanksIn(query.lex);
  return all.Slice(static_cast<size_t>(query.offset), static_cast<size_t>(query.limit),
                   query.order);
}

void ReplyRange(Call& call, const RangeForm& form) {
  Key key = call.args.NextKey();
  RangeQuery query;
  if (!ReadQuery(call, form, &query)) return;
  StoreResult<SortedSet*> set = call.db.Find<SortedSet>(key);
  if (!set) return call.Fail(set.error());
  if (*set == nullptr) return call.reply.Array(0);
  RankRange ranks = RanksOf(**set, query);
  MemberReply reply(call.reply, query.with_scores);
  reply.Begin(ranks.count);
  (*set)->ForEachIn(ranks, query.order, reply);
}

// ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]
void ZRange(Call& call) {
  ReplyRange(call, {.may_choose = true});
}
// ZRANGEBYLEX key min max [LIMIT offset count]
void ZRangeByLex(Call& call) {
  ReplyRange(call, {.by = RangeBy::kLex});
}
// ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]
void ZRangeByScore(Call& call) {
  ReplyRange(call, {.by = RangeBy::kScore});
}
// ZREVRANGE key start stop [WITHSCORES]
void ZRevRange(Call& call) {
  ReplyRange(call, {.order = Order::kDescending});
}
// ZREVRANGEBYLEX key max min [LIMIT offset count]
void ZRevRangeByLex(Call& call) {
  ReplyRange(call, {.by = RangeBy::kLex, .order = Order::kDescending});
}
// ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]
void ZRevRangeByScore(Call& call) {
  ReplyRange(call, {.by = RangeBy::kScore, .order = Order::kDescending});
}

// ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]
void ZRangeStore(Call& call) {
  Key destination = call.args.NextKey();
  Key source = call.args.NextKey();
  RangeQuery query;
  if (!ReadQuery(call, {.may_choose = true, .stores = true}, &query)) return;
  StoreResult<SortedSet*> set = call.db.Find<SortedSet>(source);
  if (!set) return call.Fail(set.error());
  SortedSet result;
  if (*set != nullptr) {
    ZsetLimits limits = ZsetLimitsOf(call.settings());
    (*set)->ForEachIn(
        RanksOf(**set, query), Order::kAscending,
        [&](std::string_view member, double score) { result.AddNew(score, member, limits); });
  }
  StoreSortedSet(call, destination, std::move(result), "zrangestore");
}

void CountRange(Call& call, RangeBy by) {
  Key key = call.args.NextKey();
  RangeQuery query;
  if (!ReadQuery(call, {.by = by}, &query)) return;
  StoreResult<SortedSet*> set = call.db.Find<SortedSet>(key);
  if (!set) return call.Fail(set.error());
  call.reply.Integer(*set == nullptr ? 0 : static_cast<int64_t>(RanksOf(**set, query).count));
}

// ZCOUNT key min max
void ZCount(Call& call) {
  CountRange(call, RangeBy::kScore);
}
// ZLEXCOUNT key min max
void ZLexCount(Call& call) {
  CountRange(call, RangeBy::kLex);
}

void RemoveRange(Call& call, RangeBy by, std::string_view event) {
  Key key = call.args.NextKey();
  RangeQuery query;
  if (!ReadQuery(call, {.by = by}, &query)) return;
  StoreResult<SortedSet*> set = call.db.Change<SortedSet>(key);
  if (!set) return call.Fail(set.error());
  if (*set == nullptr) return call.reply.Integer(0);
  RankRange ranks = RanksOf(**set, query);
  (*set)->RemoveRange(ranks);
  if (ranks.count > 0) MembersRemoved(call, key, **set, ranks.count, event);
  call.reply.Integer(static_cast<int64_t>(ranks.count));
}

// ZREMRANGEBYLEX key min max
void ZRemRangeByLex(Call& call) {
  RemoveRange(call, RangeBy::kLex, "zremrangebylex");
}
// ZREMRANGEBYRANK key start stop
void ZRemRangeByRank(Call& call) {
  RemoveRange(call, RangeBy::kRank, "zremrangebyrank");
}
// ZREMRANGEBYSCORE key min max
void ZRemRangeByScore(Call& call) {
  RemoveRange(call, RangeBy::kScore, "zremrangebyscore");
}

// clang-format off
constexpr Command kRangeCommands[] = {
  // name              arity  keys                  flags              acl              handler           since    usage                                       summary
  {"ZCOUNT",           4,     Keys::One(),          kReadOnly | kFast, Acl::kSortedSet, ZCount,           "2.0.0", "key min:double max:double",                "Returns the number of members with scores in a range."},
  {"ZLEXCOUNT",        4,     Keys::One(),          kReadOnly | kFast, Acl::kSortedSet, ZLexCount,        "2.8.9", "key min max",                              "Returns the number of members in a range of bytes."},
  {"ZRANGE",           -4,    Keys::One(),          kReadOnly,         Acl::kSortedSet, ZRange,           "1.2.0", "key start:string stop:string [sortby=<BYSCORE|BYLEX>@6.2.0] [REV@6.2.0] [LIMIT limit=(offset count)@6.2.0] [WITHSCORES]", "Returns the members in a range of ranks, scores or bytes."},
  {"ZRANGEBYLEX",      -4,    Keys::One(),          kReadOnly,         Acl::kSortedSet, ZRangeByLex,      "2.8.9", "key min max [LIMIT limit=(offset count)]", "Returns the members in a range of bytes."},
  {"ZRANGEBYSCORE",    -4,    Keys::One(),          kReadOnly,         Acl::kSortedSet, ZRangeByScore,    "1.0.5", "key min:double max:double [WITHSCORES@2.0.0] [LIMIT limit=(offset count)]", "Returns the members with scores in a range."},
  {"ZRANGESTORE",      -5,    Keys::Range(1, 2, 1), kWrite | kGrows,   Acl::kSortedSet, ZRangeStore,      "6.2.0", "dst src min max [sortby=<BYSCORE|BYLEX>] [REV] [LIMIT limit=(offset count)]", "Stores a range of a sorted set at another key."},
  {"ZREMRANGEBYLEX",   4,     Keys::One(),          kWrite,            Acl::kSortedSet, ZRemRangeByLex,   "2.8.9", "key min max",                              "Removes the members in a range of bytes."},
  {"ZREMRANGEBYRANK",  4,     Keys::One(),          kWrite,            Acl::kSortedSet, ZRemRangeByRank,  "2.0.0", "key start stop",                           "Removes the members in a range of ranks."},
  {"ZREMRANGEBYSCORE", 4,     Keys::One(),          kWrite,            Acl::kSortedSet, ZRemRangeByScore, "1.2.0", "key min:double max:double",                "Removes the members with scores in a range."},
  {"ZREVRANGE",        -4,    Keys::One(),          kReadOnly,         Acl::kSortedSet, ZRevRange,        "1.2.0", "key start stop [WITHSCORES]",              "Returns the members in a range of ranks, the highest first."},
  {"ZREVRANGEBYLEX",   -4,    Keys::One(),          kReadOnly,         Acl::kSortedSet, ZRevRangeByLex,   "2.8.9", "key max min [LIMIT limit=(offset count)]", "Returns the members in a range of bytes, the highest first."},
  {"ZREVRANGEBYSCORE", -4,    Keys::One(),          kReadOnly,         Acl::kSortedSet, ZRevRangeByScore, "2.2.0", "key max:double min:double [WITHSCORES] [LIMIT limit=(offset count)]", "Returns the members with scores in a range, the highest first."},
};
// clang-format on
static_assert(WellFormed(kRangeCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> SortedSetRangeCommands() {
  return kRangeCommands;
}

}  // namespace kiln
