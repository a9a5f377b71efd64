// Set commands that combine sets: intersection, union, difference, and their forms that store the
// result.
//
// A reply is written while the result is found where that needs no memory; what is stored is built
// completely before the destination changes, because the destination may be a source.

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "engine/commands/call.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/groups.h"
#include "engine/commands/set_access.h"

namespace kiln {
namespace {

using Sets = std::vector<const Set*>;

// The sets at `count` keys, null where a key is absent. False when the error is replied already.
bool FindSets(Call& call, size_t count, Sets* sets) {
  sets->reserve(count);
  for (size_t i = 0; i < count; ++i) {
    Set* set;
    if (!FindSet(call, call.args.NextKey(), &set)) return false;
    sets->push_back(set);
  }
  return true;
}

bool Larger(const Set* a, const Set* b) {
  return a->size() > b->size();
}
bool IsIn(const Element& member, std::span<const Set* const> sets) {
  return std::any_of(sets.begin(), sets.end(),
                     [&](const Set* set) { return set->Contains(member); });
}

// ---- Visiting the result: each calls visit(const Element&) once for each member ----

// Calls visit(member) while it returns true.
template <class F>
void Intersect(Sets sets, F&& visit) {
  if (std::find(sets.begin(), sets.end(), nullptr) != sets.end()) return;
  std::sort(sets.begin(), sets.end(), [](const Set* a, const Set* b) { return Larger(b, a); });
  std::span<const Set* const> others(sets.begin() + 1, sets.end());
  bool wanted = true;
  sets[0]->ForEach([&](const Element& member) {
    auto has = [&](const Set* set) { return set == sets[0] || set->Contains(member); };
    if (wanted && std::all_of(others.begin(), others.end(), has)) wanted = visit(member);
  });
}

template <class F>
void Unite(Sets sets, const SetLimits& limits, F&& visit) {
  constexpr size_t kLookBack =
      3;  // past that, looking into all earlier sets costs more than a set of what was seen
  std::erase(sets, nullptr);
  Set seen;
  for (size_t i = 0; i < sets.size(); ++i) {
    std::span<const Set* const> earlier(sets.data(), i);
    sets[i]->ForEach([&](const Element& member) {
      if (sets.size() > kLookBack) {
        ElementScratch scratch;
        if (!seen.Add(member.ToString(scratch), limits)) return;
      } else if (IsIn(member, earlier)) {
        return;
      }
      visit(member);
    });
  }
}

// All of `set` without what the others have, by removing their members from a copy.
Set CopyWithout(const Set& set, std::span<const Set* const> others) {
  Set left = set.Clone();
  ElementScratch scratch;
  for (const Set* other : others) {
    other->ForEach([&](const Element& member) { left.Remove(member.ToString(scratch)); });
  }
  return left;
}

template <class F>
void Subtract(const Sets& sets, F&& visit) {
  const Set* first = sets[0];
  if (first == nullptr) return;
  Sets others(sets.begin() + 1, sets.end());
  std::erase(others, nullptr);
  if (std::find(others.begin(), others.end(), first) != others.end()) return;
  size_t removals = first->size();
  for (const Set* other : others) removals += other->size();
  // Looking a member up in every set stops at the first hit, and so gets a handicap of a half.
  if (first->size() * (others.size() + 1) / 2 > removals) {
    return CopyWithout(*first, others).ForEach(visit);
  }
  std::sort(others.begin(), others.end(), Larger);
  first->ForEach([&](const Element& member) {
    if (!IsIn(member, others)) visit(member);
  });
}

// ---- Replying with the result, or storing it ----

void ReplyWith(Call& call, auto&& visit_all) {
  size_t start = call.reply.Later();
  size_t count = 0;
  visit_all([&](const Element& member) {
    ReplyMember(call.reply, member);
    ++count;
  });
  call.reply.EndSet(start, count);
}

// Puts the result in place of whatever is at the destination, or deletes that when the result is
// empty.
void Store(Call& call, const Key& destination, std::string_view event, auto&& visit_all) {
  auto result = std::make_unique<Set>();
  SetLimits limits = SetLimitsOf(call.settings());
  ElementScratch scratch;
  visit_all([&](const Element& member) { result->Add(member.ToString(scratch), limits); });
  auto size = static_cast<int64_t>(result->size());
  if (size > 0) {
    call.db.ReplaceWithCollection(destination, Type::kSet, result.release());
    call.Changed(destination, kEventSet, event);
  } else if (call.db.Delete(destination)) {
    call.Changed(destination, kEventGeneric, "del");
  }
  call.reply.Integer(size);
}

auto Intersection(const Sets& sets) {
  return [&sets](auto&& visit) {
    Intersect(sets, [&](const Element& member) {
      visit(member);
      return true;
    });
  };
}

auto Union(Call& call, const Sets& sets) {
  return [&call, &sets](auto&& visit) { Unite(sets, SetLimitsOf(call.settings()), visit); };
}

auto Difference(const Sets& sets) {
  return [&sets](auto&& visit) { Subtract(sets, visit); };
}

// ---- Commands ----

// SINTER key [key ...]
void SInter(Call& call) {
  Sets sets;
  if (FindSets(call, call.args.Left(), &sets)) ReplyWith(call, Intersection(sets));
}

// SINTERSTORE destination key [key ...]
void SInterStore(Call& call) {
  Key destination = call.args.NextKey();
  Sets sets;
  if (!FindSets(call, call.args.Left(), &sets)) return;
  Store(call, destination, "sinterstore", Intersection(sets));
}

// SINTERCARD numkeys key [key ...] [LIMIT limit]
void SInterCard(Call& call) {
  auto keys = ParseInt64(call.args.Text());
  if (!keys || *keys < 1) return call.FailText("ERR numkeys should be greater than 0");
  auto count = static_cast<size_t>(*keys);
  if (count > call.args.Left()) {
    return call.FailText("ERR Number of keys can't be greater than number of args");
  }
  ArgumentCursor options = call.args;
  options.Several(count);
  size_t limit = 0;
  while (options.More()) {
    if (options.Left() < 2 || !options.Take("LIMIT")) return call.Fail(Error::kSyntax);
    auto number = ParseInt64(options.Text());
    if (!number || *number < 0) return call.FailText("ERR LIMIT can't be negative");
    limit = static_cast<size_t>(*number);
  }
  Sets sets;
  if (!FindSets(call, count, &sets)) return;
  size_t found = 0;
  Intersect(std::move(sets), [&](const Element&) { return ++found != limit; });
  call.reply.Integer(static_cast<int64_t>(found));
}

// SUNION key [key ...]
void SUnion(Call& call) {
  Sets sets;
  if (FindSets(call, call.args.Left(), &sets)) ReplyWith(call, Union(call, sets));
}

// SUNIONSTORE destination key [key ...]
void SUnionStore(Call& call) {
  Key destination = call.args.NextKey();
  Sets sets;
  if (!FindSets(call, call.args.Left(), &sets)) return;
  std::erase(sets, nullptr);
  Store(call, destination, "sunionstore", [&](auto&& visit) {
    for (const Set* set : sets) set->ForEach(visit);  // what is stored drops repeats by itself
  });
}

// SDIFF key [key ...]
void SDiff(Call& call) {
  Sets sets;
  if (FindSets(call, call.args.Left(), &sets)) ReplyWith(call, Difference(sets));
}

// SDIFFSTORE destination key [key ...]
void SDiffStore(Call& call) {
  Key destination = call.args.NextKey();
  Sets sets;
  if (!FindSets(call, call.args.Left(), &sets)) return;
  Store(call, destination, "sdiffstore", Difference(sets));
}

// clang-format off
constexpr Command kSetCombineCommands[] = {
  // name         arity  keys                           flags                     acl        handler      since    usage                                   summary
  {"SDIFF",       -2,    Keys::All(),                   kReadOnly,                Acl::kSet, SDiff,       "1.0.0", "key...",                               "Returns what is in the first set and in none of the others."},
  {"SDIFFSTORE",  -3,    Keys::All(),                   kWrite | kGrows,          Acl::kSet, SDiffStore,  "1.0.0", "destination key...",                   "Stores what is in the first set and in none of the others."},
  {"SINTER",      -2,    Keys::All(),                   kReadOnly,                Acl::kSet, SInter,      "1.0.0", "key...",                               "Returns what is in all of the sets."},
  {"SINTERCARD",  -3,    Keys::By(FindCountedKeys<1>),  kReadOnly | kMovableKeys, Acl::kSet, SInterCard,  "7.0.0", "numkeys key... [LIMIT limit:integer]", "Counts what is in all of the sets."},
  {"SINTERSTORE", -3,    Keys::All(),                   kWrite | kGrows,          Acl::kSet, SInterStore, "1.0.0", "destination key...",                   "Stores what is in all of the sets."},
  {"SUNION",      -2,    Keys::All(),                   kReadOnly,                Acl::kSet, SUnion,      "1.0.0", "key...",                               "Returns what is in any of the sets."},
  {"SUNIONSTORE", -3,    Keys::All(),                   kWrite | kGrows,          Acl::kSet, SUnionStore, "1.0.0", "destination key...",                   "Stores what is in any of the sets."},
};
// clang-format on
static_assert(WellFormed(kSetCombineCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> SetCombineCommands() {
  return kSetCombineCommands;
}

}  // namespace kiln
