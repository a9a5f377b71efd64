// StreamGroup: a consumer group of a stream: how far it has read, its consumers, and the entries
// that were delivered and not yet acknowledged.
//
// A pending entry is in the group's list, ordered by id, and in its consumer's, which points into
// the first: maps keep their elements where they are. Times are Unix ms and are passed in.
//
// Invariant: every pending entry has a consumer of the group, whose list has it too.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "engine/store/types/stream_id.h"

namespace kiln {

struct StreamConsumer;

struct PendingEntry {
  StreamConsumer* consumer = nullptr;
  int64_t delivered_ms = 0;
  int64_t deliveries = 0;

  void CountDelivery() {
    if (deliveries < INT64_MAX) ++deliveries;  // XCLAIM and RESTORE may set any number.
  }
};

struct StreamConsumer {
  static constexpr int64_t kNever = -1;

  std::string_view name;       // the group's key of it
  int64_t seen_ms = 0;         // when it last asked
  int64_t active_ms = kNever;  // when it last got something
  std::map<StreamId, PendingEntry*> pending;
};

class StreamGroup {
 public:
  // entries_read where it cannot be known.
  static constexpr int64_t kUnknown = -1;
  using Pending = std::map<StreamId, PendingEntry>;
  using Consumers = std::map<std::string, StreamConsumer, std::less<>>;

  StreamGroup(const StreamId& last_id_in, int64_t entries_read_in)
      : last_id(last_id_in), entries_read(entries_read_in) {}
  StreamGroup(StreamGroup&&) = default;

  StreamId last_id;      // of the last entry delivered
  int64_t entries_read;  // the place of that entry among all that were ever added

  const Pending& pending() const { return pending_; }
  Pending& pending() { return pending_; }
  const Consumers& consumers() const { return consumers_; }

  StreamConsumer* FindConsumer(std::string_view name);
  // The name must be new.
  StreamConsumer* CreateConsumer(std::string_view name, int64_t now_ms);
  // Its pending entries go with it.
  void DeleteConsumer(StreamConsumer* consumer);

  // The entry is the consumer's, as if delivered for the first time, whoever had it before.
  void Deliver(const StreamId& id, StreamConsumer* consumer, int64_t now_ms);
  PendingEntry* FindPending(const StreamId& id);
  // A pending entry that nobody has yet; the id must be new, and Assign must follow.
  PendingEntry* Force(const StreamId& id, int64_t now_ms);
  // Makes a pending entry the consumer's, its time and count left as they are.
  void Assign(const StreamId& id, PendingEntry* entry, StreamConsumer* consumer);
  // Drops a pending entry; false when there is none.
  bool Acknowledge(const StreamId& id);
  // The same for one at hand; returns the entry behind it.
  Pending::iterator Drop(Pending::iterator at);

  StreamGroup Clone() const;
  size_t memory_bytes() const;  // beyond this object itself; about
  // Frees up to *budget pending entries and consumers and lowers it; true when nothing is left.
  bool FreeSome(size_t* budget);

 private:
  Pending pending_;
  Consumers consumers_;
};

}  // namespace kiln
