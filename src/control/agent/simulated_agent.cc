#include "control/agent/simulated_agent.h"

#include <iterator>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "base/whole_file.h"
#include "control/agent/admin_protocol.h"
#include "control/agent/node_command.h"

namespace kiln {

std::vector<NodeReport> SimulatedAgent::Observe() {
  std::lock_guard lock(mutex_);
  std::vector<NodeReport> reports;
  for (auto at = nodes_.begin(); at != nodes_.end();) {
    Node& node = at->second;
    if (node.observes_left > 0 && --node.observes_left == 0) Advance(node);
    Replicate(node);
    if (node.report.state == NodeState::kReady)
      node.report.answered_ms = static_cast<int64_t>(MonotonicUs() / 1000);
    bool is_gone = node.report.state == NodeState::kStopping && node.observes_left == 0;
    if (!is_gone) reports.push_back(node.report);
    at = is_gone ? nodes_.erase(at) : std::next(at);
  }
  return reports;
}

void SimulatedAgent::Advance(Node& node) const {
  if (node.report.state == NodeState::kStarting) node.report.state = NodeState::kReady;
}

SimulatedAgent::Node* SimulatedAgent::FindAt(const Endpoint& listen) {
  for (auto& [key, node] : nodes_) {
    bool is_ready = node.report.state == NodeState::kReady;
    if (is_ready && node.report.running.listen == listen) return &node;
  }
  return nullptr;
}

// A replica has all that its primary has as soon as both run.
void SimulatedAgent::Replicate(Node& node) {
  const NodeSpec& running = node.report.running;
  if (!running.is_grouped || node.report.state != NodeState::kReady) return;
  ReplicationReport& own = node.report.replication;
  bool was_replica = own.is_known && !own.is_primary;
  own.is_known = true;
  own.is_primary = running.follows.empty();
  own.is_held &= own.follows == running.follows;
  own.follows = running.follows;
  own.is_link_up = false;
  if (own.is_held) return;
  if (own.is_primary) {
    if (was_replica || own.history.empty()) {
      own.previous_history = own.history;
      own.history = "history-" + std::to_string(next_history_++);
    }
    return;
  }
  Node* primary = FindAt(running.follows);
  if (primary == nullptr || !primary->report.running.follows.empty()) return;
  own.is_link_up = own.has_synced = true;
  own.history = primary->report.replication.history;
  own.offset = primary->report.replication.offset;
}

void SimulatedAgent::HandOver(const std::string& key, const Endpoint& replica) {
  {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(key);
    Node* next = FindAt(replica);
    if (found == nodes_.end() || next == nullptr || !next->report.replication.is_link_up) return;
    next->report.running.follows = {};
    found->second.report.running.follows = replica;
  }
  Tell();
}

void SimulatedAgent::Hold(const std::string& key) {
  {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(key);
    if (found == nodes_.end() || found->second.report.running.follows.empty()) return;
    found->second.report.replication.is_held = true;
  }
  Tell();
}

void SimulatedAgent::Lease(const std::string& key, int64_t, int64_t) {
  bool is_first = false;
  {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(key);
    if (found == nodes_.end() || found->second.report.state != NodeState::kReady) return;
    is_first = !std::exchange(found->second.report.has_lease, true);
  }
  if (is_first) Tell();
}

void SimulatedAgent::StartLocked(const NodeSpec& spec) {
  Node& node = nodes_[spec.Key()];
  node.report.running = spec;
  node.report.replication = {};
  node.report.has_lease = false;
  auto failing = failing_.find(spec.Key());
  bool fails = failing != failing_.end();
  node.report.problem = fails ? failing->second : NodeProblem::kNone;
  node.report.problem_text = fails ? "The simulation lets it fail." : "";
  node.report.pid = fails ? 0 : next_pid_++;
  node.report.state = fails ? NodeState::kFailed : NodeState::kStarting;
  node.observes_left = fails ? 0 : observes_to_change_;
  if (node.observes_left == 0) Advance(node);
}

void SimulatedAgent::Start(const NodeSpec& spec) {
  {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(spec.Key());
    if (found != nodes_.end() && found->second.report.state != NodeState::kFailed) return;
    StartLocked(spec);
  }
  Tell();
}

void SimulatedAgent::Restart(const NodeSpec& spec) {
  {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(spec.Key());
    if (found != nodes_.end() && IsSameStart(found->second.report.running, spec)) return;
    StartLocked(spec);
  }
  Tell();
}

void SimulatedAgent::Configure(const NodeSpec& spec) {
  {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(spec.Key());
    if (found == nodes_.end() || found->second.report.state != NodeState::kReady) return;
    NodeReport& report = found->second.report;
    report.problem_text = is_configure_refused_ ? "It refused its parameters: ERR simulated" : "";
    if (!is_configure_refused_) ApplyConfigure(spec, &report.running);
  }
  Tell();
}

void SimulatedAgent::Remove(const std::string& key) {
  {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(key);
    if (found == nodes_.end() || found->second.report.state == NodeState::kStopping) return;
    found->second.report.state = NodeState::kStopping;
    found->second.observes_left = observes_to_change_;
    if (observes_to_change_ == 0) nodes_.erase(found);
  }
  Tell();
}

std::string SimulatedAgent::Save(const std::string& key, const std::string& path,
                                 const std::function<bool()>&) {
  {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(key);
    if (found == nodes_.end() || found->second.report.state != NodeState::kReady)
      return "it does not run";
  }
  // A header, the end, and a checksum of zero: none.
  constexpr std::string_view kEmptySnapshot("REDIS0009\xff\0\0\0\0\0\0\0\0", 18);
  return ReplaceFile(path, kEmptySnapshot) ? "" : "its file cannot be written";
}

std::optional<std::map<std::string, std::string>> SimulatedAgent::Statistics(
    const std::string& key) {
  std::lock_guard lock(mutex_);
  auto found = nodes_.find(key);
  if (found == nodes_.end() || found->second.report.state != NodeState::kReady) return std::nullopt;
  return std::map<std::string, std::string>{
      {"process_cpu_seconds", "0"}, {"process_resident_bytes", "0"}, {"process_swap_bytes", "0"}};
}

void SimulatedAgent::OnChange(std::function<void()> callback) {
  std::lock_guard lock(mutex_);
  on_change_ = std::move(callback);
}

void SimulatedAgent::EndNode(const std::string& key) {
  {
    std::lock_guard lock(mutex_);
    auto found = nodes_.find(key);
    if (found == nodes_.end() || found->second.report.pid == 0) return;
    NodeReport& report = found->second.report;
    ++report.exits;
    report.pid = 0;
    report.state = NodeState::kFailed;
    report.problem = NodeProblem::kExited;
    report.problem_text = "The simulation ended it.";
    found->second.observes_left = 0;
  }
  Tell();
}

void SimulatedAgent::FailStarts(const std::string& key, NodeProblem problem) {
  std::lock_guard lock(mutex_);
  failing_.erase(key);
  if (problem != NodeProblem::kNone) failing_[key] = problem;
}

void SimulatedAgent::RefuseConfigure(bool is_refused) {
  std::lock_guard lock(mutex_);
  is_configure_refused_ = is_refused;
}

// Not under the lock: the callback may call back.
void SimulatedAgent::Tell() {
  std::function<void()> on_change;
  {
    std::lock_guard lock(mutex_);
    on_change = on_change_;
  }
  if (on_change) on_change();
}

}  // namespace kiln
