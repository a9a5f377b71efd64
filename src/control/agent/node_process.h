// The process of one node: started by us, or by an earlier kilnd and adopted.
//
// It is a session of its own, so that Ctrl-C in kilnd's terminal does not reach it, and it outlives
// a kilnd that is killed. Its end is told by a pidfd, which works for children and others alike.
// For the thread of the loop alone. Errors: an errno.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/agent/exit_diagnosis.h"
#include "net/event_loop.h"
#include "net/socket.h"

namespace kiln {

class NodeProcess final : private Handler {
 public:
  // May destroy the process. Called once.
  using OnEnd = std::function<void(const ExitStatus&)>;

  struct Command {
    std::string program;
    std::vector<std::string> arguments;  // argv, the name first.
    std::string folder;                  // To run in.
    std::string output_path;             // Standard output and error are appended to it.
  };
  static Result<std::unique_ptr<NodeProcess>, NetError> Start(EventLoop& loop,
                                                              const Command& command, OnEnd on_end);
  // ESRCH when it is gone already.
  static Result<std::unique_ptr<NodeProcess>, NetError> Adopt(EventLoop& loop, int pid,
                                                              OnEnd on_end);
  // For the two above.
  NodeProcess(EventLoop& loop, int pid, Fd pid_fd, OnEnd on_end)
      : loop_(loop), pid_(pid), pid_fd_(std::move(pid_fd)), on_end_(std::move(on_end)) {}
  ~NodeProcess() { loop_.Remove(pid_fd_.get(), this); }
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  int pid() const { return pid_; }
  // Never reaches another process that took over the number.
  void Signal(int signal);

 private:
  void OnEvents(uint32_t events) override;

  EventLoop& loop_;
  int pid_;
  Fd pid_fd_;
  OnEnd on_end_;
};

}  // namespace kiln
