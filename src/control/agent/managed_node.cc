#include "control/agent/managed_node.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "control/agent/node_command.h"

namespace kiln {
namespace {

// How long to wait before a starting node is asked again: short at first, so that it is found ready
// as soon as it is, and never so long that it would be noticed.
int64_t ProbeDelayMs(int64_t since_launch_ms) {
  return std::clamp<int64_t>(since_launch_ms / 8, 2, 50);
}

}  // namespace

ManagedNode::ManagedNode(EventLoop& loop, const NodeOptions& options, NodeFolder folder)
    : loop_(loop),
      options_(options),
      folder_(std::move(folder)),
      admin_(loop, folder_.path(),
             [this](std::optional<AdminReply> reply) { OnReply(std::move(reply)); }),
      back_off_(options.back_off) {
  report_.state = NodeState::kFailed;
}

// ---- What was there before us ----

void ManagedNode::TakeOver(const NodeSpec& spec, std::optional<int> pid) {
  wanted_ = spec;
  report_.running = spec;
  report_.exits = folder_.ReadExits();
  log_mark_ = MarkLogs(folder_);
  if (pid && AdoptProcess(*pid)) {
    SetState(NodeState::kStarting);
    launched_ms_ = loop_.now_ms();
    return AskAgainAt(loop_.now_ms());
  }
}

void ManagedNode::TakeOverUnknown(int pid) {
  is_unknown_ = true;
  if (!AdoptProcess(pid)) return FinishRemoval();
  EndProcess(AfterStop::kRemove, options_.times.remove_limit_ms);
}

bool ManagedNode::AdoptProcess(int pid) {
  auto process =
      NodeProcess::Adopt(loop_, pid, [this](const ExitStatus& status) { OnEnd(status); });
  if (!process) return false;
  process_ = std::move(*process);
  report_.pid = pid;
  return true;
}

// ---- What the orchestrator wants ----

void ManagedNode::Start(const NodeSpec& spec) {
  bool is_removed = report_.state == NodeState::kStopping && after_stop_ == AfterStop::kRemove;
  if (report_.state != NodeState::kFailed && !is_removed) return;
  wanted_ = spec;
  is_wanted_ = true;
  if (is_removed) return;
  if (loop_.now_ms() >= start_at_ms_) return Launch();
  loop_.timers().Arm(timer_, start_at_ms_);
}

void ManagedNode::Restart(const NodeSpec& spec) {
  bool is_restarting = report_.state == NodeState::kStopping && after_stop_ == AfterStop::kRestart;
  if (is_restarting) {
    wanted_ = spec;
  } else if (report_.state == NodeState::kFailed || report_.state == NodeState::kStopping) {
    Start(spec);
  } else if (!IsSameStart(report_.running, spec)) {
    wanted_ = spec;
    EndProcess(AfterStop::kRestart, options_.times.stop_limit_ms);
  }
}

void ManagedNode::Configure(const NodeSpec& spec) {
  if (report_.state != NodeState::kReady) return;
  to_configure_ = spec;
  if (!admin_.IsAsking()) AskNext();
}

void ManagedNode::Remove() {
  is_wanted_ = false;
  if (!HasProcess()) return FinishRemoval();
  EndProcess(AfterStop::kRemove, options_.times.remove_limit_ms);
}

void ManagedNode::Stop() {
  is_wanted_ = false;
  timer_.Cancel();
  if (HasProcess()) EndProcess(AfterStop::kStay, options_.times.stop_limit_ms);
}

void ManagedNode::EndProcess(AfterStop after, int64_t limit_ms) {
  int64_t kill_at_ms = loop_.now_ms() + limit_ms;
  if (report_.state == NodeState::kStopping) {
    if (timer_.IsArmed()) kill_at_ms = std::min(kill_at_ms, timer_.due_ms());
  } else {
    process_->Signal(SIGTERM);
    admin_.Close();
    SetState(NodeState::kStopping);
  }
  after_stop_ = after;
  loop_.timers().Arm(timer_, kill_at_ms);
}

void ManagedNode::FinishRemoval() {
  folder_.Delete();
  is_unknown_ = false;
  if (!is_wanted_) {
    is_gone_ = true;
    return;
  }
  report_ = {};
  Launch();
}

// ---- Start ----

int ManagedNode::WriteFiles() const {
  if (int error = folder_.Create(); error != 0) return error;
  if (int error = folder_.WriteSpec(report_.running); error != 0) return error;
  return IsMemcached(wanted_) ? 0 : folder_.WriteConfig(NodeConfig(wanted_, folder_));
}

void ManagedNode::Launch() {
  is_wanted_ = false;
  launched_ms_ = loop_.now_ms();
  ready_ms_ = 0;
  report_.running = wanted_;
  if (int error = WriteFiles(); error != 0) return Fail(DiagnoseFiles(error, folder_));
  log_mark_ = MarkLogs(folder_);
  auto process = NodeProcess::Start(loop_,
                                    {.program = options_.server_path,
                                     .arguments = NodeArguments(wanted_, folder_),
                                     .folder = folder_.path(),
                                     .output_path = folder_.OutputPath()},
                                    [this](const ExitStatus& status) { OnEnd(status); });
  if (!process) return Fail(DiagnoseSpawn(process.error().code, options_.server_path));
  process_ = std::move(*process);
  report_.pid = process_->pid();
  SetState(NodeState::kStarting);
  AskAgainAt(loop_.now_ms());
}

void ManagedNode::Probe() {
  int64_t give_up_ms = launched_ms_ + options_.times.start_limit_ms;
  if (loop_.now_ms() >= give_up_ms) {
    end_text_ = fmt::format("It did not answer within {} s of its start and was killed: see {}.",
                            options_.times.start_limit_ms / 1000, folder_.LogPath());
    return process_->Signal(SIGKILL);
  }
  if (!admin_.IsAsking() && !admin_.Ask(ProbeRequest(report_.running)))
    return AskAgainAt(loop_.now_ms() + ProbeDelayMs(loop_.now_ms() - launched_ms_));
  loop_.timers().Arm(timer_, give_up_ms);
}

void ManagedNode::BecomeReady() {
  ready_ms_ = loop_.now_ms();
  misses_ = 0;
  report_.problem = NodeProblem::kNone;
  report_.problem_text.clear();
  SetState(NodeState::kReady);
  AskNext();
}

// ---- While it runs ----

// All nodes are checked at the same moments, so that the thread wakes up for all of them at once.
void ManagedNode::AskNext() {
  if (!to_configure_) {
    int64_t interval_ms = options_.times.health_interval_ms;
    return AskAgainAt((loop_.now_ms() / interval_ms + 1) * interval_ms);
  }
  NodeSpec spec = *std::exchange(to_configure_, std::nullopt);
  std::optional<AdminRequest> request = ConfigureRequest(report_.running, spec);
  configuring_ = std::move(spec);
  if (!request) return OnReply(AdminReply{});
  if (!admin_.Ask(*request)) return OnReply(std::nullopt);
  AskAgainAt(loop_.now_ms() + options_.times.health_limit_ms);
}

void ManagedNode::AskAgainAt(int64_t due_ms) {
  loop_.timers().Arm(timer_, due_ms);
}

void ManagedNode::CheckHealth() {
  if (admin_.IsAsking()) {  // No answer in time.
    admin_.Close();
    return OnReply(std::nullopt);
  }
  if (!admin_.Ask(ProbeRequest(report_.running))) return Miss();
  AskAgainAt(loop_.now_ms() + options_.times.health_limit_ms);
}

void ManagedNode::Miss() {
  if (++misses_ < options_.times.max_misses) return AskNext();
  end_text_ = fmt::format("It missed {} health checks in a row and was killed: see {}.", misses_,
                          folder_.LogPath());
  timer_.Cancel();
  process_->Signal(SIGKILL);
}

void ManagedNode::OnReply(std::optional<AdminReply> reply) {
  if (report_.state == NodeState::kStarting) {
    if (reply && IsReady(*reply)) return BecomeReady();
    return AskAgainAt(loop_.now_ms() + ProbeDelayMs(loop_.now_ms() - launched_ms_));
  }
  if (configuring_) FinishConfigure(reply);
  if (!reply) return Miss();
  misses_ = 0;
  AskNext();
}

void ManagedNode::FinishConfigure(const std::optional<AdminReply>& reply) {
  NodeSpec spec = *std::exchange(configuring_, std::nullopt);
  if (!reply) return SetProblemText("It did not answer when it was told its parameters.");
  if (reply->is_error) return SetProblemText("It refused its parameters: " + reply->text);
  ApplyConfigure(spec, &report_.running);
  // A file that could not be written is an old one: an adopted node is then told again.
  (void)folder_.WriteSpec(report_.running);
  has_changed_ = true;
  SetProblemText("");
}

void ManagedNode::OnTimer() {
  switch (report_.state) {
    case NodeState::kFailed:
      return Launch();
    case NodeState::kStarting:
      return Probe();
    case NodeState::kReady:
      return CheckHealth();
    case NodeState::kStopping:
      return process_->Signal(SIGKILL);
  }
}

void ManagedNode::RotateLogs() {
  RotateByRename(folder_.LogPath(), options_.log_limits);
  RotateByCopy(folder_.OutputPath(), options_.log_limits);
}

// ---- Its end ----

void ManagedNode::OnEnd(const ExitStatus& status) {
  bool is_stopping = report_.state == NodeState::kStopping;
  process_.reset();
  admin_.Close();
  timer_.Cancel();
  to_configure_.reset();
  configuring_.reset();
  report_.pid = 0;
  if (!is_stopping) {
    if (ready_ms_ != 0) (void)folder_.WriteExits(++report_.exits);
    return Fail(DiagnoseExit(status, LogTail(folder_, log_mark_), report_.running, folder_));
  }
  switch (after_stop_) {
    case AfterStop::kRestart:
      return Launch();
    case AfterStop::kRemove:
      return FinishRemoval();
    case AfterStop::kStay:
      return SetState(NodeState::kFailed);
  }
}

void ManagedNode::Fail(Diagnosis diagnosis) {
  if (!end_text_.empty()) diagnosis = {NodeProblem::kExited, std::exchange(end_text_, {})};
  int64_t now_ms = loop_.now_ms();
  start_at_ms_ = now_ms + back_off_.AfterRun(ready_ms_ == 0 ? 0 : now_ms - ready_ms_);
  report_.problem = diagnosis.problem;
  SetProblemText(std::move(diagnosis.text));
  SetState(NodeState::kFailed);
  Log(LogLevel::kWarning, "Node " + key() + " does not run: " + report_.problem_text);
}

void ManagedNode::SetState(NodeState state) {
  report_.state = state;
  has_changed_ = true;
}

void ManagedNode::SetProblemText(std::string text) {
  has_changed_ |= report_.problem_text != text;
  report_.problem_text = std::move(text);
}

}  // namespace kiln
