// Who is to be the primary of a shard: the one place where that is decided.
//
// Pure: no clock, no socket. What is known of each member comes with its age; the answer is one
// step. Whoever carries it out may die before or after; the next decision starts from what is then
// seen. What must stay true, whatever fails and whenever:
//   - a new primary is appointed only when the one before can no longer acknowledge a write: its
//     process has ended, or its lease is over;
//   - only a member that has the shard's data is appointed, the one that has most of it; it is
//   asked
//     to hold still before, so that it still has them when it is;
//   - a primary that lost its data with its process does not start as a primary while anybody has,
//     or may have, the data: its replicas would throw theirs away.
// Milliseconds. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kiln {

enum class MemberLife : uint8_t {
  kEnded,     // No process.
  kStarting,  // A process that has not answered yet: nothing is known of it.
  kRunning,
};

struct MemberObservation {
  std::string id;
  MemberLife life = MemberLife::kEnded;
  int64_t silent_ms = 0;  // Since its last answer.
  int64_t ended_ms = 0;   // kEnded: since then.
  // At most so long it may acknowledge writes, unless a lease is added. Negative: for so long it
  // could not.
  int64_t lease_left_ms = 0;
  bool is_primary = false;  // Says so itself.
  std::string follows;      // The member that it says it follows.
  bool is_link_up = false;
  bool is_syncing = false;
  bool is_held = false;     // Takes nothing more from its primary, for a while.
  bool has_synced = false;  // Its process had the data of its primary at some time.
  std::string history;
  int64_t offset = 0;
};

struct ShardObservation {
  std::string primary;                 // The one appointed.
  std::vector<std::string> histories;  // Of the shard's data, the newest first.
  bool is_automatic = false;           // A primary that runs, but is silent, is replaced.
  std::string promoting;               // Is to be handed the place without loss; or empty.
  bool is_tested = false;              // The primary is to end, as if it failed.
  std::vector<MemberObservation> members;
};

struct FailoverLimits {
  int64_t silent_ms = 4000;  // From then on a member counts as lost.
  bool can_end = true;   // Processes can be ended from here: there is no need to wait for leases.
  int64_t lease_ms = 0;  // Unless they can: how long a primary may acknowledge writes on one word.
};

struct Decision {
  enum class Kind : uint8_t {
    kNone,        // All is well, or nothing can be done.
    kWait,        // Decide again in a moment.
    kEnd,         // End `member`'s process: it is lost, or its failure is wanted.
    kHold,        // `member` is to keep what it has: if it still can, it is appointed.
    kPromote,     // Appoint `member`.
    kHandOver,    // Tell the primary to hand over to `member`.
    kHandedOver,  // `member` has become the primary: appoint it.
    kGiveUp,      // The one to be promoted cannot be.
    kStartCold,   // Nobody has data: the primary may start without.
  };
  Kind kind = Kind::kNone;
  std::string member;

  bool operator==(const Decision&) const = default;
};

Decision Decide(const ShardObservation& shard, const FailoverLimits& limits);

// The replica that would be appointed now; null when none has the data.
const MemberObservation* BestCandidate(const ShardObservation& shard, const FailoverLimits& limits);

}  // namespace kiln
