// ReplicationControl: what commands may ask of the part that copies the databases from a primary,
// and to replicas. Implemented in engine/server.
//
// Functions marked "alone" need the Gate alone; the others may be called by any worker.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/commands/client.h"
#include "protocol/resp/reply.h"

namespace kiln {

// What a client that is, or will be, a replica has told about itself.
struct ReplicaTraits {
  uint16_t port = 0;
  std::string zone;              // empty: unknown
  std::string address;           // empty: that of its connection
  bool can_read_marked = false;  // snapshots whose length is not known before
  bool is_kiln = false;
  bool wants_snapshot_only = false;
  bool wants_functions_only = false;
  bool is_attached = false;  // it said PSYNC or SYNC
  bool wants_place = false;  // it said PSYNC: it is told of the history and the offset
  bool is_of_group = false;  // it knows the secret of this managed node's group
};

// What WAIT and WAITAOF wait for: that so many replicas have everything up to an offset, in memory
// or in their files; and this server's file.
struct ReplicationWait {
  uint64_t offset = 0;
  int64_t replicas = 0;
  bool local_file = false;
  bool is_for_files = false;
};

inline constexpr std::string_view kWaitAofWithoutFile =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

struct FailoverWish {
  std::string host;  // empty: the replica that has most
  int64_t port = 0;
  int64_t timeout_ms = 0;  // 0: none
  bool is_forced = false;  // when the time is over, without waiting for the replica
};

class ReplicationControl {
 public:
  virtual ~ReplicationControl() = default;

  virtual bool IsReplica() const = 0;
  virtual bool HasReplicas() const = 0;
  // Any worker. Why this client must not write now, as an error reply's text; empty: it may.
  virtual std::string_view WriteRefusal(const Client& client) const = 0;
  // Any worker. The primary cannot be asked, and old data are not to be shown.
  virtual bool IsStale() const = 0;
  // Alone. A command for replicas that this server does not run: for tests.
  virtual void Replicate(std::span<const std::string_view> words) = 0;
  // Alone. Follows the primary there; false when it does already.
  virtual bool Follow(std::string_view host, int64_t port) = 0;
  // Alone. Is a primary from now on; nothing happens where it is.
  virtual void BecomePrimary() = 0;
  // Alone. PSYNC or (`id` empty) SYNC: the client is a replica from now on, unless there is an
  // error text. `next` is the first byte that it has not, counted from 1.
  virtual std::string Attach(Client& client, Reply& reply, std::string_view id, int64_t next) = 0;
  // Alone. PSYNC's FAILOVER, by the primary that hands over: an error text, or empty.
  virtual std::string TakeOver(std::string_view id) = 0;
  // Alone: what stands for the link to the primary while changes come over it; null: none does.
  virtual Client* PrimaryClient() = 0;
  // Alone. Drops that link; it is made anew.
  virtual void DropLink() = 0;
  // A replica has told how far it is; `in_file` of that in its append-only file, if it says so.
  virtual void OnAck(Client& client, uint64_t offset, std::optional<uint64_t> in_file) = 0;
  // The primary asks how far this server is.
  virtual void OnAckWanted() = 0;
  // Alone. A primary that requires a lease may acknowledge writes for so long from a moment on the
  // machine's boot clock; 0: not any more.
  virtual void GrantLease(int64_t duration_ms, int64_t from_ms) = 0;
  // Alone. A replica that has its data keeps them for so long, or until it is told whom to follow:
  // it takes nothing more from its primary. An error text, or empty.
  virtual std::string Hold(int64_t duration_ms) = 0;
  // Alone. A replica whose data are being replaced as a whole.
  virtual bool IsSyncing() const = 0;
  // Alone: ROLE's reply.
  virtual void DescribeRole(Reply& reply) = 0;
  // Alone: an error text, or empty.
  virtual std::string StartFailover(const FailoverWish& wish) = 0;
  virtual bool AbortFailover() = 0;
  // Whether FAILOVER is at work.
  virtual bool IsFailingOver() const = 0;

  // WAIT's reply as things are; and the same if that is enough. Otherwise the client will be woken
  // with it when it is.
  virtual std::string WaitReply(const ReplicationWait& wait) = 0;
  virtual std::optional<std::string> StartWait(Client& client, const ReplicationWait& wait) = 0;
};

}  // namespace kiln
