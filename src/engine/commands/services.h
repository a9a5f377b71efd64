// Services: what the server offers its commands beyond the keyspace. Implemented in engine/server
// and engine/script.
//
// Functions marked "alone" need the Gate alone (their callers' rows say kGate); the others may be
// called from any worker.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/client.h"
#include "engine/commands/command.h"

namespace kiln {

class AccessControl;
class ClientTracker;
class CommandTable;
struct DebugSwitches;
class Discovery;
class JournalProbe;
class LatencyMonitor;
struct MemcacheCounters;
class MemcacheLog;
class MemcacheUsers;
class MigrateLinks;
class PersistenceControl;
class ReplicationControl;
class ParameterSet;
class PubSub;
class Reply;
class SlowLog;
struct Call;

// Reaches other clients. Messages travel through the owning worker's mailbox, in order per sender.
class ClientHub {
 public:
  virtual ~ClientHub() = default;
  // Appends bytes to the client's output. Nobody there: nothing happens.
  virtual void Send(ClientHandle to, std::shared_ptr<const std::string> bytes) = 0;
  // The client closes, after what it has still to be sent if `after_output`.
  virtual void Close(ClientHandle who, bool after_output) = 0;
  // Alone. Closes the client, which from now on does nothing more.
  virtual void Kill(Client& client) = 0;
  // Ends a client's wait as a timeout would, or with an error reply; false when it was not waiting.
  // Alone.
  virtual bool Unblock(ClientHandle who, bool with_error) = 0;
  // Alone. Every client of every worker.
  virtual void ForEach(const std::function<void(Client&)>& f) = 0;
  // The line CLIENT LIST prints for it. Alone, or for the caller's own client.
  virtual std::string Describe(const Client& client) = 0;
  // Pauses clients until `until_ms` (Unix ms): all of them or only their writes. Alone.
  virtual void Pause(uint64_t until_ms, bool only_writes) = 0;
  virtual void Unpause() = 0;
  // Closes the biggest clients until all together are within maxmemory-clients. Alone.
  virtual void EvictClients() = 0;
};

enum class KillOutcome { kNotBusy, kUnkillable, kKilled };

// Runs scripts; implemented in engine/script. Callers are workers; the call's client says which
// one.
class ScriptRunner {
 public:
  virtual ~ScriptRunner() = default;
  // EVAL, EVALSHA (`by_hash`) and their read-only forms; replies to the call. Alone, unless
  // KeepsToItsKeys: then under the locks of its keys.
  virtual void Eval(Call& call, bool by_hash, bool read_only) = 0;
  // SCRIPT LOAD: replies with the SHA1 in hex, or an error.
  virtual void Load(Call& call, std::string_view body) = 0;
  virtual bool Exists(std::string_view sha) = 0;
  // SCRIPT SHOW: replies with the script's text, or an error.
  virtual void Show(Call& call, std::string_view sha) = 0;
  // Forgets all scripts. Alone.
  virtual void Flush() = 0;
  // Asks the script that runs alone to end.
  virtual KillOutcome Kill() = 0;
  // Whether this request of EVAL and its relatives is for a script of which is proven that it
  // touches no keys but those it is given, and soon ends (declared_keys.h): the locks of its keys
  // are enough for it. By the client's own worker.
  virtual bool KeepsToItsKeys(const Client& client, const Command& command,
                              Arguments arguments) = 0;
  // Whether the script or function that the request names has declared that it does not write.
  virtual bool IsReadOnly(const Command& command, Arguments arguments) = 0;
  // The time (Unix us) for the script that the client runs: while it runs, time stands still.
  virtual int64_t TimeUs(const Client& client) = 0;
  // Scripts may call also what is forbidden to them, or no longer. Alone; for tests.
  virtual void AllowForbidden(bool allow) = 0;
  virtual bool allows_forbidden() const = 0;

  // ---- Functions ----
  // FUNCTION LOAD: replies with the library's name, or an error. Alone.
  virtual void LoadLibrary(Call& call, std::string_view code, bool replaces) = 0;
  // FCALL and FCALL_RO; replies to the call. Alone.
  virtual void CallFunction(Call& call, bool read_only) = 0;
  virtual bool DeleteLibrary(std::string_view name) = 0;  // alone; false when there is none
  virtual void FlushLibraries() = 0;                      // alone
  // FUNCTION LIST's reply: the libraries that match, or all; with their code.
  virtual void ListLibraries(Call& call, const std::string_view* pattern, bool with_code) = 0;
  virtual void FunctionStats(Call& call) = 0;  // replies
  // The code of every library, and the way back: all or none, an error text otherwise. Libraries of
  // the same names are replaced, or are an error. Alone.
  virtual std::vector<std::string> LibraryCodes() = 0;
  virtual std::string AddLibraries(const std::vector<std::string>& codes, bool replaces) = 0;
  // Whether what runs is a function and no script.
  virtual bool IsFunctionRunning() = 0;

  // What the interpreters hold, and how many scripts there are: for INFO.
  virtual size_t MemoryBytes() = 0;
  virtual size_t CachedScripts() = 0;
  virtual size_t LibraryCount() = 0;
  virtual size_t FunctionCount() = 0;
};

// Where the process's memory is.
struct MemoryReport {
  size_t total_bytes = 0;     // allocated
  size_t peak_bytes = 0;      // the most that was
  size_t startup_bytes = 0;   // before there were keys and clients
  size_t resident_bytes = 0;  // as the system sees it
  size_t client_bytes = 0;
  size_t overhead_bytes = 0;  // startup and clients
  size_t dataset_bytes = 0;   // the rest
  size_t keys = 0;
};

// The calls that took at most so long.
struct LatencyBucket {
  uint64_t within_us;
  uint64_t calls;  // those of all smaller buckets included
};

// The server itself.
class ServerControl {
 public:
  virtual ~ServerControl() = default;
  // INFO's text for the sections asked for ("default", "all", "memory", ...). Alone.
  virtual std::string Info(std::span<const std::string_view> sections) = 0;
  virtual void ResetStatistics() = 0;  // alone
  // Alone. With `all`, parameters that have their defaults are written too. An error text, or
  // empty.
  virtual std::string RewriteConfig(bool all) = 0;
  virtual void Shutdown() = 0;
  // The same, and the items are kept for the next start if there is a place for them.
  virtual void ShutdownGracefully() = 0;
  // Shows the client every command as it runs, or no longer.
  virtual void SetMonitor(Client& client, bool on) = 0;
  // A parameter was changed: puts it into force. Returns an error text, or empty. Alone.
  virtual std::string ApplyParameter(std::string_view name) = 0;
  virtual size_t UsedMemoryBytes() = 0;
  virtual MemoryReport Memory() = 0;  // alone
  // Of the calls of a command, ascending; empty when there were none. Alone.
  virtual std::vector<LatencyBucket> Latencies(const Command& command) = 0;
  // Alone. As if the data had another history from now on.
  virtual void ChangeReplicationId() = 0;
  // The lines of memcached's "stats", the END included; an error line for a topic it does not know.
  // Alone.
  virtual std::string MemcacheStats(Arguments topic) = 0;
  // Flushes database 0 at this time (Unix ms), or at once when it has passed; replaces an earlier
  // wish. Alone.
  virtual void FlushAt(uint64_t at_ms) = 0;
  // What is done at intervals for clients' memory and tracked keys is not done meanwhile; for
  // tests. Alone.
  virtual void PauseCron(bool on) = 0;
};

// Runs commands inside another one. Each worker has its own.
class NestedRunner {
 public:
  virtual ~NestedRunner() = default;
  // EXEC's queue, a script's redis.call: the handler alone. The locks of `outer` must cover it, and
  // the caller has checked what is to be checked.
  virtual void RunNested(Call& outer, const Command& command, Arguments arguments,
                         Reply& reply) = 0;
  // Whether commands that grow may run; evicts first if it must. Alone, or holding no lock.
  virtual bool MakeRoom() = 0;
  // For a script that goes on for too long: lets all workers answer their clients once, the
  // caller's own included. Alone. True when the server is to end, and the script with it.
  virtual bool ServeOthers() = 0;
  // Counts a command that a script may not run; `command` is null when it does not exist.
  virtual void CountRefused(const Command* command, std::string_view error) = 0;
  // Takes a client out of MULTI and WATCH. Locks the watched keys' shards unless `covered` says the
  // caller's locks do.
  virtual void DiscardTransaction(Client& client, bool covered) = 0;
};

struct Services {
  const CommandTable* commands = nullptr;
  AccessControl* access = nullptr;
  ClientHub* clients = nullptr;
  ServerControl* server = nullptr;
  NestedRunner* nested = nullptr;
  ScriptRunner* scripts = nullptr;
  ParameterSet* parameters = nullptr;
  PubSub* pubsub = nullptr;
  SlowLog* slowlog = nullptr;
  LatencyMonitor* latency = nullptr;
  MemcacheCounters* memcache = nullptr;  // the worker's own
  MemcacheLog* memcache_log = nullptr;
  MemcacheUsers* memcache_users = nullptr;
  ClientTracker* tracker = nullptr;  // the worker's own
  Discovery* discovery = nullptr;
  DebugSwitches* debug = nullptr;
  MigrateLinks* migrate_links = nullptr;
  PersistenceControl* persistence = nullptr;
  ReplicationControl* replication = nullptr;
  JournalProbe* journal_probe = nullptr;
};

}  // namespace kiln
