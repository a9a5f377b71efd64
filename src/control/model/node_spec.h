// How one node's process is to run, and what is known of how it does.
//
// The orchestrator's plan compares the two; the agent makes one become the other. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/model/documents.h"

namespace kiln {

struct NodeSpec {
  std::string cluster_id;
  std::string node_id;
  std::string engine;  // redis, valkey, memcached
  Endpoint listen;
  std::vector<Endpoint> endpoints;  // More to listen on; other nodes may share them.
  int64_t boot = 1;                 // A process with a lower number is to be restarted.
  // Under the names of kiln-server's configuration file, or of memcached's long options.
  std::map<std::string, std::string> start_parameters;  // Take effect when it starts.
  std::map<std::string, std::string> live_parameters;   // May change while it runs.
  // memcached Auto Discovery: what "config get cluster" answers. Empty: not yet known.
  std::string discovery;
  // A member of a replication group: the agent watches its replication.
  bool is_grouped = false;
  Endpoint follows;         // Its primary's own address; empty: it is a primary.
  bool keeps_role = false;  // `follows` is not to be told: it hands over, or takes over, just now.
  // The snapshot file that it is to start with: where it lies until then. Empty: it starts empty.
  std::string seed;
  // Endpoints that it has closed, whose clients are still to be disconnected. Not kept in files.
  std::vector<Endpoint> closed;

  // Names its folder and its metrics: "sessions.0001".
  std::string Key() const { return cluster_id + "." + node_id; }
  bool operator==(const NodeSpec&) const = default;
};

// The JSON form; FromJson<NodeSpec> of documents.h reads it.
std::string ToJson(const NodeSpec& spec);

enum class NodeState : uint8_t {
  kStarting,  // Its process has been asked for, but does not answer yet.
  kReady,     // Answers on its admin socket.
  kFailed,    // Does not run; it is started again after a while. `problem` says why.
  kStopping,
};

enum class NodeProblem : uint8_t { kNone, kAddressTaken, kNoProgram, kDiskFull, kExited };

// What a member of a replication group says of itself (INFO replication).
struct ReplicationReport {
  bool is_known = false;  // Has been told since its process started.
  bool is_primary = false;
  Endpoint follows;  // As a replica.
  bool is_link_up = false;
  bool is_syncing = false;  // A snapshot is on its way to it.
  bool has_synced = false;  // It had all of its primary's data at some time.
  bool is_handing_over = false;
  bool is_held = false;          // It takes nothing more from its primary, as it was asked.
  int64_t link_down_s = 0;       // Not is_link_up: for so long.
  std::string history;           // Of which its data are: Redis's replication id.
  std::string previous_history;  // The one before, which it goes on from.
  int64_t offset = 0;            // How much of that it has, in bytes.

  bool operator==(const ReplicationReport&) const = default;
};

struct NodeReport {
  NodeSpec running;  // What it was started with and told since.
  NodeState state = NodeState::kStarting;
  NodeProblem problem = NodeProblem::kNone;  // kFailed without one: was not running at our start.
  std::string problem_text;                  // A sentence that says what to do.
  // Times its process ended, after it had been ready, without having been asked to. Starts that
  // fail are told by `problem` alone.
  int64_t exits = 0;
  int64_t pid = 0;
  // Monotonic milliseconds, 0: never.
  int64_t answered_ms = 0;  // When it answered last.
  int64_t ended_ms = 0;     // When its last process ended.
  bool is_silent = false;   // It has not answered for so long that it may be replaced.
  bool has_lease = false;   // Its process was granted one, at some time.
  ReplicationReport replication;
};

}  // namespace kiln
