// One node and its way through its states: what the agent's thread knows and does about it.
//
//             Start              answers                 ends by itself
//   kFailed ---------> kStarting ---------> kReady ---------------------> kFailed (waits, then the
//                          |                  |                                    next Start
//                          counts)
//                          +---- Restart, Remove, Stop ----> kStopping --> kStarting, gone, kFailed
//
// Everything happens on the thread of the loop and nothing waits: one timer per node fires when
// something is due, and the ends of processes and replies are events.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "control/agent/admin_connection.h"
#include "control/agent/back_off.h"
#include "control/agent/log_rotation.h"
#include "control/agent/node_folder.h"
#include "control/agent/node_process.h"
#include "control/model/node_spec.h"
#include "net/event_loop.h"

namespace kiln {

struct NodeTimes {
  int64_t start_limit_ms = 30'000;  // To the first answer.
  int64_t stop_limit_ms = 10'000;   // From SIGTERM to SIGKILL.
  int64_t remove_limit_ms = 2'000;  // The same for one that is removed: its data are, too.
  int64_t health_interval_ms = 1'000;
  int64_t health_limit_ms = 5'000;  // To an answer; after it a check is missed.
  int max_misses = 3;               // In a row; then it is killed.
  // Of members of a replication group, which are asked for their replication.
  int64_t watch_interval_ms = 100;
  int64_t silent_after_ms = 4'000;  // Without an answer; then it is told of.
};

struct NodeOptions {
  std::string server_path;  // kiln-server, absolute.
  NodeTimes times;
  BackOffBounds back_off;
  LogLimits log_limits;
};

class ManagedNode {
 public:
  // `options` outlives it.
  ManagedNode(EventLoop& loop, const NodeOptions& options, NodeFolder folder);
  ManagedNode(const ManagedNode&) = delete;
  ManagedNode& operator=(const ManagedNode&) = delete;

  // What was found at the agent's start: the folder of a node, and its process if there is one.
  void TakeOver(const NodeSpec& spec, std::optional<int> pid);
  // A process of which nothing is known; it is ended, and its folder removed.
  void TakeOverUnknown(int pid);

  void Start(const NodeSpec& spec);
  void Restart(const NodeSpec& spec);
  void Configure(const NodeSpec& spec);
  void HandOver(const Endpoint& replica);
  void Hold();
  void Lease(int64_t from_ms, int64_t duration_ms);
  void Kill();
  void Remove();
  void Stop();  // For good; the folder stays.

  void RotateLogs();

  const std::string& key() const { return folder_.key(); }
  const NodeReport& report() const { return report_; }
  bool HasProcess() const { return process_ != nullptr; }
  bool IsGone() const { return is_gone_; }        // Removed: to be destroyed.
  bool IsUnknown() const { return is_unknown_; }  // Not to be told of.
  // Whether the report has changed since the last call.
  bool TakeChange() { return std::exchange(has_changed_, false); }
  // The same of what nobody need be woken for: how far a replica is.
  bool TakeDetail() { return std::exchange(has_detail_, false); }

 private:
  enum class AfterStop { kRestart, kRemove, kStay };

  void OnTimer();
  void OnReply(std::optional<AdminReply> reply);
  void OnEnd(const ExitStatus& status);

  void Launch();
  int WriteFiles() const;
  bool AdoptProcess(int pid);
  void Probe();
  void BecomeReady();
  void CheckHealth();
  AdminRequest HealthRequest() const;
  void NoteReplication(const AdminReply& reply);
  bool BecomeSilent();
  // What the request under way is.
  enum class Asked { kHealth, kConfigure, kHandOver, kHold, kLease };

  void AskNext();
  void Ask(Asked what, const AdminRequest& request);
  void OnAnswer(Asked asked, const AdminReply& reply);
  void ConfigureNext();
  void AskAgainAt(int64_t due_ms);
  void Miss();
  void FinishConfigure(const std::optional<AdminReply>& reply);
  void EndProcess(AfterStop after, int64_t limit_ms);
  void FinishRemoval();
  void Fail(Diagnosis diagnosis);
  void SetState(NodeState state);
  void SetProblemText(std::string text);

  EventLoop& loop_;
  const NodeOptions& options_;
  NodeFolder folder_;
  NodeReport report_;
  bool has_changed_ = true;
  bool has_detail_ = false;
  bool is_gone_ = false;
  bool is_unknown_ = false;

  std::unique_ptr<NodeProcess> process_;
  AdminConnection admin_;
  Timer timer_ = Timer::Calling<&ManagedNode::OnTimer>(this);
  BackOff back_off_;

  NodeSpec wanted_;          // To start with, next time.
  bool is_wanted_ = false;   // kFailed, and kStopping before a removal: Start has been called.
  int64_t start_at_ms_ = 0;  // kFailed: not before.
  AfterStop after_stop_ = AfterStop::kStay;

  int64_t launched_ms_ = 0;
  int64_t ready_ms_ = 0;  // 0: not yet.
  LogMark log_mark_;
  std::string end_text_;  // Why we killed it.

  int misses_ = 0;
  Asked asked_ = Asked::kHealth;
  int64_t asked_ms_ = 0;
  std::optional<NodeSpec> to_configure_;
  std::optional<NodeSpec> configuring_;  // kConfigure: what it runs as when it has answered.
  std::optional<Endpoint> to_hand_over_;
  bool is_to_hold_ = false;
  std::optional<AdminRequest> to_lease_;
};

}  // namespace kiln
