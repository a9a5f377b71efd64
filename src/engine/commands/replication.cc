// Replication: what administrators, replicas and clients that wait for replicas say.

#include "engine/commands/replication.h"

#include <openssl/crypto.h>

#include <limits>

#include "base/boot_clock.h"
#include "base/log.h"
#include "base/number.h"
#include "base/split_args.h"
#include "engine/commands/call.h"
#include "engine/commands/groups.h"
#include "engine/commands/services.h"

namespace kiln {
namespace {

ReplicationControl& Of(Call& call) {
  return *call.services.replication;
}

// ---- Administrators ----

// FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]
void Failover(Call& call) {
  if (call.settings().cluster_enabled) {
    return call.FailText(
        "ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.");
  }
  if (call.args.Left() == 1 && call.args.Take("ABORT")) {
    if (!Of(call).AbortFailover()) return call.FailText("ERR No failover in progress.");
    return call.reply.Ok();
  }
  FailoverWish wish;
  while (call.args.More()) {
    if (wish.timeout_ms == 0 && call.args.Take("TIMEOUT")) {
      wish.timeout_ms = call.args.Integer();
      if (call.args.ok() && wish.timeout_ms <= 0)
        return call.FailText("ERR FAILOVER timeout must be greater than 0");
    } else if (wish.host.empty() && call.args.Take("TO")) {
      wish.host = call.args.Text();
      wish.port = call.args.Integer();
    } else if (!wish.is_forced && call.args.Take("FORCE")) {
      wish.is_forced = true;
    } else {
      return call.Fail(Error::kSyntax);
    }
    if (!call.args.ok()) return call.Fail(call.args.error());
  }
  if (std::string error = Of(call).StartFailover(wish); !error.empty())
    return call.FailText("ERR " + error);
  call.reply.Ok();
}

// REPLICAOF <host port | NO ONE>
void ReplicaOf(Call& call) {
  if (call.settings().cluster_enabled)
    return call.FailText("ERR REPLICAOF not allowed in cluster mode.");
  if (Of(call).IsFailingOver())
    return call.FailText("ERR REPLICAOF not allowed while failing over.");
  std::string_view host = call.args.Text();
  std::string_view port = call.args.Text();
  std::string by = call.services.clients->Describe(call.client);
  if (EqualsWord(host, "NO") && EqualsWord(port, "ONE")) {
    if (!Of(call).IsReplica()) return call.reply.Ok();
    // Whoever manages the node chose it for its data, which it is about to lose.
    if (call.client.is_admin && Of(call).IsSyncing())
      return call.FailText("ERR this replica is taking everything anew.");
    Of(call).BecomePrimary();
    Log(LogLevel::kNotice, "MASTER MODE enabled (user request from '" + by + "')");
    return call.reply.Ok();
  }
  if (call.client.replica != nullptr && call.client.replica->is_attached)
    return call.FailText("ERR Command is not valid when client is a replica.");
  auto number = ParseInt64(port);
  if (!number || *number < 0 || *number > 65535) return call.FailText("ERR Invalid master port");
  if (!Of(call).Follow(host, *number)) {
    Log(LogLevel::kNotice,
        "REPLICAOF would result into synchronization with the master we are already connected "
        "with. No operation performed.");
    return call.reply.Simple("OK Already connected to specified master");
  }
  Log(LogLevel::kNotice, "REPLICAOF " + std::string(host) + ":" + std::string(port) +
                             " enabled (user request from '" + by + "')");
  call.reply.Ok();
}

// KILN HOLD milliseconds
void Hold(Call& call) {
  constexpr int64_t kLongestMs = 60'000;
  int64_t duration_ms = call.args.Integer();
  if (!call.args.Done()) return call.Fail(call.args.error());
  if (duration_ms < 1 || duration_ms > kLongestMs)
    return call.FailText("ERR a replica holds still for 1 to 60000 milliseconds");
  if (std::string error = Of(call).Hold(duration_ms); !error.empty())
    return call.FailText("ERR " + error);
  call.reply.Ok();
}

// KILN LEASE milliseconds [FROM moment]
// The moment is one of the machine's boot clock, in milliseconds: so nothing is granted by what has
// lain in a socket while this process stood still. Without one it is now.
void Lease(Call& call) {
  constexpr int64_t kLongestMs = 3'600'000;
  int64_t now_ms = BootMs();
  int64_t duration_ms = call.args.Integer();
  int64_t from_ms = call.args.Take("FROM") ? call.args.Integer() : now_ms;
  if (!call.args.Done()) return call.Fail(call.args.error());
  if (duration_ms < 0 || duration_ms > kLongestMs)
    return call.FailText("ERR a lease takes from 0 to 3600000 milliseconds");
  if (from_ms < 0 || from_ms > now_ms)
    return call.FailText("ERR a lease begins at a moment that has been, on this machine's clock");
  Of(call).GrantLease(duration_ms, from_ms);
  call.reply.Ok();
}

// ROLE
void Role(Call& call) {
  Of(call).DescribeRole(call.reply);
}

// ---- Replicas ----

// For strangers the commands do not exist.
constexpr std::string_view kNoPSync = "ERR unknown command 'PSYNC', with args beginning with: ";
constexpr std::string_view kNoSync = "ERR unknown command 'SYNC', with args beginning with: ";

ReplicaTraits& TraitsOf(Client& client) {
  if (client.replica == nullptr) client.replica = std::make_unique<ReplicaTraits>();
  return *client.replica;
}

// A managed node gives its data to the nodes of its group alone: those that know its own
// masterauth.
bool IsStranger(Call& call) {
  return call.settings().managed_node && !call.client.is_admin &&
         !TraitsOf(call.client).is_of_group;
}

// PSYNC replicationid offset [FAILOVER]
void PSync(Call& call) {
  if (IsStranger(call)) return call.FailText(kNoPSync);
  std::string_view id = call.args.Text();
  int64_t next = call.args.Integer();
  if (!call.args.ok()) {
    Log(LogLevel::kWarning,
        "Replica " + call.client.address + " asks for synchronization but with a wrong offset");
    return call.Fail(call.args.error());
  }
  if (TraitsOf(call.client).is_attached) return;
  if (call.args.Take("FAILOVER")) {
    if (std::string error = Of(call).TakeOver(id); !error.empty())
      return call.FailText("ERR " + error);
  }
  std::string error = Of(call).Attach(call.client, call.reply, id, next);
  if (!error.empty()) call.FailText(error);
}

// SYNC
void Sync(Call& call) {
  if (IsStranger(call)) return call.FailText(kNoSync);
  if (TraitsOf(call.client).is_attached) return;
  std::string error = Of(call).Attach(call.client, call.reply, {}, -1);
  if (!error.empty()) call.FailText(error);
}

// REPLCONF ACK offset [FACK offset]; no reply.
void TakeAck(Call& call) {
  auto offset = ParseInt64(call.args.Text());
  std::optional<uint64_t> in_file;
  if (call.args.Take("FACK")) {
    if (auto file_offset = ParseInt64(call.args.Text()); file_offset && *file_offset >= 0)
      in_file = static_cast<uint64_t>(*file_offset);
  }
  if (!offset || *offset < 0 || call.client.replica == nullptr) return;
  Of(call).OnAck(call.client, static_cast<uint64_t>(*offset), in_file);
}

// What a replica wants of the snapshot; false when it has replied with an error.
bool TakeFilter(Call& call, ReplicaTraits& traits) {
  auto words = SplitArgs(call.args.Text());
  if (!words) return call.FailText("ERR Missing rdb-filter-only values"), false;
  for (const std::string& word : *words) {
    if (EqualsWord(word, "FUNCTIONS")) continue;
    return call.FailText("ERR Unsupported rdb-filter-only option: " + word), false;
  }
  traits.wants_functions_only = true;
  return true;
}

void TakeSecret(Call& call, ReplicaTraits& traits) {
  std::string_view told = call.args.Text();
  const std::string& own = call.settings().masterauth;
  traits.is_of_group = !own.empty() && told.size() == own.size() &&
                       CRYPTO_memcmp(told.data(), own.data(), own.size()) == 0;
}

void TakeCapability(std::string_view word, ReplicaTraits& traits) {
  if (EqualsWord(word, "EOF")) traits.can_read_marked = true;
  if (EqualsWord(word, "KILN")) traits.is_kiln = true;
}

// REPLCONF option value [option value ...]
void ReplConf(Call& call) {
  constexpr size_t kMaxAddressBytes = 255;
  if (call.args.Left() % 2 != 0) return call.Fail(Error::kSyntax);
  if (call.args.Take("ACK")) return TakeAck(call);
  if (call.args.Take("GETACK")) return Of(call).OnAckWanted();
  while (call.args.More()) {
    ReplicaTraits& traits = TraitsOf(call.client);
    if (call.args.Take("LISTENING-PORT")) {
      traits.port = static_cast<uint16_t>(call.args.Integer());
    } else if (call.args.Take("IP-ADDRESS")) {
      std::string_view address = call.args.Text();
      if (address.size() > kMaxAddressBytes) {
        return call.FailText("ERR REPLCONF ip-address provided by replica instance is too long: " +
                             std::to_string(address.size()) + " bytes");
      }
      traits.address = address;
    } else if (call.args.Take("AVAILABILITY-ZONE")) {
      traits.zone = call.args.Text().substr(0, kMaxAddressBytes);
    } else if (call.args.Take("CAPA")) {
      TakeCapability(call.args.Text(), traits);
    } else if (call.args.Take("KILN-SECRET")) {
      TakeSecret(call, traits);
    } else if (call.args.Take("RDB-ONLY")) {
      int64_t on = call.args.Integer();
      if (call.args.ok() && (on < 0 || on > 1))
        return call.FailText("ERR value is out of range, must be between 0 and 1");
      traits.wants_snapshot_only = on == 1;
    } else if (call.args.Take("RDB-FILTER-ONLY")) {
      if (!TakeFilter(call, traits)) return;
    } else if (call.args.Take("VERSION")) {
      call.args.Text();
    } else {
      return call.FailText("ERR Unrecognized REPLCONF option: " + std::string(call.args.Peek()));
    }
  }
  if (!call.args.Done()) return call.Fail(call.args.error());
  call.reply.Ok();
}

// ---- Clients that wait ----

// The next argument, as a deadline in Unix ms; 0 is none.
uint64_t ReadDeadline(Call& call) {
  constexpr int64_t kForever = std::numeric_limits<int64_t>::max();
  int64_t timeout_ms = call.args.Integer(Error::kTimeoutNotInteger);
  if (!call.args.ok() || timeout_ms == 0) return 0;
  auto now = static_cast<int64_t>(call.now_ms());
  if (timeout_ms < 0) call.args.Fail(Error::kTimeoutNegative);
  if (timeout_ms > kForever - now) call.args.Fail(Error::kTimeoutOutOfRange);
  return static_cast<uint64_t>(now) + static_cast<uint64_t>(timeout_ms);
}

void WaitFor(Call& call, const ReplicationWait& wait, uint64_t deadline_ms) {
  ReplicationControl& replication = Of(call);
  // Within MULTI or a script nobody waits.
  if (!call.may_block) return call.reply.Raw(replication.WaitReply(wait));
  if (auto reply = replication.StartWait(call.client, wait)) return call.reply.Raw(*reply);
  call.Block({}, deadline_ms, {});
  call.effects.block.answer = [&replication, wait] { return replication.WaitReply(wait); };
}

// WAIT numreplicas timeout
void Wait(Call& call) {
  if (Of(call).IsReplica()) {
    return call.FailText(
        "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if "
        "a replica is configured to be writable (which is not the default) writes to replicas are "
        "just local and are not propagated.");
  }
  ReplicationWait wait{.offset = call.client.written_offset};
  wait.replicas = call.args.Integer();
  uint64_t deadline_ms = ReadDeadline(call);
  if (!call.args.Done()) return call.Fail(call.args.error());
  WaitFor(call, wait, deadline_ms);
}

// WAITAOF numlocal numreplicas timeout
void WaitAof(Call& call) {
  int64_t local = call.args.Integer();
  if (!call.args.ok()) return call.Fail(call.args.error());
  if (local < 0 || local > 1)
    return call.FailText("ERR value is out of range, value must between 0 and 1");
  ReplicationWait wait{.offset = call.client.written_offset, .is_for_files = true};
  wait.local_file = local > 0;
  wait.replicas = call.args.Integer();
  if (wait.replicas < 0) call.args.Fail(Error::kNotPositive);
  uint64_t deadline_ms = ReadDeadline(call);
  if (!call.args.Done()) return call.Fail(call.args.error());
  if (Of(call).IsReplica()) {
    return call.FailText(
        "ERR WAITAOF cannot be used with replica instances. Please also note that writes to "
        "replicas are just local and are not propagated.");
  }
  if (local > 0 && !call.settings().appendonly) return call.FailText(kWaitAofWithoutFile);
  WaitFor(call, wait, deadline_ms);
}

constexpr uint32_t kPersist = kAdmin | kNoScript | kNoAsyncLoading;
constexpr uint32_t kTalk = kAdmin | kNoScript | kLoading | kStale | kAllowBusy;

// clang-format off
constexpr Command kReplicationCommands[] = {
  // name       arity  keys          flags                                       acl                                     handler    since     usage                                   summary
  {"FAILOVER",  -1,    Keys::None(), kAdmin | kNoScript | kStale | kGate,        Acl::kNone,                             Failover,  "6.2.0",  "[TO target=(host port [FORCE])] [ABORT] [TIMEOUT milliseconds]", "Makes a replica the primary, without loss."},
  {"KILN",      -2,    Keys::None(), kContainer,                                 Acl::kNone,                             nullptr,   "7.2.0",  "",                                     "A container for what only Kiln has."},
  {"KILN|HOLD", 3,     Keys::None(), kAdmin | kNoScript | kLoading | kStale | kGate, Acl::kNone,                         Hold,      "7.2.0",  "milliseconds:integer",                 "Lets a replica keep what it has, and take no more, for so long."},
  {"KILN|LEASE", -3,   Keys::None(), kAdmin | kNoScript | kLoading | kStale | kGate, Acl::kNone,                         Lease,     "7.2.0",  "milliseconds:integer [FROM moment:integer]", "Lets a primary acknowledge writes for so long, and no longer."},
  {"PSYNC",     -3,    Keys::None(), kPersist | kNoMulti | kGate | kEndsBatch,   Acl::kNone,                             PSync,     "2.8.0",  "replicationid offset",                 "What replicas say: asks for the changes since an offset."},
  {"REPLCONF",  -1,    Keys::None(), kTalk,                                      Acl::kNone,                             ReplConf,  "3.0.0",  "",                                     "What replicas say: tells the primary about one."},
  {"REPLICAOF", 3,     Keys::None(), kPersist | kStale | kGate | kEndsBatch,     Acl::kNone,                             ReplicaOf, "5.0.0",  "args=<host-port=(host port)|no-one=(NO ONE)>", "Makes the server a replica, or a primary."},
  {"ROLE",      1,     Keys::None(), kLoading | kStale | kFast | kNoScript | kGate, Acl::kDangerous | Acl::kAdministration, Role,   "2.8.12", "",                                     "Returns the server's place in replication."},
  {"SLAVEOF",   3,     Keys::None(), kPersist | kStale | kGate | kEndsBatch,     Acl::kNone,                             ReplicaOf, "1.0.0",  "args=<host-port=(host port)|no-one=(NO ONE)>", "Makes the server a replica, or a primary; REPLICAOF's older name."},
  {"SYNC",      1,     Keys::None(), kPersist | kNoMulti | kGate | kEndsBatch,   Acl::kNone,                             Sync,      "1.0.0",  "",                                     "What replicas say: asks for everything."},
  {"WAIT",      3,     Keys::None(), kEndsBatch,                                 Acl::kConnection,                       Wait,      "3.0.0",  "numreplicas timeout:integer",          "Waits until so many replicas have all that the client wrote."},
  {"WAITAOF",   4,     Keys::None(), kNoScript | kEndsBatch,                     Acl::kConnection,                       WaitAof,   "7.2.0",  "numlocal numreplicas timeout:integer", "Waits until all that the client wrote is in the append-only files here and on replicas."},
};
// clang-format on
static_assert(WellFormed(kReplicationCommands),
              "rows must be sorted, described, and not both read and write");

}  // namespace

std::span<const Command> ReplicationCommands() {
  return kReplicationCommands;
}

}  // namespace kiln
