// Sorted set commands about several sets: unions, intersections, differences. Plain sets may take
// part: each of their members has the score 1.

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/number.h"
#include "engine/commands/call.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/groups.h"
#include "engine/commands/sorted_set_access.h"
#include "engine/store/types/set.h"

namespace kiln {
namespace {

enum class Operation : uint8_t { kUnion, kIntersect, kSubtract };
enum class Aggregate : uint8_t { kSum, kMin, kMax };

// One of the sets at hand; an absent key is one without members.
struct Input {
  const SortedSet* sorted = nullptr;
  const Set* plain = nullptr;
  double weight = 1;

  size_t size() const {
    return sorted != nullptr ? sorted->size() : plain != nullptr ? plain->size() : 0;
  }
  std::optional<double> Score(std::string_view member) const {
    if (sorted != nullptr) return sorted->Score(member);
    if (plain != nullptr && plain->Contains(member)) return 1;
    return std::nullopt;
  }
  // Calls f(member, score) for all.
  template <class F>
  void ForEach(F&& f) const {
    if (sorted != nullptr) return sorted->ForEach(f);
    if (plain == nullptr) return;
    plain->ForEach([&](const Element& element) {
      ElementScratch scratch;
      f(element.ToString(scratch), 1.0);
    });
  }
};

// What the arguments ask for.
struct Combination {
  std::vector<Input> inputs;
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  uint64_t limit = 0;  // of ZINTERCARD; 0 is none
};

// What a command lets its arguments say.
struct Form {
  Operation operation;
  bool stores = false;
  bool counts = false;
};

// Zero times infinity counts as zero, and so does the sum of opposite infinities.
double OrZero(double score) {
  return std::isnan(score) ? 0 : score;
}

double Join(Aggregate aggregate, double score, double other) {
  switch (aggregate) {
    case Aggregate::kSum:
      return OrZero(score + other);
    case Aggregate::kMin:
      return other < score ? other : score;
    case Aggregate::kMax:
      return other > score ? other : score;
  }
  return score;
}

bool ReadInput(Call& call, Combination* combination) {
  const Record* record = call.db.Find(call.args.NextKey());
  Input input;
  if (record != nullptr && record->type() == Type::kZset) {
    input.sorted = record->collection<SortedSet>();
  } else if (record != nullptr && record->type() == Type::kSet) {
    input.plain = record->collection<Set>();
  } else if (record != nullptr) {
    return call.Fail(Error::kWrongType), false;
  }
  combination->inputs.push_back(input);
  return true;
}

// "numkeys key [key ...]". False when an error is replied.
bool ReadInputs(Call& call, Combination* combination) {
  int64_t count = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error()), false;
  if (count < 1) {
    std::string name(call.command.name);
    for (char& c : name) c = static_cast<char>(c - 'A' + 'a');
    return call.FailText("ERR at least 1 input key is needed for '" + name + "' command"), false;
  }
  if (static_cast<uint64_t>(count) > call.args.Left()) return call.Fail(Error::kSyntax), false;
  combination->inputs.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    if (!ReadInput(call, combination)) return false;
  }
  return true;
}

bool ReadWeights(Call& call, Combination* combination) {
  for (Input& input : combination->inputs) {
    std::optional<double> weight = ParseDouble(call.args.Text());
    if (!weight) return call.FailText("ERR weight value is not a float"), false;
    input.weight = *weight;
  }
  return true;
}

bool ReadAggregate(Call& call, Combination* combination) {
  if (call.args.Take("SUM"))
    combination->aggregate = Aggregate::kSum;
  else if (call.args.Take("MIN"))
    combination->aggregate = Aggregate::kMin;
  else if (call.args.Take("MAX"))
    combination->aggregate = Aggregate::kMax;
  else
    return call.Fail(Error::kSyntax), false;
  return true;
}

bool ReadLimit(Call& call, Combination* combination) {
  int64_t limit = call.args.Integer();
  if (!call.args.ok() || limit < 0) return call.FailText("ERR LIMIT can't be negative"), false;
  combination->limit = static_cast<uint64_t>(limit);
  return true;
}

// The keys, then the options. False when an error is replied; wrong types are found before wrong
// options.
bool ReadCombination(Call& call, const Form& form, Combination* combination) {
  if (!ReadInputs(call, combination)) return false;
  bool has_weights = form.operation != Operation::kSubtract && !form.counts;
  ArgumentCursor& args = call.args;
  while (args.More()) {
    if (has_weights && args.Left() > combination->inputs.size() && args.Take("WEIGHTS")) {
      if (!ReadWeights(call, combination)) return false;
    } else if (has_weights && args.Left() >= 2 && args.Take("AGGREGATE")) {
      if (!ReadAggregate(call, combination)) return false;
    } else if (!form.stores && !form.counts && args.Take("WITHSCORES")) {
      combination->with_scores = true;
    } else if (form.counts && args.Left() >= 2 && args.Take("LIMIT")) {
      if (!ReadLimit(call, combination)) return false;
    } else {
      return call.Fail(Error::kSyntax), false;
    }
  }
  return true;
}

// Scores are joined in the order of the sets' sizes, which shows where sums round.
void SortBySize(std::vector<Input>* inputs) {
  std::stable_sort(inputs->begin(), inputs->end(),
                   [](const Input& a, const Input& b) { return a.size() < b.size(); });
}

struct MemberHash {
  size_t operator()(const std::string& member) const { return HashBytes(member); }
};

SortedSet Unite(const Combination& combination, const ZsetLimits& limits) {
  std::unordered_map<std::string, double, MemberHash> scores;
  scores.reserve(combination.inputs.back().size());
  for (const Input& input : combination.inputs) {
    input.ForEach([&](std::string_view member, double score) {
      score = OrZero(score * input.weight);
      auto [at, is_new] = scores.try_emplace(std::string(member), score);
      if (!is_new) at->second = Join(combination.aggregate, at->second, score);
    });
  }
  // A set is cheapest made in its order.
  std::vector<std::pair<double, const std::string*>> ordered;
  ordered.reserve(scores.size());
  for (const auto& [member, score] : scores) ordered.emplace_back(score, &member);
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : *a.second < *b.second;
  });
  SortedSet result;
  for (const auto& [score, member] : ordered) result.AddNew(score, *member, limits);
  return result;
}

// Calls f(member, score) for each member that all inputs have, until f returns false.
template <class F>
void ForEachCommon(const Combination& combination, F&& f) {
  const Input& smallest = combination.inputs[0];
  bool goes_on = true;
  smallest.ForEach([&](std::string_view member, double score) {
    if (!goes_on) return;
    score = OrZero(score * smallest.weight);
    for (size_t i = 1; i < combination.inputs.size(); ++i) {
      const Input& input = combination.inputs[i];
      std::optional<double> other = input.Score(member);
      if (!other) return;
      score = Join(combination.aggregate, score, *other * input.weight);
    }
    goes_on = f(member, score);
  });
}

SortedSet Intersect(const Combination& combination, const ZsetLimits& limits) {
  SortedSet result;
  ForEachCommon(combination, [&](std::string_view member, double score) {
    result.AddNew(score, member, limits);
    return true;
  });
  return result;
}

// The members of the first input that no other has.
SortedSet Subtract(const Combination& combination, const ZsetLimits& limits) {
  SortedSet result;
  combination.inputs[0].ForEach([&](std::string_view member, double score) {
    bool is_elsewhere =
        std::any_of(combination.inputs.begin() + 1, combination.inputs.end(),
                    [&](const Input& input) { return input.Score(member).has_value(); });
    if (!is_elsewhere) result.AddNew(score, member, limits);
  });
  return result;
}

SortedSet Combine(Call& call, Operation operation, Combination* combination) {
  ZsetLimits limits = ZsetLimitsOf(call.settings());
  if (operation == Operation::kSubtract) return Subtract(*combination, limits);
  SortBySize(&combination->inputs);
  return operation == Operation::kUnion ? Unite(*combination, limits)
                                        : Intersect(*combination, limits);
}

void ReplyCombination(Call& call, Operation operation) {
  Combination combination;
  if (!ReadCombination(call, {.operation = operation}, &combination)) return;
  SortedSet result = Combine(call, operation, &combination);
  MemberReply reply(call.reply, combination.with_scores);
  reply.Begin(result.size());
  result.ForEach(reply);
}

void StoreCombination(Call& call, Operation operation, std::string_view event) {
  Key destination = call.args.NextKey();
  Combination combination;
  if (!ReadCombination(call, {.operation = operation, .stores = true}, &combination)) return;
  StoreSortedSet(call, destination, Combine(call, operation, &combination), event);
}

// ZDIFF numkeys key [key ...] [WITHSCORES]
void ZDiff(Call& call) {
  ReplyCombination(call, Operation::kSubtract);
}
// ZDIFFSTORE destination numkeys key [key ...]
void ZDiffStore(Call& call) {
  StoreCombination(call, Operation::kSubtract, "zdiffstore");
}
// ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]
// [WITHSCORES]
void ZInter(Call& call) {
  ReplyCombination(call, Operation::kIntersect);
}
// ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN
// | MAX]
void ZInterStore(Call& call) {
  StoreCombination(call, Operation::kIntersect, "zinterstore");
}
// ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]
// [WITHSCORES]
void ZUnion(Call& call) {
  ReplyCombination(call, Operation::kUnion);
}
// ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN
// | MAX]
void ZUnionStore(Call& call) {
  StoreCombination(call, Operation::kUnion, "zunionstore");
}

// ZINTERCARD numkeys key [key ...] [LIMIT limit]
void ZInterCard(Call& call) {
  Combination combination;
  if (!ReadCombination(call, {.operation = Operation::kIntersect, .counts = true}, &combination))
    return;
  SortBySize(&combination.inputs);
  uint64_t count = 0;
  ForEachCommon(combination,
                [&](std::string_view, double) { return ++count != combination.limit; });
  call.reply.Integer(static_cast<int64_t>(count));
}

// "destination numkeys key [key ...]"
bool FindKeysBehindDestination(Arguments arguments, std::vector<uint32_t>* positions) {
  positions->push_back(1);
  return FindCountedKeys<2>(arguments, positions);
}

constexpr Keys kSources = Keys::By(FindCountedKeys<1>);
constexpr Keys kDestinationAndSources = Keys::By(FindKeysBehindDestination, 1, 1, 1);

// clang-format off
constexpr Command kCombineCommands[] = {
  // name         arity  keys                    flags                           acl              handler      since    usage                                   summary
  {"ZDIFF",       -3,    kSources,               kReadOnly | kMovableKeys,       Acl::kSortedSet, ZDiff,       "6.2.0", "numkeys key... [WITHSCORES]",          "Returns the members of the first set that no other set has."},
  {"ZDIFFSTORE",  -4,    kDestinationAndSources, kWrite | kGrows | kMovableKeys, Acl::kSortedSet, ZDiffStore,  "6.2.0", "destination numkeys key...",           "Stores the members of the first set that no other set has."},
  {"ZINTER",      -3,    kSources,               kReadOnly | kMovableKeys,       Acl::kSortedSet, ZInter,      "6.2.0", "numkeys key... [WEIGHTS weight...] [AGGREGATE aggregate=<SUM|MIN|MAX>] [WITHSCORES]", "Returns the members that all sets have."},
  {"ZINTERCARD",  -3,    kSources,               kReadOnly | kMovableKeys,       Acl::kSortedSet, ZInterCard,  "7.0.0", "numkeys key... [LIMIT limit:integer]", "Returns the number of members that all sets have."},
  {"ZINTERSTORE", -4,    kDestinationAndSources, kWrite | kGrows | kMovableKeys, Acl::kSortedSet, ZInterStore, "2.0.0", "destination numkeys key... [WEIGHTS weight...] [AGGREGATE aggregate=<SUM|MIN|MAX>]", "Stores the members that all sets have."},
  {"ZUNION",      -3,    kSources,               kReadOnly | kMovableKeys,       Acl::kSortedSet, ZUnion,      "6.2.0", "numkeys key... [WEIGHTS weight...] [AGGREGATE aggregate=<SUM|MIN|MAX>] [WITHSCORES]", "Returns the members of all sets."},
  {"ZUNIONSTORE", -4,    kDestinationAndSources, kWrite | kGrows | kMovableKeys, Acl::kSortedSet, ZUnionStore, "2.0.0", "destination numkeys key... [WEIGHTS weight...] [AGGREGATE aggregate=<SUM|MIN|MAX>]", "Stores the members of all sets."},
};
// clang-format on
static_assert(WellFormed(kCombineCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> SortedSetCombineCommands() {
  return kCombineCommands;
}

}  // namespace kiln
