// Client: what commands know and change of the connection that sent them.
//
// A client belongs to one worker. Other threads name it by ClientHandle and reach it through
// ClientHub (services.h); only whoever holds the Gate alone may look into another worker's clients.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/command.h"
#include "engine/store/waiters.h"

namespace kiln {

class AclUser;
class OutputSource;
struct ClientTracking;
struct ReplicaTraits;

// Names a connection for good: a handle of a closed one finds nobody.
struct ClientHandle {
  uint32_t worker = 0;
  uint64_t id = 0;  // never used twice
  bool operator==(const ClientHandle&) const = default;
};
struct ClientHandleHash {
  size_t operator()(const ClientHandle& handle) const { return std::hash<uint64_t>()(handle.id); }
};

// A request queued by MULTI: its own copy of the arguments.
struct QueuedRequest {
  const Command* command;
  std::vector<std::string> arguments;
};

struct Transaction {
  bool active = false;   // after MULTI
  bool aborted = false;  // a queued command was refused: EXEC must fail
  std::vector<QueuedRequest> queue;
  size_t queue_bytes = 0;

  // WATCH: the keys, whether each had expired already when watched, and the flag that their changes
  // set.
  struct WatchedKey {
    DbKey key;
    bool was_expired;
  };
  std::vector<WatchedKey> watched;
  std::shared_ptr<WatchState> state;
};

struct Subscriptions {
  std::set<std::string, std::less<>> channels;
  std::set<std::string, std::less<>> patterns;
  std::set<std::string, std::less<>> shard_channels;
  size_t count() const { return channels.size() + patterns.size(); }
  bool any() const { return count() + shard_channels.size() > 0; }
};

enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext, kSkip };

struct Client {
  Client();
  ~Client();

  ClientHandle handle;
  int db = 0;
  int protocol_version = 2;
  bool authenticated = true;
  bool is_memcache = false;
  bool is_login_begun = false;  // by SASL: the client may send the next step
  bool is_admin = false;        // came through the admin socket: may run everything
  // Nothing about this client needs a closer look before a command runs; kept by the dispatcher,
  // see IsPlain.
  bool is_plain = false;
  // What it asks for must be checked against its user's rights; kept by AccessControl.
  bool is_limited = false;
  bool is_killed = false;  // has been closed by ClientHub::Kill, which its worker is to learn yet
  bool is_monitor = false;
  bool is_primary = false;  // stands for the server's primary
  bool no_evict = false;
  bool no_touch = false;
  bool is_local = false;  // loopback or unix socket
  bool close_after_reply = false;
  bool is_blocked = false;
  bool is_held_back = false;       // has a request that waits for the end of a pause
  bool in_script = false;          // the call comes from a script this client runs
  bool knows_redirect = false;     // said CLIENT CAPA redirect
  bool wants_maintenance = false;  // said CLIENT MAINT_NOTIFICATIONS ON
  ReplyMode reply_mode = ReplyMode::kOn;
  std::string name;
  std::string user = "default";
  // Known to AccessControl alone; null: may do everything. Of one that was killed nobody looks at
  // it: the user may be gone.
  const AclUser* acl_user = nullptr;
  std::string lib_name;
  std::string lib_version;
  std::string address;  // "127.0.0.1:52114"
  std::string local_address;
  int fd = -1;
  uint64_t created_ms = 0;
  uint64_t last_active_ms = 0;
  const Command* last_command = nullptr;
  Transaction transaction;
  Subscriptions subscriptions;
  std::shared_ptr<Waiter> waiter;  // while blocked
  // Set while CLIENT TRACKING is on; kept by ClientTracker.
  std::unique_ptr<ClientTracking> tracking;
  // memcached's: what is still to be written to it, before it is asked for more; the kinds of
  // events that it watches, and how many of them were not sent because it does not read.
  std::unique_ptr<OutputSource> source;
  uint32_t watched_events = 0;
  uint64_t skipped_events = 0;
  // Set for who said REPLCONF, PSYNC or SYNC.
  std::unique_ptr<ReplicaTraits> replica;
  // Where the journal ended behind its last change.
  uint64_t written_offset = 0;
  // What it has not been told yet may tell of changes; known under durability sync only.
  bool has_seen_data = false;
  // What it is waiting for, as ReplicationControl numbers that; 0: nothing.
  uint64_t replication_wait = 0;
  // For CLIENT LIST; kept by the connection.
  size_t input_bytes = 0;
  size_t parsed_bytes = 0;  // of these: arguments of a request that is not complete
  size_t output_bytes = 0;
  // What the sum of all clients' memory holds for it, where maxmemory-clients needs that.
  size_t counted_bytes = 0;

  // What it asked for so far is still sent to it, then the connection goes.
  void CloseAfterReply() {
    close_after_reply = true;
    is_plain = false;
  }
  bool IsPlain() const {
    return authenticated && !is_limited && !close_after_reply && !transaction.active &&
           !subscriptions.any() && !no_touch && reply_mode == ReplyMode::kOn &&
           tracking == nullptr && replica == nullptr;
  }
};

}  // namespace kiln
