#include "control/failover/decision.h"

#include <gtest/gtest.h>

namespace kiln {
namespace {

using Kind = Decision::Kind;

constexpr int64_t kLate = 5000;  // Longer than anybody may be silent.

MemberObservation Primary(const std::string& id) {
  MemberObservation member;
  member.id = id;
  member.life = MemberLife::kRunning;
  member.is_primary = true;
  member.history = "h";
  member.offset = 100;
  return member;
}

MemberObservation Replica(const std::string& id, int64_t offset) {
  MemberObservation member = Primary(id);
  member.is_primary = false;
  member.follows = "a";
  member.is_link_up = member.has_synced = true;
  member.offset = offset;
  return member;
}

ShardObservation Shard() {
  ShardObservation shard;
  shard.primary = "a";
  shard.histories = {"h", "older"};
  shard.is_automatic = true;
  shard.members = {Primary("a"), Replica("b", 90), Replica("c", 95)};
  return shard;
}

ShardObservation WithDeadPrimary() {
  ShardObservation shard = Shard();
  shard.members[0].life = MemberLife::kEnded;
  shard.members[0].ended_ms = 50;
  shard.members[1].is_held = shard.members[2].is_held = true;
  return shard;
}

// By whoever cannot end it.
ShardObservation WithSilentPrimary() {
  ShardObservation shard = Shard();
  shard.members[0].silent_ms = kLate;
  shard.members[0].lease_left_ms = -50;
  shard.members[1].is_held = shard.members[2].is_held = true;
  return shard;
}

struct Case {
  const char* what;
  void (*change)(ShardObservation&);
  Decision expected;
};

void Check(const std::vector<Case>& cases, ShardObservation (*start)(), bool can_end = true) {
  for (const Case& one : cases) {
    ShardObservation shard = start();
    one.change(shard);
    Decision decision = Decide(shard, {.can_end = can_end});
    EXPECT_EQ(decision.kind, one.expected.kind) << one.what;
    EXPECT_EQ(decision.member, one.expected.member) << one.what;
  }
}

TEST(Decision, AShardThatIsWellIsLeftAlone) {
  Check(
      {
          {"all is well", [](auto&) {}, {Kind::kNone, ""}},
          {"a replica ended", [](auto& s) { s.members[1].life = MemberLife::kEnded; }, {}},
          {"a replica is silent", [](auto& s) { s.members[1].silent_ms = kLate; }, {}},
          {"nobody but the primary", [](auto& s) { s.members.resize(1); }, {}},
          {"the primary starts",
           [](auto& s) { s.members[0].life = MemberLife::kStarting; },
           {Kind::kWait, ""}},
      },
      Shard);
}

TEST(Decision, OfADeadPrimarysReplicasTheOneWithMostIsAppointed) {
  Check(
      {
          {"the highest offset", [](auto&) {}, {Kind::kPromote, "c"}},
          {"without automatic failover too, for its memory is gone",
           [](auto& s) { s.is_automatic = false; },
           {Kind::kPromote, "c"}},
          {"not one that is silent",
           [](auto& s) { s.members[2].silent_ms = kLate; },
           {Kind::kPromote, "b"}},
          {"not one that is about to get everything anew",
           [](auto& s) { s.members[2].is_syncing = true; },
           {Kind::kPromote, "b"}},
          {"not one of an older history while there is one of the newest",
           [](auto& s) {
             s.members[2].history = "older";
             s.members[2].offset = 1000;
             s.members[2].has_synced = false;
           },
           {Kind::kPromote, "b"}},
          {"not one that has never had the data",
           [](auto& s) {
             s.members[2].history = "its own";
             s.members[2].has_synced = false;
             s.members[2].offset = 1000;
           },
           {Kind::kPromote, "b"}},
          {"one whose history nobody has noted",
           [](auto& s) {
             s.members[1].life = MemberLife::kEnded;
             s.members[2].history = "new";
           },
           {Kind::kPromote, "c"}},
          {"with one replica", [](auto& s) { s.members.resize(2); }, {Kind::kPromote, "b"}},
      },
      WithDeadPrimary);
}

TEST(Decision, WhoIsChosenHoldsStillBeforeItIsAppointed) {
  Check(
      {
          {"it is asked to", [](auto& s) { s.members[2].is_held = false; }, {Kind::kHold, "c"}},
          {"another one has caught up meanwhile",
           [](auto& s) {
             s.members[1].offset = 96;
             s.members[1].is_held = false;
           },
           {Kind::kHold, "b"}},
          {"it could not, for it takes everything anew",
           [](auto& s) {
             s.members[2].is_held = false;
             s.members[2].is_syncing = true;
           },
           {Kind::kPromote, "b"}},
      },
      WithDeadPrimary);
  ShardObservation shard = WithSilentPrimary();
  shard.members[2].is_held = false;
  EXPECT_EQ(Decide(shard, {.can_end = false}), (Decision{Kind::kHold, "c"}));
}

TEST(Decision, NobodyIsAppointedBeforeAllHaveSpoken) {
  Check(
      {
          {"one has not spoken since the end",
           [](auto& s) { s.members[1].silent_ms = 60; },
           {Kind::kWait, ""}},
          {"one has not spoken at all",
           [](auto& s) { s.members[1].life = MemberLife::kStarting; },
           {Kind::kWait, ""}},
          {"one that is silent for too long is not waited for",
           [](auto& s) { s.members[1].silent_ms = kLate; },
           {Kind::kPromote, "c"}},
          {"unless all others have old data",
           [](auto& s) {
             s.members[1].silent_ms = kLate;
             s.members[2].history = "older";
           },
           {Kind::kWait, ""}},
      },
      WithDeadPrimary);
}

TEST(Decision, AnEmptyPrimaryStartsOnlyWhereNobodyMayHaveTheData) {
  auto lose = [](MemberObservation& member) {
    member.history = "its own";
    member.has_synced = false;
  };
  ShardObservation shard = WithDeadPrimary();
  lose(shard.members[1]);
  lose(shard.members[2]);
  EXPECT_EQ(Decide(shard, {}), (Decision{Kind::kStartCold, "a"}));
  shard.members[1].life = MemberLife::kEnded;
  EXPECT_EQ(Decide(shard, {}), (Decision{Kind::kStartCold, "a"}));
  shard.members[2].life = MemberLife::kStarting;
  EXPECT_EQ(Decide(shard, {}), (Decision{Kind::kWait, ""}));
  shard.members[2] = Replica("c", 95);
  shard.members[2].silent_ms = kLate;
  EXPECT_EQ(Decide(shard, {}), (Decision{Kind::kWait, ""})) << "it hangs, but has the data";
}

TEST(Decision, ASilentPrimaryIsEndedWhereThatCanBeDone) {
  Check(
      {
          {"it is silent", [](auto& s) { s.members[0].silent_ms = kLate; }, {Kind::kEnd, "a"}},
          {"without automatic failover it may hang",
           [](auto& s) {
             s.members[0].silent_ms = kLate;
             s.is_automatic = false;
           },
           {Kind::kWait, ""}},
          {"who could take its place has old data alone",
           [](auto& s) {
             s.members.resize(2);
             s.members[0].silent_ms = kLate;
             s.members[1].history = "older";
             s.members[1].has_synced = s.members[1].is_link_up = false;
           },
           {Kind::kWait, ""}},
          {"nobody can take its place",
           [](auto& s) {
             for (MemberObservation& member : s.members) member.silent_ms = kLate;
           },
           {Kind::kWait, ""}},
      },
      Shard);
}

TEST(Decision, ElsewhereItsLeaseMustBeOver) {
  Check(
      {
          {"it may still acknowledge",
           [](auto& s) { s.members[0].lease_left_ms = 1; },
           {Kind::kWait, ""}},
          {"it no longer may", [](auto&) {}, {Kind::kPromote, "c"}},
          {"one may have got more since it spoke",
           [](auto& s) { s.members[1].silent_ms = 60; },
           {Kind::kWait, ""}},
          {"one that is silent for too long is not waited for",
           [](auto& s) { s.members[1].silent_ms = kLate; },
           {Kind::kPromote, "c"}},
          {"it had handed over before",
           [](auto& s) {
             s.promoting = "b";
             s.members[1].is_primary = true;
           },
           {Kind::kPromote, "b"}},
      },
      WithSilentPrimary, false);
}

TEST(Decision, WhoIsNoPrimaryAnyMoreIsReplacedWhenItsLeaseIsOver) {
  ShardObservation shard = Shard();
  shard.members[0].is_primary = false;
  shard.members[0].follows = "c";
  shard.members[0].lease_left_ms = 1;
  shard.members[2].is_primary = true;
  EXPECT_EQ(Decide(shard, {.can_end = false}), (Decision{Kind::kWait, ""}));
  shard.members[0].lease_left_ms = 0;
  EXPECT_EQ(Decide(shard, {.can_end = false}), (Decision{Kind::kHandedOver, "c"}));
}

TEST(Decision, APromotionThatIsWantedIsAHandOver) {
  Check(
      {
          {"it is told to", [](auto& s) { s.promoting = "b"; }, {Kind::kHandOver, "b"}},
          {"it is done",
           [](auto& s) {
             s.promoting = "b";
             s.members[0].is_primary = false;
             s.members[1].is_primary = true;
           },
           {Kind::kHandedOver, "b"}},
          {"it is half done",
           [](auto& s) {
             s.promoting = "b";
             s.members[0].is_primary = false;
           },
           {Kind::kWait, ""}},
          {"it is done, and the old primary has ended",
           [](auto& s) {
             s.promoting = "b";
             s.members[0].life = MemberLife::kEnded;
             s.members[1].is_primary = true;
           },
           {Kind::kPromote, "b"}},
          {"the one wanted has ended",
           [](auto& s) {
             s.promoting = "b";
             s.members[1].life = MemberLife::kEnded;
           },
           {Kind::kGiveUp, "b"}},
          {"the one wanted has no data",
           [](auto& s) {
             s.promoting = "b";
             s.members[1].has_synced = false;
             s.members[1].history = "its own";
           },
           {Kind::kGiveUp, "b"}},
          {"nobody wrote down that it was done",
           [](auto& s) {
             s.members[0].is_primary = false;
             s.members[0].follows = "c";
             s.members[2].is_primary = true;
           },
           {Kind::kHandedOver, "c"}},
      },
      Shard);
}

TEST(Decision, ATestEndsThePrimaryWhereSomebodyCanTakeItsPlace) {
  ShardObservation shard = Shard();
  shard.is_tested = true;
  EXPECT_EQ(Decide(shard, {}), (Decision{Kind::kEnd, "a"}));
  shard.members[1].life = shard.members[2].life = MemberLife::kEnded;
  EXPECT_EQ(Decide(shard, {}), (Decision{Kind::kWait, ""}));
}

}  // namespace
}  // namespace kiln
