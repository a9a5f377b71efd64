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

struct NodeReport {
  NodeSpec running;  // What it was started with and told since.
  NodeState state = NodeState::kStarting;
  NodeProblem problem = NodeProblem::kNone;  // kFailed without one: was not running at our start.
  std::string problem_text;                  // A sentence that says what to do.
  // Times its process ended, after it had been ready, without having been asked to. Starts that
  // fail are told by `problem` alone.
  int64_t exits = 0;
  int64_t pid = 0;
};

}  // namespace kiln
