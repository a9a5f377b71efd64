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

void ManagedNode::HandOver(const Endpoint& replica) {
  if (report_.state != NodeState::kReady || report_.replication.is_handing_over) return;
  to_hand_over_ = replica;
  if (!admin_.IsAsking()) AskNext();
}

void ManagedNode::Hold() {
  if (report_.state != NodeState::kReady || report_.replication.is_held) return;
  is_to_hold_ = true;
  if (!admin_.IsAsking()) AskNext();
}

void ManagedNode::Lease(int64_t from_ms, int64_t duration_ms) {
  if (report_.state != NodeState::kReady) return;
  to_lease_ = LeaseRequest(from_ms, duration_ms);
  if (!admin_.IsAsking()) AskNext();
}

void ManagedNode::Kill() {
  if (!HasProcess() || report_.state == NodeState::kStopping) return;
  end_text_ = "It was ended, so that a replica takes its place.";
  process_->Signal(SIGKILL);
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
  if (int error = folder_.PlaceSeed(wanted_.seed); error != 0) return error;
  return IsMemcached(wanted_) ? 0 : folder_.WriteConfig(NodeConfig(wanted_, folder_));
}

void ManagedNode::Launch() {
  is_wanted_ = false;
  launched_ms_ = loop_.now_ms();
  ready_ms_ = 0;
  report_.running = wanted_;
  report_.replication = {};
  report_.has_lease = false;
  report_.is_silent = false;
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
  if (!report_.running.seed.empty()) folder_.DropSeed(report_.running.seed);
  report_.problem = NodeProblem::kNone;
  report_.problem_text.clear();
  SetState(NodeState::kReady);
  if (report_.running.is_grouped) return CheckHealth();  // What it is, is not known yet.
  AskNext();
}

// ---- While it runs ----

// All nodes are checked at the same moments, so that the thread wakes up for all of them at once.
void ManagedNode::AskNext() {
  if (to_lease_) return Ask(Asked::kLease, *std::exchange(to_lease_, std::nullopt));
  if (to_hand_over_)
    return Ask(Asked::kHandOver, HandOverRequest(*std::exchange(to_hand_over_, std::nullopt)));
  if (std::exchange(is_to_hold_, false)) return Ask(Asked::kHold, HoldRequest());
  if (to_configure_) return ConfigureNext();
  const NodeTimes& times = options_.times;
  int64_t interval_ms =
      report_.running.is_grouped ? times.watch_interval_ms : times.health_interval_ms;
  AskAgainAt((loop_.now_ms() / interval_ms + 1) * interval_ms);
}

void ManagedNode::ConfigureNext() {
  report_.running.is_grouped = to_configure_->is_grouped;
  std::optional<ConfigureStep> step = NextConfigureStep(report_.running, *to_configure_);
  if (!step) {
    to_configure_.reset();
    SetProblemText("");
    return AskNext();
  }
  configuring_ = std::move(step->after);
  Ask(Asked::kConfigure, step->request);
}

void ManagedNode::Ask(Asked what, const AdminRequest& request) {
  asked_ = what;
  if (!admin_.Ask(request)) return OnReply(std::nullopt);
  asked_ms_ = loop_.now_ms();
  const NodeTimes& times = options_.times;
  bool is_watched = report_.running.is_grouped;
  AskAgainAt(asked_ms_ + (is_watched ? std::min(times.silent_after_ms, times.health_limit_ms)
                                     : times.health_limit_ms));
}

void ManagedNode::AskAgainAt(int64_t due_ms) {
  loop_.timers().Arm(timer_, due_ms);
}

AdminRequest ManagedNode::HealthRequest() const {
  bool is_grouped = report_.running.is_grouped && !IsMemcached(report_.running);
  return is_grouped ? ReplicationRequest() : ProbeRequest(report_.running);
}

void ManagedNode::CheckHealth() {
  int64_t give_up_ms = asked_ms_ + options_.times.health_limit_ms;
  if (admin_.IsAsking()) {  // No answer in time.
    if (BecomeSilent() && loop_.now_ms() < give_up_ms) return AskAgainAt(give_up_ms);
    admin_.Close();
    return OnReply(std::nullopt);
  }
  Ask(Asked::kHealth, HealthRequest());
}

// False when it is known, or nobody's concern.
bool ManagedNode::BecomeSilent() {
  if (!report_.running.is_grouped || report_.is_silent) return false;
  report_.is_silent = true;
  has_changed_ = true;
  return true;
}

void ManagedNode::NoteReplication(const AdminReply& reply) {
  if (!report_.running.is_grouped || IsMemcached(report_.running)) return;
  ReplicationReport before = report_.replication;
  if (reply.is_error || !ReadReplication(report_.running, reply.text, &report_.replication)) return;
  // It may have changed sides by itself, by a hand-over.
  report_.running.follows = report_.replication.follows;
  has_detail_ = true;
  before.offset = report_.replication.offset;
  has_changed_ |= before != report_.replication;
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
    if (reply && IsLoading(*reply)) launched_ms_ = loop_.now_ms();  // That may take long.
    return AskAgainAt(loop_.now_ms() + ProbeDelayMs(loop_.now_ms() - launched_ms_));
  }
  if (reply) {
    report_.answered_ms = loop_.now_ms();
    has_detail_ = true;
    has_changed_ |= std::exchange(report_.is_silent, false);
  }
  Asked asked = std::exchange(asked_, Asked::kHealth);
  if (asked == Asked::kConfigure) FinishConfigure(reply);
  if (!reply) return Miss();
  misses_ = 0;
  OnAnswer(asked, *reply);
}

void ManagedNode::OnAnswer(Asked asked, const AdminReply& reply) {
  switch (asked) {
    case Asked::kHealth:
      NoteReplication(reply);
      return AskNext();
    case Asked::kConfigure:
      return AskNext();
    case Asked::kLease:
      has_changed_ |= !reply.is_error && !std::exchange(report_.has_lease, true);
      if (reply.is_error)
        Log(LogLevel::kWarning, "Node " + key() + " takes no lease: " + reply.text);
      return AskNext();
    case Asked::kHandOver:
    case Asked::kHold:
      if (reply.is_error) {
        Log(LogLevel::kWarning, "Node " + key() + " does not " +
                                    (asked == Asked::kHold ? "hold still: " : "hand over: ") +
                                    reply.text);
      }
      return CheckHealth();
  }
}

void ManagedNode::FinishConfigure(const std::optional<AdminReply>& reply) {
  NodeSpec after = *std::exchange(configuring_, std::nullopt);
  if (!reply || reply->is_error) {
    to_configure_.reset();  // Whoever wants it says so again.
    return SetProblemText(reply ? "It refused its parameters: " + reply->text
                                : "It did not answer when it was told its parameters.");
  }
  report_.running = std::move(after);
  // A file that could not be written is an old one: an adopted node is then told again.
  (void)folder_.WriteSpec(report_.running);
  has_changed_ = true;
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
  to_hand_over_.reset();
  is_to_hold_ = false;
  to_lease_.reset();
  asked_ = Asked::kHealth;
  report_.pid = 0;
  report_.ended_ms = loop_.now_ms();
  report_.is_silent = false;
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
