// Sorted set commands about single members. Ranges: sorted_set_range.cc; several sets:
// sorted_set_combine.cc.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "base/number.h"
#include "engine/commands/add_options.h"
#include "engine/commands/call.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/groups.h"
#include "engine/commands/sample.h"
#include "engine/commands/scan_options.h"
#include "engine/commands/sorted_set_access.h"

namespace kiln {
namespace {

using AddResult = SortedSet::AddResult;

struct AddCounts {
  size_t added = 0;
  size_t updated = 0;

  void Count(AddResult result) {
    added += result == AddResult::kAdded;
    updated += result == AddResult::kUpdated;
  }
};

// The scores of (score, member) pairs, read before anything changes.
class Scores {
 public:
  // False when a text is no number.
  bool Read(Arguments pairs) {
    size_t count = pairs.size() / 2;
    if (count > kFew) many_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      std::optional<double> score = ParseDouble(pairs[2 * i]);
      if (!score) return false;
      data()[i] = *score;
    }
    return true;
  }
  double operator[](size_t i) const { return many_.empty() ? few_[i] : many_[i]; }

 private:
  static constexpr size_t kFew = 16;
  double* data() { return many_.empty() ? few_ : many_.data(); }

  double few_[kFew];
  std::vector<double> many_;
};

// What is wrong with the options and the pairs behind them; empty when nothing is.
std::string_view ConflictIn(const AddOptions& options, Arguments pairs) {
  if (pairs.empty() || pairs.size() % 2 != 0) return TextOf(Error::kSyntax);
  if (options.only_new && options.only_present) {
    return "ERR XX and NX options at the same time are not compatible";
  }
  if (options.only_new + options.only_greater + options.only_less > 1) {
    return "ERR GT, LT, and/or NX options at the same time are not compatible";
  }
  if (options.increments && pairs.size() > 2) {
    return "ERR INCR option supports a single increment-element pair";
  }
  return {};
}

// Adds one member if the options allow it: nothing when they don't, or when *score, which becomes
// the member's new score, is not a number.
std::optional<AddResult> AddUnder(const AddOptions& options, SortedSet& set,
                                  std::string_view member, double* score,
                                  const ZsetLimits& limits) {
  std::optional<double> present = set.Score(member);
  if (present ? options.only_new : options.only_present) return std::nullopt;
  if (present) {
    if (options.increments) *score += *present;
    if (std::isnan(*score)) return std::nullopt;
    if (options.only_less && *score >= *present) return std::nullopt;
    if (options.only_greater && *score <= *present) return std::nullopt;
  }
  return set.Add(*score, member, limits);
}

void AddPairs(Call& call, const Key& key, const AddOptions& options, Arguments pairs) {
  Scores scores;
  if (!scores.Read(pairs)) return call.Fail(Error::kNotFloat);
  StoreResult<SortedSet*> set =
      options.only_present ? call.db.Change<SortedSet>(key) : call.db.FindOrCreate<SortedSet>(key);
  if (!set) return call.Fail(set.error());
  if (*set == nullptr) return options.increments ? call.reply.Null() : call.reply.Integer(0);

  ZsetLimits limits = ZsetLimitsOf(call.settings());
  AddCounts counts;
  double score = 0;
  bool is_refused = false;
  for (size_t i = 0; i < pairs.size() / 2; ++i) {
    score = scores[i];
    std::string_view member = pairs[2 * i + 1];
    if (options.AreConditional()) {
      std::optional<AddResult> result = AddUnder(options, **set, member, &score, limits);
      is_refused = !result;
      if (result) counts.Count(*result);
    } else {
      counts.Count((*set)->Add(score, member, limits));
    }
  }
  if (counts.added + counts.updated > 0) {
    call.Changed(key, kEventSortedSet, options.increments ? "zincr" : "zadd");
    call.CountAs(counts.added + counts.updated);
  }
  if (!options.increments) {
    return call.reply.Integer(
        static_cast<int64_t>(counts.added + (options.counts_changed ? counts.updated : 0)));
  }
  if (std::isnan(score)) return call.FailText("ERR resulting score is not a number (NaN)");
  is_refused ? call.reply.Null() : call.reply.Double(score);
}

// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]
void ZAdd(Call& call) {
  Key key = call.args.NextKey();
  AddOptions options = TakeAddOptions(call.args, AddWords::kAll);
  Arguments pairs = call.args.Rest();
  if (std::string_view conflict = ConflictIn(options, pairs); !conflict.empty()) {
    return call.FailText(conflict);
  }
  AddPairs(call, key, options, pairs);
}

// ZINCRBY key increment member
void ZIncrBy(Call& call) {
  Key key = call.args.NextKey();
  AddPairs(call, key, {.increments = true}, call.args.Rest());
}

// ZREM key member [member ...]
void ZRem(Call& call) {
  Key key = call.args.NextKey();
  StoreResult<SortedSet*> set = call.db.Change<SortedSet>(key);
  if (!set) return call.Fail(set.error());
  size_t removed = 0;
  if (*set != nullptr) {
    for (std::string_view member : call.args.Rest()) removed += (*set)->Remove(member);
    if (removed > 0) MembersRemoved(call, key, **set, removed, "zrem");
  }
  call.reply.Integer(static_cast<int64_t>(removed));
}

// ZCARD key
void ZCard(Call& call) {
  StoreResult<SortedSet*> set = call.db.Find<SortedSet>(call.args.NextKey());
  if (!set) return call.Fail(set.error());
  call.reply.Integer(*set == nullptr ? 0 : static_cast<int64_t>((*set)->size()));
}

void ReplyScore(Reply& reply, const SortedSet* set, std::string_view member) {
  std::optional<double> score = set == nullptr ? std::nullopt : set->Score(member);
  score ? reply.Double(*score) : reply.Null();
}

// ZSCORE key member
void ZScore(Call& call) {
  StoreResult<SortedSet*> set = call.db.Find<SortedSet>(call.args.NextKey());
  if (!set) return call.Fail(set.error());
  ReplyScore(call.reply, *set, call.args.Text());
}

// ZMSCORE key member [member ...]
void ZMScore(Call& call) {
  StoreResult<SortedSet*> set = call.db.Find<SortedSet>(call.args.NextKey());
  if (!set) return call.Fail(set.error());
  Arguments members = call.args.Rest();
  call.reply.Array(members.size());
  for (std::string_view member : members) ReplyScore(call.reply, *set, member);
}

void ReplyRank(Call& call, Order order) {
  Key key = call.args.NextKey();
  std::string_view member = call.args.Text();
  bool with_score = call.args.Take("WITHSCORE");
  if (!call.args.Done()) return call.Fail(call.args.error());
  StoreResult<SortedSet*> set = call.db.Find<SortedSet>(key);
  if (!set) return call.Fail(set.error());
  std::optional<size_t> rank = *set == nullptr ? std::nullopt : (*set)->Rank(member, order);
  if (!rank) return with_score ? call.reply.NullArray() : call.reply.Null();
  if (with_score) call.reply.Array(2);
  call.reply.Integer(static_cast<int64_t>(*rank));
  if (with_score) ReplyScore(call.reply, *set, member);
}

constexpr size_t kMaxRankArguments = 4;

// ZRANK key member [WITHSCORE]
void ZRank(Call& call) {
  if (call.args.all().size() > kMaxRankArguments) {
    return call.FailText("ERR wrong number of arguments for 'zrank' command");
  }
  ReplyRank(call, Order::kAscending);
}

// ZREVRANK key member [WITHSCORE]
void ZRevRank(Call& call) {
  if (call.args.all().size() > kMaxRankArguments) {
    return call.FailText("ERR wrong number of arguments for 'zrevrank' command");
  }
  ReplyRank(call, Order::kDescending);
}

// [WITHSCORES] of ZRANDMEMBER, whose replies must be countable. False when an error is replied.
bool ReadWithScores(Call& call, int64_t count, bool* with_scores) {
  *with_scores = call.args.Take("WITHSCORES");
  if (!call.args.Done()) return call.Fail(call.args.error()), false;
  constexpr int64_t kMostPairs = std::numeric_limits<int64_t>::max() / 2;
  if (*with_scores && (count < -kMostPairs || count > kMostPairs)) {
    return call.Fail(Error::kOutOfRange), false;
  }
  return true;
}

void ReplySample(Call& call, const SortedSet& set, int64_t count, bool with_scores) {
  Random& random = call.db.context().random;
  auto draw = [&](auto&& f) { set.RandomMember(random, f); };
  MemberReply reply(call.reply, with_scores);
  if (count < 0) {
    uint64_t draws = 0 - static_cast<uint64_t>(count);
    reply.Begin(draws);
    return SampleWithRepeats(call, draws, draw, reply);
  }
  size_t wanted = std::min(static_cast<size_t>(count), set.size());
  reply.Begin(wanted);
  SampleDistinct(set, wanted, random, draw, reply);
}

// ZRANDMEMBER key [count [WITHSCORES]]
void ZRandMember(Call& call) {
  Key key = call.args.NextKey();
  bool has_count = call.args.More();
  int64_t count = 1;
  bool with_scores = false;
  if (has_count && !(ReadSampleCount(call, &count) && ReadWithScores(call, count, &with_scores)))
    return;
  StoreResult<SortedSet*> set = call.db.Find<SortedSet>(key);
  if (!set) return call.Fail(set.error());
  if (*set == nullptr) return has_count ? call.reply.Array(0) : call.reply.Null();
  if (has_count) return ReplySample(call, **set, count, with_scores);
  (*set)->RandomMember(call.db.context().random, MemberReply(call.reply, false));
}

// ZSCAN key cursor [MATCH pattern] [COUNT count]
void ZScan(Call& call) {
  auto visit = [](const ScanOptions& options, Reply& reply, std::string_view member,
                  double score) -> size_t {
    if (!options.Matches(member)) return 0;
    reply.Bulk(member);
    reply.Bulk(FormatDouble(score));  // text in both protocol versions, as in Redis
    return 2;
  };
  ScanCollection<SortedSet>(call, visit);
}

// clang-format off
constexpr Command kSortedSetCommands[] = {
  // name      arity  keys         flags                    acl              handler   since    usage                                       summary
  {"ZADD",     -4,    Keys::One(), kWrite | kGrows | kFast, Acl::kSortedSet, ZAdd,     "1.2.0", "key [condition=<NX|XX>@3.0.2] [comparison=<GT|LT>@6.2.0] [change=CH@3.0.2] [increment=INCR@3.0.2] data=(score member)...", "Adds members with scores to a sorted set, or changes their scores."},
  {"ZCARD",    2,     Keys::One(), kReadOnly | kFast,       Acl::kSortedSet, ZCard,    "1.2.0", "key",                                      "Returns the number of members."},
  {"ZINCRBY",  4,     Keys::One(), kWrite | kGrows | kFast, Acl::kSortedSet, ZIncrBy,  "1.2.0", "key increment member",                     "Adds to the score of a member, which is added if it is new."},
  {"ZMSCORE",  -3,    Keys::One(), kReadOnly | kFast,       Acl::kSortedSet, ZMScore,  "6.2.0", "key member...",                            "Returns the scores of several members."},
  {"ZRANDMEMBER", -2, Keys::One(), kReadOnly,               Acl::kSortedSet, ZRandMember, "6.2.0", "key [options=(count [WITHSCORES])]",       "Returns members chosen at random."},
  {"ZRANK",    -3,    Keys::One(), kReadOnly | kFast,       Acl::kSortedSet, ZRank,    "2.0.0", "key member [WITHSCORE]",                   "Returns how many members come before this one."},
  {"ZREM",     -3,    Keys::One(), kWrite | kFast,          Acl::kSortedSet, ZRem,     "1.2.0", "key member...",                            "Removes members, and the key with the last one."},
  {"ZREVRANK", -3,    Keys::One(), kReadOnly | kFast,       Acl::kSortedSet, ZRevRank, "2.0.0", "key member [WITHSCORE]",                   "Returns how many members come after this one."},
  {"ZSCAN",    -3,    Keys::One(), kReadOnly,               Acl::kSortedSet, ZScan,    "2.8.0", "key cursor [MATCH pattern] [COUNT count]", "Iterates over members and scores."},
  {"ZSCORE",   3,     Keys::One(), kReadOnly | kFast,       Acl::kSortedSet, ZScore,   "1.2.0", "key member",                               "Returns the score of a member."},
};
// clang-format on
static_assert(WellFormed(kSortedSetCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> SortedSetCommands() {
  return kSortedSetCommands;
}

}  // namespace kiln
