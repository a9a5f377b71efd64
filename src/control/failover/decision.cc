#include "control/failover/decision.h"

#include <algorithm>
#include <tuple>

namespace kiln {
namespace {

using Kind = Decision::Kind;

const MemberObservation* Find(const ShardObservation& shard, const std::string& id) {
  for (const MemberObservation& member : shard.members) {
    if (member.id == id) return &member;
  }
  return nullptr;
}

bool IsFresh(const MemberObservation& member, const FailoverLimits& limits) {
  return member.life == MemberLife::kRunning && member.silent_ms < limits.silent_ms;
}

// How surely its data are the shard's, in the newest form; 0: they are not.
enum Rank : int { kHasNone = 0, kHasOlder = 1, kHasSynced = 2, kHasNewest = 3 };

Rank RankOf(const MemberObservation& member, const ShardObservation& shard) {
  const std::vector<std::string>& known = shard.histories;
  auto found = std::find(known.begin(), known.end(), member.history);
  if (found != known.end()) return found == known.begin() ? kHasNewest : kHasOlder;
  // The primary may have begun a history that nobody has noted yet.
  return member.has_synced ? kHasSynced : kHasNone;
}

bool HasData(const MemberObservation& member, const ShardObservation& shard) {
  return RankOf(member, shard) > kHasNone;
}

// Whether it is too early to choose: somebody may have the data, or more of them than he last said.
// The primary has been unable to acknowledge anything for `over_ms`.
bool MustHear(const ShardObservation& shard, const MemberObservation& primary, int64_t over_ms,
              const FailoverLimits& limits) {
  return std::any_of(shard.members.begin(), shard.members.end(), [&](const auto& member) {
    if (member.id == primary.id || member.life == MemberLife::kEnded) return false;
    if (member.life == MemberLife::kStarting) return true;
    return member.silent_ms >= over_ms && IsFresh(member, limits);
  });
}

// A member that is lost for now, but may have the data, or have got them after it spoke last:
// whoever starts the shard without would throw them away.
bool MayComeBack(const ShardObservation& shard, const MemberObservation& primary,
                 const FailoverLimits& limits) {
  return std::any_of(shard.members.begin(), shard.members.end(), [&](const auto& member) {
    bool is_lost =
        member.id != primary.id && member.life == MemberLife::kRunning && !IsFresh(member, limits);
    return is_lost && (HasData(member, shard) || member.silent_ms >= primary.ended_ms);
  });
}

// One that is lost for now has newer data than the best that is there. Either it speaks again, or
// whoever watches over processes ends it.
bool IsBetterLost(const ShardObservation& shard, const MemberObservation& best,
                  const FailoverLimits& limits) {
  return std::any_of(shard.members.begin(), shard.members.end(), [&](const auto& member) {
    bool is_lost = member.life == MemberLife::kRunning && !IsFresh(member, limits);
    return is_lost && member.id != shard.primary && RankOf(member, shard) > RankOf(best, shard);
  });
}

// The hand-over was done, but nobody has written it down.
bool HasTakenOver(const MemberObservation* next, const FailoverLimits& limits) {
  return next != nullptr && IsFresh(*next, limits) && next->is_primary;
}

Decision Choose(const MemberObservation& best) {
  return {best.is_held ? Kind::kPromote : Kind::kHold, best.id};
}

Decision OnEnded(const ShardObservation& shard, const MemberObservation& primary,
                 const FailoverLimits& limits) {
  const MemberObservation* next = Find(shard, shard.promoting);
  if (HasTakenOver(next, limits)) return {Kind::kPromote, next->id};
  if (MustHear(shard, primary, primary.ended_ms, limits)) return {Kind::kWait, {}};
  if (const MemberObservation* best = BestCandidate(shard, limits))
    return IsBetterLost(shard, *best, limits) ? Decision{Kind::kWait, {}} : Choose(*best);
  if (MayComeBack(shard, primary, limits)) return {Kind::kWait, {}};
  return {Kind::kStartCold, primary.id};
}

Decision OnSilent(const ShardObservation& shard, const MemberObservation& primary,
                  const FailoverLimits& limits) {
  const MemberObservation* best = BestCandidate(shard, limits);
  if (!shard.is_automatic || best == nullptr) return {Kind::kWait, {}};
  // It may still have what this one has not.
  if (RankOf(*best, shard) == kHasOlder) return {Kind::kWait, {}};
  if (limits.can_end) return {Kind::kEnd, primary.id};
  if (primary.lease_left_ms > 0) return {Kind::kWait, {}};
  const MemberObservation* next = Find(shard, shard.promoting);
  if (HasTakenOver(next, limits)) return {Kind::kPromote, next->id};
  if (MustHear(shard, primary, -primary.lease_left_ms, limits)) return {Kind::kWait, {}};
  return Choose(*best);
}

Decision OnPromoting(const ShardObservation& shard, const MemberObservation& primary,
                     const FailoverLimits& limits) {
  const MemberObservation* next = Find(shard, shard.promoting);
  if (next == nullptr || next->id == primary.id || next->life == MemberLife::kEnded)
    return {Kind::kGiveUp, shard.promoting};
  if (!IsFresh(*next, limits)) return {Kind::kWait, {}};
  if (next->is_primary) {
    return primary.is_primary ? Decision{Kind::kWait, {}} : Decision{Kind::kHandedOver, next->id};
  }
  if (!primary.is_primary) return {Kind::kWait, {}};
  return HasData(*next, shard) ? Decision{Kind::kHandOver, next->id}
                               : Decision{Kind::kGiveUp, next->id};
}

}  // namespace

const MemberObservation* BestCandidate(const ShardObservation& shard,
                                       const FailoverLimits& limits) {
  const MemberObservation* best = nullptr;
  auto worth = [&](const MemberObservation& member) {
    return std::tuple(RankOf(member, shard), member.offset);
  };
  for (const MemberObservation& member : shard.members) {
    bool may = member.id != shard.primary && IsFresh(member, limits) && !member.is_syncing &&
               HasData(member, shard);
    if (may && (best == nullptr || worth(member) > worth(*best))) best = &member;
  }
  return best;
}

Decision Decide(const ShardObservation& shard, const FailoverLimits& limits) {
  const MemberObservation* primary = Find(shard, shard.primary);
  if (primary == nullptr || shard.members.size() < 2) return {Kind::kNone, {}};
  if (primary->life == MemberLife::kEnded) return OnEnded(shard, *primary, limits);
  if (primary->life == MemberLife::kStarting) return {Kind::kWait, {}};
  if (!IsFresh(*primary, limits)) return OnSilent(shard, *primary, limits);
  if (!shard.promoting.empty()) return OnPromoting(shard, *primary, limits);
  if (!primary->is_primary) {
    // It handed over, and whoever asked it to did not live to write that down.
    const MemberObservation* other = Find(shard, primary->follows);
    if (!HasTakenOver(other, limits)) return {Kind::kNone, {}};
    // An order to be the primary may be on its way to it.
    bool may_acknowledge = !limits.can_end && primary->lease_left_ms > 0;
    return may_acknowledge ? Decision{Kind::kWait, {}} : Decision{Kind::kHandedOver, other->id};
  }
  if (!shard.is_tested) return {Kind::kNone, {}};
  bool has_other = BestCandidate(shard, limits) != nullptr;
  return has_other ? Decision{Kind::kEnd, primary->id} : Decision{Kind::kWait, {}};
}

}  // namespace kiln
