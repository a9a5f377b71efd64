// The agent of one machine: makes kiln-server processes run as node specifications say.
//
// The orchestrator calls it from its one thread. Every call returns at once, may be repeated, and
// is carried out behind the caller's back; Observe tells how far it has come.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/model/node_spec.h"

namespace kiln {

class Agent {
 public:
  virtual ~Agent() = default;

  // Every node that exists here, in any state; from memory.
  virtual std::vector<NodeReport> Observe() = 0;

  // Starts it unless it runs. One that has failed is started again when its back-off has passed.
  virtual void Start(const NodeSpec& spec) = 0;
  // Ends its process and starts one with this specification.
  virtual void Restart(const NodeSpec& spec) = 0;
  // Tells a ready node its live parameters, endpoints and discovery text.
  virtual void Configure(const NodeSpec& spec) = 0;
  // Tells a primary to hand over to a replica, by its own address, without loss. It may fail, and
  // then nothing has changed.
  virtual void HandOver(const std::string& key, const Endpoint& replica) = 0;
  // Asks a replica to keep what it has, for some seconds. Observe tells whether it does.
  virtual void Hold(const std::string& key) = 0;
  // Tells a primary that it may acknowledge writes for `duration_ms` from a moment on the machine's
  // boot clock, however long the word takes.
  virtual void Lease(const std::string& key, int64_t from_ms, int64_t duration_ms) = 0;
  // Ends its process at once, as if it had failed.
  virtual void Kill(const std::string& key) = 0;
  // Ends its process and removes its files; Observe then no longer has it. No-op when unknown.
  virtual void Remove(const std::string& key) = 0;

  // Has a redis node write its data into a snapshot file, and moves that to `path`, in a folder of
  // this machine. Waits as long as the node makes progress and `goes_on` says yes. Why there is
  // none, or empty. From any thread; blocks.
  virtual std::string Save(const std::string& key, const std::string& path,
                           const std::function<bool()>& goes_on) = 0;

  // The node's own statistics by INFO's field names (stats' for memcached), and the process's own
  // under "process_cpu_seconds", "process_resident_bytes" and "process_swap_bytes". Nullopt when
  // it does not answer within a second. From any thread; blocks.
  virtual std::optional<std::map<std::string, std::string>> Statistics(const std::string& key) = 0;

  // Called from a thread of the agent when Observe has something new to tell. Null ends that; when
  // it returns, no call is under way. Not to be used from within a call.
  virtual void OnChange(std::function<void()> callback) = 0;
};

}  // namespace kiln
