#include "control/agent/node_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace kiln {
namespace {

// What posix_spawn is told; it wants its structures destroyed.
class SpawnPlan {
 public:
  explicit SpawnPlan(const NodeProcess::Command& command) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, command.output_path.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    posix_spawn_file_actions_addchdir_np(&actions_, command.folder.c_str());
    // What kilnd blocks or ignores is its own affair.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// <sys/pidfd.h> of Debian 12's C library cannot be used from C++: it lacks extern "C".
int PidFdOpen(int pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

// Of a child of ours that has ended; what was not our child leaves no status to us.
ExitStatus Reap(int pid_fd) {
  siginfo_t info = {};
  if (::waitid(P_PIDFD, static_cast<id_t>(pid_fd), &info, WEXITED | WNOHANG) != 0) return {};
  if (info.si_pid == 0) return {};
  if (info.si_code == CLD_EXITED) return {.code = info.si_status, .signal = {}};
  return {.code = {}, .signal = info.si_status};
}

}  // namespace

Result<std::unique_ptr<NodeProcess>, NetError> NodeProcess::Start(EventLoop& loop,
                                                                  const Command& command,
                                                                  OnEnd on_end) {
  SpawnPlan plan(command);
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = 0;
  int error = ::posix_spawn(&pid, command.program.c_str(), plan.actions(), plan.attributes(),
                            arguments.data(), environ);
  if (error != 0) return NetError{error};
  return Adopt(loop, pid, std::move(on_end));
}

Result<std::unique_ptr<NodeProcess>, NetError> NodeProcess::Adopt(EventLoop& loop, int pid,
                                                                  OnEnd on_end) {
  Fd pid_fd(PidFdOpen(pid));
  if (!pid_fd.IsOpen()) return NetError{errno};
  auto process = std::make_unique<NodeProcess>(loop, pid, std::move(pid_fd), std::move(on_end));
  NetError error = loop.Add(process->pid_fd_.get(), EPOLLIN, process.get());
  KILN_CHECK(error == NetError{});
  return process;
}

void NodeProcess::Signal(int signal) {
  // A process that has ended needs no signal.
  (void)::syscall(SYS_pidfd_send_signal, pid_fd_.get(), signal, nullptr, 0);
}

void NodeProcess::OnEvents(uint32_t) {
  ExitStatus status = Reap(pid_fd_.get());
  OnEnd on_end = std::move(on_end_);  // Outlives this, which it may destroy.
  on_end(status);
}

}  // namespace kiln
