#include "control/agent/process_agent.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "control/agent/node_command.h"
#include "control/agent/node_save.h"
#include "control/agent/process_scan.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRotationIntervalMs = 10'000;
constexpr int kStatisticsLimitMs = 1'000;

// The same text for the same folder, however it is named: processes are found by it.
std::string Canonical(const std::string& path) {
  std::error_code error;
  fs::path canonical = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? path : canonical.string();
}

}  // namespace

ProcessAgent::ProcessAgent(ProcessAgentOptions options) : options_(std::move(options)) {
  std::error_code ignored;
  options_.data_path = Canonical(options_.data_path);
  options_.node.server_path = fs::absolute(options_.node.server_path, ignored).string();
  nodes_path_ = options_.data_path + "/nodes";
  TakeOverNodes();
  Publish();
  loop_.SetHooks(this);
  loop_.ArmIn(rotation_, kRotationIntervalMs);
  thread_ = std::thread([this] { loop_.Run(); });
}

void ProcessAgent::TakeOverNodes() {
  std::map<std::string, int> pids;
  std::vector<FoundProcess> found = FindNodeProcesses(nodes_path_);
  for (const FoundProcess& process : found) pids.emplace(process.key, process.pid);
  for (const std::string& key : NodeFolder::List(nodes_path_)) {
    NodeFolder folder(nodes_path_, key);
    std::optional<NodeSpec> spec = folder.ReadSpec();
    if (!spec) {
      Log(LogLevel::kWarning, "Removing " + folder.path() + ", which is no node's");
      if (!pids.contains(key)) folder.Delete();
      continue;
    }
    auto pid = pids.extract(key);
    NodeOf(key).TakeOver(*spec, pid ? std::optional(pid.mapped()) : std::nullopt);
  }
  for (const auto& [key, pid] : pids) {
    Log(LogLevel::kWarning,
        "Ending process " + std::to_string(pid) + ", a node of which nothing is known: " + key);
    NodeOf(key).TakeOverUnknown(pid);
  }
}

ManagedNode& ProcessAgent::NodeOf(const std::string& key) {
  std::unique_ptr<ManagedNode>& node = nodes_[key];
  if (!node)
    node = std::make_unique<ManagedNode>(loop_, options_.node, NodeFolder(nodes_path_, key));
  return *node;
}

// ---- Calls ----

void ProcessAgent::Start(const NodeSpec& spec) {
  loop_.mailbox().Post([this, spec] {
    if (!is_closing_) NodeOf(spec.Key()).Start(spec);
  });
}

void ProcessAgent::Restart(const NodeSpec& spec) {
  loop_.mailbox().Post([this, spec] {
    if (!is_closing_) NodeOf(spec.Key()).Restart(spec);
  });
}

void ProcessAgent::Configure(const NodeSpec& spec) {
  loop_.mailbox().Post([this, spec] {
    auto node = nodes_.find(spec.Key());
    if (node != nodes_.end() && !is_closing_) node->second->Configure(spec);
  });
}

void ProcessAgent::HandOver(const std::string& key, const Endpoint& replica) {
  loop_.mailbox().Post([this, key, replica] {
    auto node = nodes_.find(key);
    if (node != nodes_.end() && !is_closing_) node->second->HandOver(replica);
  });
}

void ProcessAgent::Hold(const std::string& key) {
  loop_.mailbox().Post([this, key] {
    auto node = nodes_.find(key);
    if (node != nodes_.end() && !is_closing_) node->second->Hold();
  });
}

void ProcessAgent::Lease(const std::string& key, int64_t from_ms, int64_t duration_ms) {
  loop_.mailbox().Post([this, key, from_ms, duration_ms] {
    auto node = nodes_.find(key);
    if (node != nodes_.end() && !is_closing_) node->second->Lease(from_ms, duration_ms);
  });
}

void ProcessAgent::Kill(const std::string& key) {
  loop_.mailbox().Post([this, key] {
    auto node = nodes_.find(key);
    if (node != nodes_.end() && !is_closing_) node->second->Kill();
  });
}

void ProcessAgent::Remove(const std::string& key) {
  loop_.mailbox().Post([this, key] {
    auto node = nodes_.find(key);
    if (node != nodes_.end() && !is_closing_) node->second->Remove();
  });
}

std::vector<NodeReport> ProcessAgent::Observe() {
  std::lock_guard lock(mutex_);
  std::vector<NodeReport> reports;
  reports.reserve(reports_.size());
  for (const auto& [key, report] : reports_) reports.push_back(report);
  return reports;
}

void ProcessAgent::OnChange(std::function<void()> callback) {
  std::lock_guard lock(callback_mutex_);
  on_change_ = std::move(callback);
}

std::optional<std::map<std::string, std::string>> ProcessAgent::Statistics(const std::string& key) {
  NodeReport report;
  {
    std::lock_guard lock(mutex_);
    auto found = reports_.find(key);
    if (found == reports_.end() || found->second.state != NodeState::kReady) return std::nullopt;
    report = found->second;
  }
  std::optional<AdminReply> reply = AskNode(NodeFolder(nodes_path_, key).path(),
                                            StatisticsRequest(report.running), kStatisticsLimitMs);
  if (!reply || reply->is_error) return std::nullopt;
  auto fields = ReadStatistics(report.running, reply->text);
  for (auto& [name, value] : ReadProcessStatistics(static_cast<int>(report.pid)))
    fields[name] = std::move(value);
  return fields;
}

std::string ProcessAgent::Save(const std::string& key, const std::string& path,
                               const std::function<bool()>& goes_on) {
  NodeFolder folder(nodes_path_, key);
  if (std::string problem = SaveNode(folder.path(), goes_on); !problem.empty()) return problem;
  int error = folder.TakeSnapshot(path);
  return error == 0 ? "" : "its file cannot be moved: " + std::generic_category().message(error);
}

void ProcessAgent::Close() {
  if (!thread_.joinable()) return;
  loop_.mailbox().Post([this] { StopNodes(); });
  thread_.join();
}

// ---- The thread ----

void ProcessAgent::StopNodes() {
  is_closing_ = true;
  if (options_.keep_nodes_on_exit) return loop_.Stop();
  for (auto& [key, node] : nodes_) node->Stop();
}

bool ProcessAgent::HasProcesses() const {
  for (const auto& [key, node] : nodes_) {
    if (node->HasProcess()) return true;
  }
  return false;
}

void ProcessAgent::RotateLogs() {
  for (auto& [key, node] : nodes_) node->RotateLogs();
  loop_.ArmIn(rotation_, kRotationIntervalMs);
}

void ProcessAgent::AfterTurn() {
  if (Publish()) {
    std::lock_guard lock(callback_mutex_);
    if (on_change_) on_change_();
  }
  if (is_closing_ && !HasProcesses()) loop_.Stop();
}

// Copies the reports that have changed. False when none has.
bool ProcessAgent::Publish() {
  bool has_news = false;
  for (auto node = nodes_.begin(); node != nodes_.end();) {
    bool is_gone = node->second->IsGone();
    bool is_news = node->second->TakeChange();
    if (is_gone || is_news || node->second->TakeDetail()) {
      std::lock_guard lock(mutex_);
      if (is_gone || node->second->IsUnknown()) {
        has_news |= reports_.erase(node->first) > 0;
      } else {
        reports_[node->first] = node->second->report();
        has_news |= is_news;
      }
    }
    node = is_gone ? nodes_.erase(node) : std::next(node);
  }
  return has_news;
}

}  // namespace kiln
