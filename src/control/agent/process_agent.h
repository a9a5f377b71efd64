// The agent with real processes: kiln-server on this machine, one folder for each node.
//
//   DATA/nodes/<key>/  node.json (what it was started with), kiln.conf (redis), admin.sock,
//                      node.log, stderr.log, exits (how many times it ended unasked)
//
// A kilnd that is killed leaves its nodes running; the next one finds them by name in /proc and
// adopts them with what node.json says. Nothing else is remembered.
//
// One thread owns all nodes (managed_node.h) and never waits. Calls post to it; Observe reads
// copies under a lock that is held for no more than copying. Statistics asks the node on the
// caller's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "control/agent/agent.h"
#include "control/agent/managed_node.h"
#include "net/event_loop.h"

namespace kiln {

struct ProcessAgentOptions {
  std::string data_path;
  NodeOptions node;  // A relative server_path is that of now.
  bool keep_nodes_on_exit = false;
};

class ProcessAgent final : public Agent, private TurnHooks {
 public:
  // Has taken over what runs when it returns.
  explicit ProcessAgent(ProcessAgentOptions options);
  ~ProcessAgent() override { Close(); }

  std::vector<NodeReport> Observe() override;
  void Start(const NodeSpec& spec) override;
  void Restart(const NodeSpec& spec) override;
  void Configure(const NodeSpec& spec) override;
  void HandOver(const std::string& key, const Endpoint& replica) override;
  void Hold(const std::string& key) override;
  void Lease(const std::string& key, int64_t from_ms, int64_t duration_ms) override;
  void Kill(const std::string& key) override;
  void Remove(const std::string& key) override;
  std::string Save(const std::string& key, const std::string& path,
                   const std::function<bool()>& goes_on) override;
  std::optional<std::map<std::string, std::string>> Statistics(const std::string& key) override;
  void OnChange(std::function<void()> callback) override;

  // Ends all nodes (unless they are to be kept) and waits for that; their folders stay. Calls
  // after it do nothing.
  void Close();

 private:
  void BeforeTurn() override {}
  void AfterTurn() override;

  void TakeOverNodes();
  ManagedNode& NodeOf(const std::string& key);
  void StopNodes();
  void RotateLogs();
  bool Publish();
  bool HasProcesses() const;

  ProcessAgentOptions options_;
  std::string nodes_path_;

  // Of the thread.
  EventLoop loop_;
  std::map<std::string, std::unique_ptr<ManagedNode>> nodes_;
  Timer rotation_ = Timer::Calling<&ProcessAgent::RotateLogs>(this);
  bool is_closing_ = false;

  std::mutex mutex_;
  std::map<std::string, NodeReport> reports_;  // Under mutex_.

  std::mutex callback_mutex_;
  std::function<void()> on_change_;  // Under callback_mutex_, also while it is called.

  std::thread thread_;
};

}  // namespace kiln
