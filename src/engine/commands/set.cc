// Set commands on one set, and SMOVE. Values live in engine/store/types/set.h.

#include "engine/commands/call.h"
#include "engine/commands/encoding_limits.h"
#include "engine/commands/groups.h"
#include "engine/commands/replay_words.h"
#include "engine/commands/sample.h"
#include "engine/commands/scan_options.h"
#include "engine/commands/set_access.h"

namespace kiln {
namespace {

void DeleteIfEmpty(Call& call, const Key& key, const Set& set) {
  if (call.db.DeleteIfEmpty(key, set)) call.db.Notify(kEventGeneric, "del", key.text);
}

void ReplyAll(Call& call, const Set& set) {
  set.ForEach([&](const Element& member) { ReplyMember(call.reply, member); });
}

// ---- Changing ----

// SADD key member [member ...]
void SAdd(Call& call) {
  Key key = call.args.NextKey();
  Arguments members = call.args.Rest();
  StoreResult<Set*> set = call.db.FindOrCreate<Set>(key);
  if (!set) return call.Fail(set.error());
  SetLimits limits = SetLimitsOf(call.settings());
  (*set)->PrepareGrowth(members[0], members.size(), limits);
  size_t added = 0;
  for (std::string_view member : members) added += (*set)->Add(member, limits);
  if (added > 0) {
    call.Changed(key, kEventSet, "sadd");
    call.CountAs(added);
  }
  call.reply.Integer(static_cast<int64_t>(added));
}

// SREM key member [member ...]
void SRem(Call& call) {
  Key key = call.args.NextKey();
  StoreResult<Set*> set = call.db.Change<Set>(key);
  if (!set) return call.Fail(set.error());
  if (*set == nullptr) return call.reply.Integer(0);
  size_t removed = 0;
  for (std::string_view member : call.args.Rest()) removed += (*set)->Remove(member);
  if (removed > 0) {
    call.Changed(key, kEventSet, "srem");
    call.CountAs(removed);
    DeleteIfEmpty(call, key, **set);
  }
  call.reply.Integer(static_cast<int64_t>(removed));
}

// SMOVE source destination member
void SMove(Call& call) {
  Key source_key = call.args.NextKey();
  Key destination_key = call.args.NextKey();
  std::string_view member = call.args.Text();
  StoreResult<Set*> source = call.db.Change<Set>(source_key);
  StoreResult<Set*> destination = call.db.Change<Set>(destination_key);
  if (source && *source == nullptr) return call.reply.Integer(0);
  if (!source || !destination) return call.Fail(Error::kWrongType);
  if (*source == *destination) return call.reply.Integer((*source)->Contains(member) ? 1 : 0);
  if (!(*source)->Remove(member)) return call.reply.Integer(0);
  call.Changed(source_key, kEventSet, "srem");
  DeleteIfEmpty(call, source_key, **source);
  SetLimits limits = SetLimitsOf(call.settings());
  destination = call.db.FindOrCreate<Set>(destination_key);
  (*destination)->PrepareGrowth(member, 1, limits);
  if ((*destination)->Add(member, limits)) call.Changed(destination_key, kEventSet, "sadd");
  call.reply.Integer(1);
}

// What SPOP takes, which is replayed as an SREM; of many members several.
class PoppedMembers {
 public:
  PoppedMembers(Call& call, const Key& key) : call_(call), key_(key) { Begin(); }

  void Add(const Element& member) {
    if (!call_.is_journaled()) return;
    ElementScratch scratch;
    words_.AddText(std::string(member.ToString(scratch)));
    if (words_.all().size() == kHeadWords + kMaxMembers) End();
  }
  void End() {
    if (words_.all().size() > kHeadWords) call_.ReplayAs(words_.all());
    Begin();
  }

 private:
  static constexpr size_t kHeadWords = 2;
  static constexpr size_t kMaxMembers = 1024;

  void Begin() {
    words_ = ReplayWords();
    words_.Add("SREM");
    words_.Add(key_.text);
  }

  Call& call_;
  const Key& key_;
  ReplayWords words_;
};

// SPOP with a count.
void PopSeveral(Call& call, const Key& key) {
  int64_t count = call.args.Integer(Error::kNotPositive);
  if (!call.args.ok() || count < 0) return call.Fail(Error::kNotPositive);
  StoreResult<Set*> set = call.db.Change<Set>(key);
  if (!set) return call.Fail(set.error());
  if (*set == nullptr || count == 0) return call.reply.Set(0);
  size_t taken = std::min(static_cast<size_t>(count), (*set)->size());
  call.reply.Set(taken);
  if (taken == (*set)->size()) {
    ReplyAll(call, **set);
    call.Changed(key, kEventSet, "spop");
    call.CountAs(taken);
    call.ReplayAs({"DEL", key.text});
    call.db.Delete(key);
    return call.db.Notify(kEventGeneric, "del", key.text);
  }
  PoppedMembers popped(call, key);
  for (size_t i = 0; i < taken; ++i) {
    (*set)->PopRandom(call.db.context().random, [&](const Element& member) {
      ReplyMember(call.reply, member);
      popped.Add(member);
    });
  }
  popped.End();
  call.Changed(key, kEventSet, "spop");
  call.CountAs(taken);
}

// SPOP key [count]
void SPop(Call& call) {
  Key key = call.args.NextKey();
  if (call.args.Left() > 1) return call.Fail(Error::kSyntax);
  if (call.args.More()) return PopSeveral(call, key);
  StoreResult<Set*> set = call.db.Change<Set>(key);
  if (!set) return call.Fail(set.error());
  if (*set == nullptr) return call.reply.Null();
  PoppedMembers popped(call, key);
  (*set)->PopRandom(call.db.context().random, [&](const Element& member) {
    ReplyMember(call.reply, member);
    popped.Add(member);
  });
  popped.End();
  call.Changed(key, kEventSet, "spop");
  DeleteIfEmpty(call, key, **set);
}

// ---- Reading ----

// SMEMBERS key
void SMembers(Call& call) {
  Set* set;
  if (!FindSet(call, call.args.NextKey(), &set)) return;
  if (set == nullptr) return call.reply.Set(0);
  call.reply.Set(set->size());
  ReplyAll(call, *set);
}

// SCARD key
void SCard(Call& call) {
  Set* set;
  if (!FindSet(call, call.args.NextKey(), &set)) return;
  call.reply.Integer(set == nullptr ? 0 : static_cast<int64_t>(set->size()));
}

// SISMEMBER key member
void SIsMember(Call& call) {
  Set* set;
  if (!FindSet(call, call.args.NextKey(), &set)) return;
  call.reply.Integer(set != nullptr && set->Contains(call.args.Text()) ? 1 : 0);
}

// SMISMEMBER key member [member ...]
void SMIsMember(Call& call) {
  Set* set;
  if (!FindSet(call, call.args.NextKey(), &set)) return;
  Arguments members = call.args.Rest();
  call.reply.Array(members.size());
  for (std::string_view member : members) {
    call.reply.Integer(set != nullptr && set->Contains(member) ? 1 : 0);
  }
}

void ReplySample(Call& call, const Set& set, int64_t count) {
  Random& random = call.db.context().random;
  auto draw = [&](auto&& f) { set.RandomMember(random, f); };
  auto visit = [&](const Element& member) { ReplyMember(call.reply, member); };
  bool repeats = count < 0;
  size_t wanted = static_cast<size_t>(repeats ? -count : count);
  if (!repeats) wanted = std::min(wanted, set.size());
  call.reply.Array(wanted);
  if (repeats) return SampleWithRepeats(call, wanted, draw, visit);
  SampleDistinct(set, wanted, random, draw, visit);
}

// SRANDMEMBER key [count]
void SRandMember(Call& call) {
  Key key = call.args.NextKey();
  if (call.args.Left() > 1) return call.Fail(Error::kSyntax);
  bool has_count = call.args.More();
  int64_t count = 1;
  if (has_count && !ReadSampleCount(call, &count)) return;
  Set* set;
  if (!FindSet(call, key, &set)) return;
  if (set == nullptr) return has_count ? call.reply.Array(0) : call.reply.Null();
  if (has_count) return ReplySample(call, *set, count);
  set->RandomMember(call.db.context().random,
                    [&](const Element& member) { ReplyMember(call.reply, member); });
}

// SSCAN key cursor [MATCH pattern] [COUNT count]
void SScan(Call& call) {
  auto visit = [](const ScanOptions& options, Reply& reply, const Element& member) -> size_t {
    ElementScratch scratch;
    std::string_view text = member.ToString(scratch);
    if (!options.Matches(text)) return 0;
    reply.Bulk(text);
    return 1;
  };
  ScanCollection<Set>(call, visit);
}

// clang-format off
constexpr Command kSetCommands[] = {
  // name         arity  keys                  flags                    acl        handler      since    usage                                       summary
  {"SADD",        -3,    Keys::One(),          kWrite | kGrows | kFast, Acl::kSet, SAdd,        "1.0.0", "key member...",                            "Adds members to a set, and creates it if there is none."},
  {"SCARD",       2,     Keys::One(),          kReadOnly | kFast,       Acl::kSet, SCard,       "1.0.0", "key",                                      "Returns the number of members."},
  {"SISMEMBER",   3,     Keys::One(),          kReadOnly | kFast,       Acl::kSet, SIsMember,   "1.0.0", "key member",                               "Says whether a set has a member."},
  {"SMEMBERS",    2,     Keys::One(),          kReadOnly,               Acl::kSet, SMembers,    "1.0.0", "key",                                      "Returns all members."},
  {"SMISMEMBER",  -3,    Keys::One(),          kReadOnly | kFast,       Acl::kSet, SMIsMember,  "6.2.0", "key member...",                            "Says which of several members a set has."},
  {"SMOVE",       4,     Keys::Range(1, 2, 1), kWrite | kFast,          Acl::kSet, SMove,       "1.0.0", "source destination member",                "Moves a member from one set to another."},
  {"SPOP",        -2,    Keys::One(),          kWrite | kFast,          Acl::kSet, SPop,        "1.0.0", "key [count@3.2.0]",                        "Removes members chosen at random and returns them."},
  {"SRANDMEMBER", -2,    Keys::One(),          kReadOnly,               Acl::kSet, SRandMember, "1.0.0", "key [count@2.6.0]",                        "Returns members chosen at random."},
  {"SREM",        -3,    Keys::One(),          kWrite | kFast,          Acl::kSet, SRem,        "1.0.0", "key member...",                            "Removes members from a set, and the set with its last member."},
  {"SSCAN",       -3,    Keys::One(),          kReadOnly,               Acl::kSet, SScan,       "2.8.0", "key cursor [MATCH pattern] [COUNT count]", "Iterates over the members of a set."},
};
// clang-format on
static_assert(WellFormed(kSetCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> SetCommands() {
  return kSetCommands;
}

}  // namespace kiln
