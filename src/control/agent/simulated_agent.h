// An agent without processes: for tests of the orchestrator, and for trying the control plane with
// a thousand clusters.
//
// Time is counted in calls of Observe: a node that starts or stops does so for a given number of
// them (0: it is ready, or gone, when the call returns). Any thread; OnChange's callback runs on
// the thread whose call changed something.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "control/agent/agent.h"

namespace kiln {

class SimulatedAgent final : public Agent {
 public:
  explicit SimulatedAgent(int observes_to_change = 0) : observes_to_change_(observes_to_change) {}

  std::vector<NodeReport> Observe() override;
  void Start(const NodeSpec& spec) override;
  void Restart(const NodeSpec& spec) override;
  void Configure(const NodeSpec& spec) override;
  void HandOver(const std::string& key, const Endpoint& replica) override;
  void Hold(const std::string& key) override;
  void Lease(const std::string& key, int64_t from_ms, int64_t duration_ms) override;
  void Kill(const std::string& key) override { EndNode(key); }
  void Remove(const std::string& key) override;
  // Writes a snapshot file without keys.
  std::string Save(const std::string& key, const std::string& path,
                   const std::function<bool()>& goes_on) override;
  // Those of a node that has just been started. Nullopt unless it is ready.
  std::optional<std::map<std::string, std::string>> Statistics(const std::string& key) override;
  void OnChange(std::function<void()> callback) override;

  // ---- What a test makes happen ----

  // Its process ends by itself.
  void EndNode(const std::string& key);
  // Every start of it fails like this; with kNone they succeed again.
  void FailStarts(const std::string& key, NodeProblem problem);
  // Nodes refuse what Configure tells them.
  void RefuseConfigure(bool is_refused);

 private:
  struct Node {
    NodeReport report;
    int observes_left = 0;  // In kStarting and kStopping.
  };

  void StartLocked(const NodeSpec& spec);
  void Advance(Node& node) const;
  Node* FindAt(const Endpoint& listen);
  void Replicate(Node& node);
  void Tell();

  std::mutex mutex_;  // For all below.
  const int observes_to_change_;
  std::map<std::string, Node> nodes_;
  std::map<std::string, NodeProblem> failing_;
  bool is_configure_refused_ = false;
  int64_t next_pid_ = 1000;
  int64_t next_history_ = 1;
  std::function<void()> on_change_;
};

}  // namespace kiln
