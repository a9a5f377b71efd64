// EventLoop: one worker's turn-by-turn life: wait, deliver mail, read ready sockets, fire timers,
// finish the turn.
//
// A turn: epoll_wait > BeforeTurn > mail > postponed handlers > ready handlers > timers >
// AfterTurn. The loop sleeps until a socket, a message or the next timer; there is no periodic
// tick.
//
// Level-triggered by default: read once per event, and let epoll report what is left next turn.
// That costs one recv and one send a wake-up (a short read needs no second one) and no
// EPOLL_CTL_MOD in the steady state. Arm EPOLLOUT only after a partial send. Edge-triggered reading
// was measured on noop-server (50 clients, pipelines of 1 and 16): the same CPU time per request
// within noise, so it is not worth its traps. Callers may still add EPOLLET or EPOLLEXCLUSIVE.
//
// Thread safety: none, but for mailbox().Post and Stop. Errors: a process without descriptors for
// its loops ends.
#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdint>
#include <vector>

#include "net/mailbox.h"
#include "net/socket.h"
#include "net/timer_wheel.h"

namespace kiln {

// What a descriptor's owner implements.
class Handler {
 public:
  // `events`: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR...; 0 when called because of
  // PostponeToNextTurn. May add and remove any handler, and destroy any removed one, itself too.
  virtual void OnEvents(uint32_t events) = 0;

 protected:
  ~Handler() = default;
};

// Wraps every turn, for instance to enter a gate, and to execute the batch and flush outputs before
// leaving it.
class TurnHooks {
 public:
  virtual void BeforeTurn() = 0;
  virtual void AfterTurn() = 0;

 protected:
  ~TurnHooks() = default;
};

class EventLoop {
 public:
  static constexpr int kMaxEvents = 512;  // Ready descriptors a turn; more wait for the next.
  static constexpr int kForever = -1;

  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void SetHooks(TurnHooks* hooks) { hooks_ = hooks; }

  // One handler per descriptor. The descriptor must be removed before it is closed.
  NetError Add(int fd, uint32_t events, Handler* handler);
  void Modify(int fd, uint32_t events, Handler* handler);
  // The handler may be destroyed right after: what this turn still held for it is dropped.
  void Remove(int fd, Handler* handler);

  // Calls handler->OnEvents(0) next turn, without sleeping before it: it has input left that epoll
  // does not know of. Once per call, so keep a flag. Remove (or Forget, for a handler without
  // descriptor) cancels it.
  void PostponeToNextTurn(Handler* handler) { postponed_.push_back(handler); }
  void Forget(Handler* handler);
  // There is more work: the next turn does not sleep.
  void PostponeToNextTurn() { longest_sleep_ms_ = 0; }
  // There is more work, but none that is urgent: the next turn sleeps a millisecond at most, so
  // that other threads of the machine, the network's among them, get the core in between.
  void RestBeforeNextTurn() { longest_sleep_ms_ = std::min(longest_sleep_ms_, 1); }

  void RunOnce(int max_wait_ms = kForever);  // One turn.
  void Run();                                // Turns until Stop.
  // Within a turn that lasts: delivers mail and calls the handlers that are ready now, without
  // hooks, timers and postponed handlers. What the turn itself had still to call is dropped; epoll
  // reports it again next turn.
  void CallReadyNow();
  // Lets the current turn finish, and ends Run. From any thread, and from signal handlers.
  void Stop();
  bool IsStopped() const { return stopped_.load(std::memory_order_relaxed); }

  // Monotonic milliseconds, taken once a turn when epoll_wait returned. Timers of timers() are on
  // this clock.
  int64_t now_ms() const { return now_ms_; }
  TimerWheel& timers() { return timers_; }
  void ArmIn(Timer& timer, int64_t delay_ms) { timers_.Arm(timer, now_ms_ + delay_ms); }
  Mailbox& mailbox() { return mailbox_; }

 private:
  int WaitMs(int max_wait_ms);
  void CallPostponed();
  void CallReady();

  Fd epoll_fd_;
  Mailbox mailbox_;
  int64_t now_ms_;
  TimerWheel timers_;
  TurnHooks* hooks_ = nullptr;
  std::atomic<bool> stopped_{false};
  int longest_sleep_ms_ = INT_MAX;  // Before the next turn.

  std::vector<Handler*> postponed_;  // For the next turn.
  std::vector<Handler*> resuming_;   // Of this turn; null where forgotten.
  int ready_ = 0;                    // events_[next_, ready_) are still to be called.
  int next_ = 0;
  epoll_event events_[kMaxEvents];
};

}  // namespace kiln
